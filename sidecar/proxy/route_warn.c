/* sidecar/proxy/route_warn.c - which route a request takes: rules that can never match.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Looks at rules whose host and path are alike, where one comes first and takes all that the other asks for. Shadows
 * that one path casts on a different one (an expression behind a template) are not looked for. */
#include "base/alloc.h"
#include "proxy/router.h"

#include <stdio.h>
#include <stdlib.h>

/* How far back is looked at one place, to keep thousands of rules on one path cheap. */
#define LOOK_BACK 256

static bool asks_for(const struct compiled_rule *rule, const struct route_cond *cond)
{
    for (unsigned i = 0; i < rule->nconds; i++)
        if (cond_equal(&rule->conds[i], cond))
            return true;
    return false;
}

/* HEAD that comes with GET goes where GET goes. */
static uint64_t named(const struct compiled_rule *rule)
{
    return rule->methods & ~rule->implied;
}

bool rule_covers(const struct compiled_rule *first, const struct compiled_rule *second, uint64_t *methods)
{
    *methods = 0;
    if (first->listeners != 0 && (second->listeners == 0 || (second->listeners & ~first->listeners) != 0))
        return false;
    for (unsigned i = 0; i < first->nconds; i++)
        if (!asks_for(second, &first->conds[i]))
            return false;
    *methods = named(first);
    return first->methods == 0 || (second->methods != 0 && (named(second) & ~*methods) == 0);
}

/* The rule that takes the last bit of what candidate i of the range asks for, or NULL. */
static const struct compiled_rule *shadow_of(const struct router *r, const struct trie_range *range, unsigned i)
{
    const struct trie_candidate *all = r->trie.candidates + range->first;
    const struct compiled_rule *mine = &r->rules[all[i].rule];
    uint64_t taken = 0, methods;

    for (unsigned k = i > LOOK_BACK ? i - LOOK_BACK : 0; k < i; k++) {
        const struct compiled_rule *other = &r->rules[all[k].rule];

        if (other == mine || (all[i].regex != NULL && !str_eq(all[i].pattern, all[k].pattern)))
            continue;
        if (rule_covers(other, mine, &methods))
            return other;
        taken |= methods;
        if (mine->methods != 0 && (named(mine) & ~taken) == 0)
            return other;
    }
    return NULL;
}

static void look_at(const struct router *r, const struct trie_range *range, bool *alive,
                    const struct compiled_rule **shadow)
{
    for (unsigned i = 0; i < range->n; i++) {
        unsigned rule = r->trie.candidates[range->first + i].rule;
        const struct compiled_rule *other = shadow_of(r, range, i);

        if (other == NULL)
            alive[rule] = true;
        else
            shadow[rule] = other;
    }
}

static void warn_of(const struct route_rule *rules, unsigned i, unsigned by, route_report_fn *report, void *arg)
{
    char text[512];
    struct route_problem p = { .warning = true, .rule = i, .item = -1, .text = text };

    if (rules[by].name != NULL)
        snprintf(text, sizeof text, "can never match: route \"%.300s\" takes all of its requests first",
                 rules[by].name);
    else
        snprintf(text, sizeof text, "can never match: route number %u takes all of its requests first", by + 1);
    report(arg, &p);
}

void router_warn(const struct router *r, const struct route_rule *rules, route_report_fn *report, void *arg)
{
    bool *alive = xcalloc(r->nrules, sizeof *alive);
    const struct compiled_rule **shadow = xcalloc(r->nrules, sizeof *shadow);

    for (unsigned i = 1; i < r->trie.nnodes; i++)
        for (unsigned end = 0; end < TRIE_ENDS; end++)
            look_at(r, &r->trie.nodes[i].at[end], alive, shadow);
    for (unsigned i = 0; i < r->nrules; i++)
        if (!alive[i] && shadow[i] != NULL)
            warn_of(rules, i, shadow[i]->index, report, arg);
    free(alive);
    free(shadow);
}
