/* admin/metrics.c - /metrics.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The page is made in one piece, on the admin thread, from counters that nobody has to stop for. How long it may become is
 * bounded by telemetry.metrics.max_series and by the configuration. */
#include "admin/metrics.h"

#include "admin/families.h"
#include "admin/gauges.h"
#include "admin/process.h"
#include "discovery/status.h"
#include "discovery/snapshot/store.h"
#include "policy/registry.h"
#include "proxy/tally.h"
#include "telemetry/writer.h"

/* ---- the process ---- */

static void put_config(struct exposition *e, const struct admin_state *state)
{
    struct admin_facts f = { 0 };

    state->facts(state->arg, &f);
    family_one(e, FAMILY_RELOAD_GOOD);
    exposition_uint(e, !f.reload_failed);
    family_one(e, FAMILY_RELOAD_TIME);
    exposition_milli(e, f.loaded_wall_ms);
    family_one(e, FAMILY_BUILD);
    exposition_label(e, "version", str_of(state->version));
    exposition_uint(e, 1);
    process_expose(e, f.started_wall_ms);
}

static void put_dropped(void *arg, const struct writer_stats *s)
{
    struct exposition *e = arg;

    exposition_sample(e, "");
    exposition_label(e, "sink", str_of(s->output));
    exposition_uint(e, s->dropped);
}

static void put_losses(struct exposition *e, const struct admin_state *state)
{
    family_begin(e, FAMILY_LOG_DROPPED);
    writer_each(state->writer, put_dropped, e);
    family_one(e, FAMILY_OVERFLOW);
    exposition_uint(e, metrics_overflow(state->metrics));
}

/* ---- policies ---- */

static void put_instance(struct exposition *e, const struct policy_instance *i, unsigned counter)
{
    exposition_sample(e, "");
    exposition_label(e, "route", str_of(i->scope));
    exposition_label(e, "id", str_of(i->id));
    exposition_uint(e, instance_counter(i, counter));
}

static const struct policy_instance *next_of(const struct chain_set *set, const struct sc_policy *policy, unsigned *at)
{
    const struct policy_instance *i;

    while ((i = chain_set_instance(set, (*at)++)) != NULL)
        if (i->policy == policy)
            return i;
    return NULL;
}

static void put_counter(struct exposition *e, const struct chain_set *set, const struct sc_policy *policy, unsigned counter)
{
    const struct policy_instance *i;
    struct buf name = BUF_INIT;

    family_of_counter(&name, policy, counter);
    exposition_family(e, name.p, METRIC_COUNTER, policy->counters[counter].doc);
    for (unsigned at = 0; (i = next_of(set, policy, &at)) != NULL;)
        put_instance(e, i, counter);
    buf_fini(&name);
}

/* Those that run somewhere. */
static void put_policies(struct exposition *e, const struct chain_set *set)
{
    const struct sc_policy *policy;

    for (unsigned p = 0; (policy = policy_at(p)) != NULL; p++) {
        unsigned at = 0;
        const struct policy_instance *first = next_of(set, policy, &at);

        for (unsigned c = 0; first != NULL && c < first->ncounters; c++)
            put_counter(e, set, policy, c);
    }
}

/* ---- discovery ---- */

static void put_snapshots(struct exposition *e, const struct admin_state *state)
{
    struct store_counts counts;

    if (state->kept == NULL)
        return;
    state->kept(state->arg, &counts);
    gauges_snapshots(e, &counts);
}

/* ---- the page ---- */

static void put_counted(struct exposition *e, const struct metrics *m, const struct metric *shown)
{
    for (; shown->name != NULL; shown++)
        exposition_metric(e, m, shown);
}

static void put_plan(struct exposition *e, const struct admin_state *state, bool *compat)
{
    struct plan *p = state->plan(state->arg);

    *compat = p != NULL && p->config->telemetry.metrics.compat;
    if (p == NULL)
        return;
    gauges_connections(e, p, state->metrics);
    put_policies(e, p->chains);
    plan_unref(&p);
}

static void put_services(struct exposition *e, const struct admin_state *state, bool compat)
{
    struct discovery_status *d = state->services(state->arg);

    if (d == NULL)
        return;
    gauges_targets(e, d);
    gauges_sources(e, d);
    put_snapshots(e, state);
    gauges_registrations(e, d);
    if (compat)
        gauges_compat(e, d, state->metrics);
    discovery_status_unref(&d);
}

void metrics_page(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a)
{
    struct exposition e = { .to = &a->body, .format = exposition_choose(r->accept) };
    bool compat;

    (void)name;
    a->type = exposition_type(e.format);
    put_counted(&e, state->metrics, tally_shown);
    put_plan(&e, state, &compat);
    put_services(&e, state, compat);
    if (compat)
        put_counted(&e, state->metrics, tally_compat);
    put_losses(&e, state);
    put_config(&e, state);
    exposition_end(&e);
}
