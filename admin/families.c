/* admin/families.c - the metrics that are no counters of requests, and the reference of all there are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/families.h"

#include "policy/registry.h"
#include "proxy/tally.h"

static const struct {
    const char *name;
    enum metric_type type;
    const char *labels, *help;
} families[FAMILY_COUNT] = {
#define FAMILY_ROW(id, name, type, labels, help) { name, METRIC_##type, labels, help },
    FAMILIES(FAMILY_ROW)
#undef FAMILY_ROW
};

void family_begin(struct exposition *e, enum family f)
{
    exposition_family(e, families[f].name, families[f].type, families[f].help);
}

void family_one(struct exposition *e, enum family f)
{
    family_begin(e, f);
    exposition_sample(e, "");
}

/* A policy's name may have what a metric's may not. */
static void put_word(struct buf *to, const char *word)
{
    for (; *word != '\0'; word++)
        buf_putc(to, (*word >= 'a' && *word <= 'z') || (*word >= 'A' && *word <= 'Z') || (*word >= '0' && *word <= '9')
                     ? *word : '_');
}

void family_of_counter(struct buf *to, const struct sc_policy *policy, unsigned counter)
{
    buf_puts(to, "outrider_policy_");
    put_word(to, policy->name);
    buf_putc(to, '_');
    put_word(to, policy->counters[counter].name);
    if (!str_ends(buf_view(to), STR("_total")))
        buf_puts(to, "_total");
}

/* ---- the reference ---- */

static void put_row(struct buf *to, const char *name, enum metric_type type, const char *labels, const char *help)
{
    static const char *const types[] = { "counter", "gauge", "histogram", "untyped" };

    buf_printf(to, "| `%s` | %s | %s | %s |\n", name, types[type], labels, help);
}

static void put_metrics(struct buf *to, const struct metric *m)
{
    for (; m->name != NULL; m++) {
        struct buf labels = BUF_INIT;

        for (unsigned i = 0; m->labels[i].name != NULL; i++)
            buf_printf(&labels, "%s%s", i == 0 ? "" : ", ", m->labels[i].name);
        if (m->cell_label != NULL)
            buf_printf(&labels, "%s%s", labels.n == 0 ? "" : ", ", m->cell_label);
        put_row(to, m->name, m->type, labels.n > 0 ? labels.p : "", m->help);
        buf_fini(&labels);
    }
}

static void put_counters(struct buf *to, const struct sc_policy *policy)
{
    for (unsigned i = 0; policy->counters != NULL && policy->counters[i].name != NULL; i++) {
        struct buf name = BUF_INIT;

        family_of_counter(&name, policy, i);
        put_row(to, name.p, METRIC_COUNTER, "route, id", policy->counters[i].doc);
        buf_fini(&name);
    }
}

void families_markdown(struct buf *to)
{
    const struct sc_policy *policy;

    buf_puts(to, "# Metrics\n\nAt `/metrics` of the admin listeners. Names that begin with `gateway_` are there unless\n"
                 "`telemetry.metrics.compat` is off, those of a policy while it runs somewhere.\n\n"
                 "| name | type | labels | what |\n| --- | --- | --- | --- |\n");
    put_metrics(to, tally_shown);
    for (unsigned i = 0; i < FAMILY_COUNT; i++)
        put_row(to, families[i].name, families[i].type, families[i].labels, families[i].help);
    put_metrics(to, tally_compat);
    for (unsigned i = 0; (policy = policy_at(i)) != NULL; i++)
        put_counters(to, policy);
}
