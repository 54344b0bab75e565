/* sidecar/proxy/route_explain.c - why a request does not take a route.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Looks at every rule by itself, without the tree that finding uses: what the two say must agree. */
#include "proxy/route.h"

#include "base/alloc.h"
#include "http/regex.h"
#include "proxy/router.h"

#include <stdlib.h>

/* ---- hosts ---- */

static struct sc_str without_dot(struct sc_str host)
{
    if (host.n > 1 && host.p[host.n - 1] == '.')
        host.n--;
    return host;
}

/* "*.example.com" is for all names below example.com. */
static bool host_fits(struct sc_str pattern, struct sc_str host)
{
    struct sc_str suffix;

    pattern = without_dot(pattern);
    if (!str_starts(pattern, STR("*.")))
        return str_ieq(pattern, host);
    suffix = str_skip(pattern, 1);
    return host.n > suffix.n && str_ieq(str_skip(host, host.n - suffix.n), suffix);
}

static bool hosts_fit(const struct sc_strings *hosts, struct sc_str host)
{
    for (unsigned i = 0; i < hosts->n; i++)
        if (host_fits(str_of(hosts->at[i]), without_dot(host)))
            return true;
    return hosts->n == 0;
}

/* ---- paths ---- */

static bool segments_fit(const struct route_path *p, struct sc_str path)
{
    struct sc_str rest = str_skip(path, 1), segment;
    unsigned n = 0;

    while (n < p->n && str_split(&rest, '/', &segment)) {
        const struct path_segment *want = &p->at[n++];

        if (want->wild ? segment.n == 0 : !str_eq(segment, want->text))
            return false;
        if (n == p->n && (p->has_rest || rest.p == NULL))
            return true;
    }
    return p->n == 0 && p->has_rest;
}

static bool paths_fit(const struct sc_strings *paths, struct sc_str path, struct arena *a)
{
    struct sc_error e = SC_ERROR_INIT;
    struct route_path p;

    for (unsigned i = 0; i < paths->n; i++)
        if (route_path_parse(&p, paths->at[i], a, &e) && !p.is_regex && path.n > 0 && path.p[0] == '/' &&
            segments_fit(&p, path))
            return true;
    return paths->n == 0;
}

/* Which rules have an expression that is found in the path: those of the tree are compiled. */
static bool *find_expressions(const struct router *r, struct sc_str path)
{
    bool *found = xcalloc(r->nrules + 1, sizeof *found);

    for (unsigned i = 0; i < r->trie.ncandidates; i++) {
        const struct trie_candidate *c = &r->trie.candidates[i];

        if (c->regex != NULL && !found[c->rule] && str_starts(path, c->prefix))
            found[c->rule] = regex_match(c->regex, path);
    }
    return found;
}

/* ---- a rule ---- */

static struct route_verdict judge(const struct router *r, const struct compiled_rule *rule, const struct route_request *q,
                                  bool expression, struct arena *a)
{
    const struct route_match *m = r->matches[rule->index];

    if (rule->listeners != 0 && (rule->listeners >> q->listener & 1) == 0)
        return (struct route_verdict){ .why = ROUTE_LISTENER };
    if (!hosts_fit(&m->hosts, q->host))
        return (struct route_verdict){ .why = ROUTE_HOST };
    if (!expression && !paths_fit(&m->paths, q->path, a))
        return (struct route_verdict){ .why = ROUTE_PATH };
    for (unsigned i = 0; i < rule->nconds; i++)
        if (!cond_meets(&rule->conds[i], q))
            return (struct route_verdict){ rule->conds[i].in_query ? ROUTE_QUERY : ROUTE_HEADER, rule->conds[i].name };
    if (rule->methods != 0 && (rule->methods & router_method(r, router_asked_method(q))) == 0)
        return (struct route_verdict){ .why = ROUTE_METHOD };
    return (struct route_verdict){ .why = ROUTE_FITS };
}

void router_explain(const struct router *r, const struct route_request *q, struct arena *a, struct route_verdict *all)
{
    bool *expressions = find_expressions(r, q->path);

    for (unsigned i = 0; i < r->nrules; i++)
        all[r->rules[i].index] = judge(r, &r->rules[i], q, expressions[i], a);
    free(expressions);
}
