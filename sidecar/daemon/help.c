/* sidecar/daemon/help.c - `outrider help`: prose of a key, and the pages made of all of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/families.h"
#include "admin/manual.h"
#include "base/alloc.h"
#include "conf/describe.h"
#include "daemon/commands.h"
#include "discovery/balance/balancer.h"
#include "discovery/provider.h"
#include "policy/registry.h"
#include "proxy/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static bool as_man, as_markdown, as_keys, of_metrics, of_pages;

const struct option_row help_options[] = {
    { 0, "keys", NULL, "prints the path of every key", NULL, &as_keys },
    { 0, "markdown", NULL, "prints the reference of all keys as Markdown", NULL, &as_markdown },
    { 0, "metrics", NULL, "prints the reference of all metrics as Markdown", NULL, &of_metrics },
    { 0, "pages", NULL, "prints the manual page outrider-admin(7), of all admin pages", NULL, &of_pages },
    { 0, "man", NULL, "prints it as the manual page outrider.yaml(5)", NULL, &as_man },
    { .name = NULL },
};

/* --- what keys choose among --- */

struct topics {
    struct conf_topic *at;
    unsigned n;
};

static void add_topic(struct topics *t, const char *where, const char *name, const char *summary,
                      const struct sc_field *fields)
{
    t->at = xrealloc(t->at, (t->n + 2) * sizeof *t->at);
    t->at[t->n++] = (struct conf_topic){ where, name, summary, fields };
    t->at[t->n] = (struct conf_topic){ .name = NULL };
}

static struct topics all_topics(void)
{
    struct topics t = { .n = 0 };
    const struct sc_policy *p;

    for (unsigned i = 0; (p = policy_at(i)) != NULL; i++)
        add_topic(&t, "policies", p->name, p->summary, p->fields);
    for (unsigned i = 0; balancers[i] != NULL; i++)
        add_topic(&t, "services.balancer", balancers[i]->name, balancers[i]->summary, balancers[i]->fields);
    for (unsigned i = 0; providers[i] != NULL; i++)
        add_topic(&t, "registries", providers[i]->name, providers[i]->summary, providers[i]->fields);
    for (unsigned i = 0; providers[i] != NULL; i++)
        if (providers[i]->source_fields != NULL)
            add_topic(&t, "services.source", providers[i]->name, "The keys of a source in such a registry.",
                      providers[i]->source_fields);
    return t;
}

/* --- the command --- */

static int help_key(const char *key, const struct conf_topic *topics, struct buf *out)
{
    if (conf_help(config_fields, topics, key, out))
        return commands_write(out);
    fprintf(stderr, "outrider help: there is no key or command \"%s\"%s%s\n", key, out->n > 0 ? "; " : "",
            out->n > 0 ? out->p : "");
    buf_fini(out);
    return EX_USAGE;
}

static int help_word(const char *word, const struct conf_topic *topics, struct buf *out)
{
    for (const struct command *c = commands; c->name != NULL; c++) {
        if (strcmp(c->name, word) == 0) {
            options_help(c, out);
            return commands_write(out);
        }
    }
    return help_key(word, topics, out);
}

static void help_overview(struct buf *out)
{
    commands_overview(out);
    buf_puts(out, "\nKeys of the configuration:\n ");
    for (const struct sc_field *f = config_fields; f->type != SC_T_END; f++)
        if (f->name != NULL)
            buf_printf(out, " %s", f->name);
    buf_putc(out, '\n');
}

int command_help(const struct command *self, int n, char **words)
{
    struct topics topics = all_topics();
    struct buf out = BUF_INIT;
    int code;

    (void)self;
    if (as_man)
        conf_man(config_fields, topics.at, PACKAGE_VERSION, &out);
    else if (as_markdown)
        conf_markdown(config_fields, topics.at, &out);
    else if (as_keys)
        conf_keys(config_fields, topics.at, &out);
    else if (of_metrics)
        families_markdown(&out);
    else if (of_pages)
        manual_print(PACKAGE_VERSION, &out);
    else if (n == 0)
        help_overview(&out);
    code = out.n > 0 ? commands_write(&out) : help_word(words[0], topics.at, &out);
    free(topics.at);
    return code;
}
