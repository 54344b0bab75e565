/* sidecar/proxy/route.c - which route a request takes: finding it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/route.h"

#include "base/buf.h"
#include "http/regex.h"
#include "proxy/router.h"

#define HOST_MAX 255

/* One search. */
struct walk {
    const struct router *router;
    const struct route_request *q;
    struct route_found *found;
    uint64_t method;                /* its bit; 0: no rule names it */
    uint64_t allow;                 /* methods of rules that only the method kept from matching */
    unsigned nsegments;             /* of the path, but no more than one past the longest path of a rule */
    unsigned nwild;
    uint8_t wild[ROUTE_SEGMENTS_MAX];       /* which segments the wild steps have taken */
    struct {
        struct sc_str text;
        uint64_t hash;
    } segments[ROUTE_SEGMENTS_MAX + 1];
};

/* --- a candidate --- */

static bool conds_meet(const struct compiled_rule *rule, const struct route_request *q)
{
    for (unsigned i = 0; i < rule->nconds; i++)
        if (!cond_meets(&rule->conds[i], q))
            return false;
    return true;
}

static bool rule_meets(struct walk *w, const struct compiled_rule *rule)
{
    if (rule->listeners != 0 && (rule->listeners >> w->q->listener & 1) == 0)
        return false;
    if (rule->nconds != 0 && !conds_meet(rule, w->q))
        return false;
    if (rule->methods == 0 || (rule->methods & w->method) != 0)
        return true;
    w->allow |= rule->methods;
    return false;
}

static void take_params(struct walk *w, const struct trie_candidate *c)
{
    struct route_found *found = w->found;

    for (unsigned i = 0; i < w->nwild; i++)
        if (c->names[i].n > 0)
            found->params[found->nparams++] = (struct route_param){ c->names[i], w->segments[w->wild[i]].text };
}

static void take_rest(struct walk *w, unsigned depth)
{
    struct sc_str path = w->q->path;

    w->found->has_rest = true;
    w->found->rest = STR_NONE;
    if (depth < w->nsegments)
        w->found->rest = str_range(w->segments[depth].text.p, path.p + path.n);
}

static bool take(struct walk *w, const struct trie_candidate *c)
{
    if (c == NULL)
        return false;
    w->found->rule = (int)w->router->rules[c->rule].index;
    if (c->names != NULL)
        take_params(w, c);
    return true;
}

/* Rules that name methods come first. One that takes HEAD because it names GET gives way to one that names HEAD. */
static bool try_all(struct walk *w, const struct trie_range *range)
{
    const struct trie_candidate *c = w->router->trie.candidates + range->first, *implied = NULL;

    for (const struct trie_candidate *end = c + range->n; c < end; c++) {
        const struct compiled_rule *rule = &w->router->rules[c->rule];

        if (implied != NULL && rule->methods == 0)
            break;
        if (!rule_meets(w, rule))
            continue;
        if ((rule->implied & w->method) == 0)
            return take(w, c);
        if (implied == NULL)
            implied = c;
    }
    return take(w, implied);
}

/* --- segments --- */

static void split_path(struct walk *w)
{
    struct sc_str rest = str_skip(w->q->path, 1), segment;
    unsigned limit = w->router->trie.depth + 1;

    w->nsegments = 0;
    while (w->nsegments < limit && str_split(&rest, '/', &segment)) {
        w->segments[w->nsegments].text = segment;
        w->segments[w->nsegments++].hash = trie_hash(segment);
    }
}

static unsigned literal_step(const struct walk *w, unsigned node, unsigned depth)
{
    const struct trie *t = &w->router->trie;

    if (!t->nodes[node].has_literals)
        return 0;
    return trie_child(t, node, w->segments[depth].text, w->segments[depth].hash);
}

static unsigned wild_step(struct walk *w, unsigned node, unsigned depth)
{
    unsigned child = w->router->trie.nodes[node].wild;

    if (child != 0 && w->segments[depth].text.n > 0) {
        w->wild[w->nwild++] = (uint8_t)depth;
        return child;
    }
    return 0;
}

/* Exact paths and templates. Every node is reached by one way only, so none is visited twice. */
static bool find_leaf(struct walk *w, unsigned node, unsigned depth)
{
    const struct trie_node *at = &w->router->trie.nodes[node];
    unsigned child;

    if (node == 0 || !at->leaf_below)
        return false;
    if (depth == w->nsegments)
        return try_all(w, &at->at[TRIE_LEAF]);
    if (find_leaf(w, literal_step(w, node, depth), depth + 1))
        return true;
    child = wild_step(w, node, depth);
    if (child == 0)
        return false;
    if (find_leaf(w, child, depth + 1))
        return true;
    w->nwild--;
    return false;
}

/* "**": the deepest first, and on the same way a literal before a wild segment. */
static bool find_rest(struct walk *w, unsigned node, unsigned depth)
{
    const struct trie_node *at = &w->router->trie.nodes[node];
    unsigned child;

    if (node == 0 || !at->rest_below)
        return false;
    if (depth < w->nsegments) {
        if (find_rest(w, literal_step(w, node, depth), depth + 1))
            return true;
        child = wild_step(w, node, depth);
        if (child != 0 && find_rest(w, child, depth + 1))
            return true;
        if (child != 0)
            w->nwild--;
    }
    if (!try_all(w, &at->at[TRIE_REST]))
        return false;
    take_rest(w, depth);
    return true;
}

/* --- regular expressions --- */

static bool regex_meets(struct walk *w, const struct trie_candidate *c)
{
    return str_starts(w->q->path, c->prefix) && regex_match(c->regex, w->q->path) &&
           rule_meets(w, &w->router->rules[c->rule]);
}

/* As in try_all(), where the same expression stands for the same place. */
static bool gives_way(const struct walk *w, const struct trie_candidate *implied, const struct trie_candidate *c)
{
    const struct compiled_rule *rule = &w->router->rules[c->rule];

    return str_eq(implied->pattern, c->pattern) && (rule->methods & ~rule->implied & w->method) != 0;
}

/* In file order: those that wait at the root and those that wait at the first segment, merged. */
static bool find_regex(struct walk *w, unsigned root)
{
    const struct trie *t = &w->router->trie;
    struct trie_range a = t->nodes[root].at[TRIE_REGEX], b = { 0, 0 };
    const struct trie_candidate *implied = NULL, *c;
    unsigned first = w->nsegments > 0 ? literal_step(w, root, 0) : 0;

    if (first != 0)
        b = t->nodes[first].at[TRIE_REGEX];
    while (a.n + b.n > 0) {
        struct trie_range *from = &a;

        if (a.n == 0 || (b.n > 0 && t->candidates[b.first].order < t->candidates[a.first].order))
            from = &b;
        c = &t->candidates[from->first++];
        from->n--;
        if ((implied != NULL && !gives_way(w, implied, c)) || !regex_meets(w, c))
            continue;
        if ((w->router->rules[c->rule].implied & w->method) == 0)
            return take(w, c);
        implied = c;
    }
    return take(w, implied);
}

/* --- hosts --- */

static bool find_in(struct walk *w, unsigned root)
{
    w->nwild = 0;
    if (w->nsegments > 0 && (find_leaf(w, root, 0) || find_regex(w, root) || find_rest(w, root, 0)))
        return true;
    return try_all(w, &w->router->trie.nodes[root].at[TRIE_ANY]);
}

static unsigned host_root(const struct map *m, struct sc_str host)
{
    return (unsigned)(uintptr_t)map_get(m, host);
}

/* ".b.example", ".example": what follows the first label, and so on. */
static bool find_by_suffix(struct walk *w, struct sc_str host)
{
    const char *dot;

    while ((dot = str_chr(str_skip(host, 1), '.')) != NULL) {
        unsigned root = 0;

        host = str_range(dot, host.p + host.n);
        if (host.n <= w->router->longest_suffix)
            root = host_root(&w->router->suffix, host);
        if (root != 0 && find_in(w, root))
            return true;
    }
    return false;
}

static bool find_by_host(struct walk *w)
{
    struct sc_str host = w->q->host;
    char lower[HOST_MAX];
    unsigned root;

    if (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;                   /* the root's dot: the same host */
    if (host.n == 0 || host.n > sizeof lower)
        return false;
    for (size_t i = 0; i < host.n; i++)
        lower[i] = (char)(host.p[i] | (host.p[i] >= 'A' && host.p[i] <= 'Z' ? 0x20 : 0));
    host.p = lower;
    root = host_root(&w->router->exact, host);
    if (root != 0 && find_in(w, root))
        return true;
    return w->router->longest_suffix > 0 && find_by_suffix(w, host);
}

/* --- the method --- */

uint64_t router_method(const struct router *r, struct sc_str name)
{
    for (unsigned i = 0; i < r->nmethods; i++)
        if (str_eq(r->methods[i], name))
            return 1ull << i;
    return 0;
}

struct sc_str router_asked_method(const struct route_request *q)
{
    const struct header *f = NULL;

    if (q->headers != NULL && str_eq(q->method, STR("OPTIONS")) && headers_first(q->headers, HDR_ORIGIN) != NULL)
        f = headers_first(q->headers, HDR_AC_REQUEST_METHOD);
    return f != NULL ? f->value : q->method;
}

bool router_find(const struct router *r, const struct route_request *q, struct route_found *found)
{
    struct walk w;

    w.router = r;
    w.q = q;
    w.found = found;
    w.method = r->nmethods > 0 ? router_method(r, router_asked_method(q)) : 0;
    w.allow = 0;
    w.nsegments = 0;
    found->rule = -1;
    found->nparams = 0;
    found->has_rest = false;
    found->status = 0;
    if (q->path.n > 0 && q->path.p[0] == '/')
        split_path(&w);
    if ((r->exact.n + r->suffix.n > 0 && find_by_host(&w)) || (r->any_host != 0 && find_in(&w, r->any_host)))
        return true;
    found->allow = w.allow;
    found->status = w.allow != 0 ? 405 : 404;
    return false;
}

struct sc_str router_allow(const struct router *r, const struct route_found *found, struct arena *a)
{
    struct buf text = BUF_INIT;
    struct sc_str value;

    for (unsigned i = 0; i < r->nmethods; i++) {
        if ((found->allow >> i & 1) == 0)
            continue;
        if (text.n > 0)
            buf_puts(&text, ", ");
        buf_str(&text, r->methods[i]);
    }
    value = arena_dup(a, buf_view(&text));
    buf_fini(&text);
    return value;
}
