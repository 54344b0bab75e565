/* sidecar/proxy/route_trie.c - the segments of all paths of a router, as one tree for each group of hosts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/route_trie.h"

#include "base/alloc.h"
#include "http/regex.h"

#include <stdlib.h>

#define PREFIX_MAX 256

struct trie_pending {
    unsigned node;
    enum trie_end end;
    struct trie_candidate candidate;
};

void trie_init(struct trie *t)
{
    *t = (struct trie){ .nnodes = 1, .nodes_cap = 16, .mask = 15 };
    arena_init(&t->arena, 4096);
    t->nodes = xcalloc(t->nodes_cap, sizeof *t->nodes);
    t->edges = xcalloc(t->mask + 1, sizeof *t->edges);
}

void trie_fini(struct trie *t)
{
    for (unsigned i = 0; i < t->npending; i++)
        regex_free(&t->pending[i].candidate.regex);
    for (unsigned i = 0; i < t->ncandidates; i++)
        regex_free(&t->candidates[i].regex);
    free(t->pending);
    free(t->candidates);
    free(t->edges);
    free(t->nodes);
    arena_fini(&t->arena);
}

static unsigned node_new(struct trie *t)
{
    if (t->nnodes == t->nodes_cap) {
        t->nodes_cap *= 2;
        t->nodes = xrealloc(t->nodes, t->nodes_cap * sizeof *t->nodes);
    }
    t->nodes[t->nnodes] = (struct trie_node){ .wild = 0 };
    return t->nnodes++;
}

unsigned trie_root(struct trie *t)
{
    return node_new(t);
}

static void put_edge(struct trie *t, struct trie_edge e)
{
    unsigned i = (unsigned)e.hash & t->mask;

    while (t->edges[i].child != 0)
        i = (i + 1) & t->mask;
    t->edges[i] = e;
}

static void grow_edges(struct trie *t)
{
    struct trie_edge *old = t->edges;
    unsigned n = t->mask + 1;

    t->mask = 2 * n - 1;
    t->edges = xcalloc(t->mask + 1, sizeof *t->edges);
    for (unsigned i = 0; i < n; i++)
        if (old[i].child != 0)
            put_edge(t, old[i]);
    free(old);
}

static unsigned literal_child(struct trie *t, unsigned parent, struct sc_str text)
{
    uint64_t hash = trie_hash(text);
    unsigned child = trie_child(t, parent, text, hash);

    if (child != 0)
        return child;
    if (2 * ++t->nedges > t->mask)
        grow_edges(t);
    child = node_new(t);
    t->nodes[parent].has_literals = true;
    put_edge(t, (struct trie_edge){ trie_mix(hash ^ parent), arena_dup(&t->arena, text), parent, child });
    return child;
}

static unsigned wild_child(struct trie *t, unsigned parent)
{
    unsigned child = t->nodes[parent].wild;

    if (child == 0) {
        child = node_new(t);
        t->nodes[parent].wild = child;
    }
    return child;
}

static void add_pending(struct trie *t, unsigned node, enum trie_end end, struct trie_candidate c)
{
    if (t->npending == t->pending_cap) {
        t->pending_cap = t->pending_cap == 0 ? 16 : 2 * t->pending_cap;
        t->pending = xrealloc(t->pending, t->pending_cap * sizeof *t->pending);
    }
    c.order = t->npending;
    t->pending[t->npending++] = (struct trie_pending){ node, end, c };
}

static void note_below(struct trie_node *node, bool rest)
{
    node->leaf_below |= !rest;
    node->rest_below |= rest;
}

static void add_segments(struct trie *t, unsigned node, const struct route_path *path, unsigned rule)
{
    struct sc_str *names = arena_alloc(&t->arena, (path->n + 1) * sizeof *names);
    unsigned nwild = 0;

    note_below(&t->nodes[node], path->has_rest);
    for (unsigned i = 0; i < path->n; i++) {
        const struct path_segment *s = &path->at[i];

        if (s->wild)
            names[nwild++] = arena_dup(&t->arena, s->text);
        node = s->wild ? wild_child(t, node) : literal_child(t, node, s->text);
        note_below(&t->nodes[node], path->has_rest);
    }
    if (t->depth < path->n)
        t->depth = path->n;
    add_pending(t, node, path->has_rest ? TRIE_REST : TRIE_LEAF,
                (struct trie_candidate){ .rule = rule, .names = names });
}

/* An expression that begins with a whole literal segment waits at that segment's node, where other requests do not come
 * by; the rest waits at the root. */
static void add_regex(struct trie *t, unsigned root, struct sc_str pattern, struct regex *regex, unsigned rule)
{
    char text[PREFIX_MAX];
    struct sc_str prefix = { text, regex_prefix(pattern, text, sizeof text) }, first = str_skip(prefix, 1);
    const char *end = str_chr(first, '/');
    unsigned node = root;

    if (prefix.n > 0 && prefix.p[0] == '/' && end != NULL)
        node = literal_child(t, root, str_range(first.p, end));
    if (t->depth == 0)
        t->depth = 1;
    add_pending(t, node, TRIE_REGEX, (struct trie_candidate){ .rule = rule, .regex = regex,
                .pattern = arena_dup(&t->arena, pattern), .prefix = arena_dup(&t->arena, prefix) });
}

void trie_add(struct trie *t, unsigned root, const struct route_path *path, struct regex *regex, unsigned rule)
{
    if (path == NULL)
        add_pending(t, root, TRIE_ANY, (struct trie_candidate){ .rule = rule });
    else if (regex != NULL)
        add_regex(t, root, path->pattern, regex, rule);
    else
        add_segments(t, root, path, rule);
}

struct sorting {
    int (*order)(const void *rules, unsigned a, unsigned b);
    const void *rules;
};

static int by_place(const void *a, const void *b, void *arg)
{
    const struct trie_pending *x = a, *y = b;
    const struct sorting *s = arg;
    int r;

    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    if (x->end != TRIE_REGEX) {
        r = s->order(s->rules, x->candidate.rule, y->candidate.rule);
        if (r != 0)
            return r;
    }
    return x->candidate.order < y->candidate.order ? -1 : 1;
}

void trie_finish(struct trie *t, int (*order)(const void *rules, unsigned a, unsigned b), const void *rules)
{
    struct sorting s = { order, rules };

    if (t->npending > 0)
        qsort_r(t->pending, t->npending, sizeof *t->pending, by_place, &s);
    t->candidates = xcalloc(t->npending, sizeof *t->candidates);
    for (unsigned i = 0; i < t->npending; i++) {
        struct trie_range *range = &t->nodes[t->pending[i].node].at[t->pending[i].end];

        if (range->n++ == 0)
            range->first = i;
        t->candidates[i] = t->pending[i].candidate;
    }
    t->ncandidates = t->npending;
    free(t->pending);
    t->pending = NULL;
    t->npending = t->pending_cap = 0;
}
