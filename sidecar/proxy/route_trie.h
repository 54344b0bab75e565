/* sidecar/proxy/route_trie.h - the segments of all paths of a router, as one tree for each group of hosts.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The literal children of all nodes are in one hash table, keyed by parent and segment: a step down costs the same with
 * ten children and with ten thousand. A candidate is a rule at the node where one of its paths ends. Built on the
 * control thread; read-only after trie_finish(). */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "proxy/route_path.h"

#include <stdint.h>

struct regex;

/* In which way a candidate's path ends at a node. */
enum trie_end {
    TRIE_LEAF,                      /* exactly here */
    TRIE_REST,                      /* "**" from here on */
    TRIE_REGEX,                     /* at a root, or at the first segment that the expression begins with */
    TRIE_ANY,                       /* at a root: no path */
    TRIE_ENDS,
};

struct trie_candidate {
    unsigned rule;                  /* of the router's compiled rules */
    unsigned order;                 /* of the expressions of one group: file order */
    const struct sc_str *names;     /* one for each wild segment on the way; empty: "*" */
    struct regex *regex;            /* TRIE_REGEX; owned by the trie */
    struct sc_str pattern, prefix;  /* TRIE_REGEX; prefix: what every match begins with */
};

struct trie_range {
    unsigned first, n;              /* into .candidates */
};

struct trie_node {
    struct trie_range at[TRIE_ENDS];
    unsigned wild;                  /* the child for any segment, or 0 */
    bool has_literals;
    bool leaf_below, rest_below;    /* at this node or further down */
};

struct trie_edge {
    uint64_t hash;
    struct sc_str text;
    unsigned parent, child;         /* child 0: free */
};

struct trie_pending;

struct trie {
    struct arena arena;             /* texts */
    struct trie_node *nodes;        /* 0 is none */
    unsigned nnodes, nodes_cap;
    struct trie_edge *edges;
    unsigned nedges, mask;
    struct trie_candidate *candidates;
    unsigned ncandidates;
    unsigned depth;                 /* segments of the longest path */
    struct trie_pending *pending;   /* until trie_finish() */
    unsigned npending, pending_cap;
};

void trie_init(struct trie *t);
void trie_fini(struct trie *t);

/* A new group. */
unsigned trie_root(struct trie *t);
/* Puts a rule where its path ends. Takes the regex (NULL unless it is one). Path NULL: no path. */
void trie_add(struct trie *t, unsigned root, const struct route_path *path, struct regex *regex, unsigned rule);
/* Sorts the candidates of each node by `order`, of expressions by file order. */
void trie_finish(struct trie *t, int (*order)(const void *rules, unsigned a, unsigned b), const void *rules);

/* Not of strangers' making are only the keys in the table, which is what matters: looking up inserts nothing. */
static inline uint64_t trie_mix(uint64_t h)
{
    h *= 0x9fb21c651e98df25u;
    return h ^ h >> 32;
}

static inline uint64_t trie_hash(struct sc_str s)
{
    uint64_t h = s.n, w;
    uint32_t low, high;
    size_t i = 0;

    for (; i + 8 <= s.n; i += 8) {
        memcpy(&w, s.p + i, 8);
        h = trie_mix(h ^ w);
    }
    if (s.n - i >= 4) {
        memcpy(&low, s.p + i, 4);
        memcpy(&high, s.p + s.n - 4, 4);
        return trie_mix(h ^ ((uint64_t)high << 32 | low));
    }
    for (w = 0; i < s.n; i++)
        w = w << 8 | (unsigned char)s.p[i];
    return trie_mix(h ^ w);
}

/* The literal child, or 0. hash: trie_hash(text). */
static inline unsigned trie_child(const struct trie *t, unsigned parent, struct sc_str text, uint64_t hash)
{
    uint64_t h = trie_mix(hash ^ parent);

    for (unsigned i = (unsigned)h & t->mask; t->edges[i].child != 0; i = (i + 1) & t->mask)
        if (t->edges[i].hash == h && t->edges[i].parent == parent && str_eq(t->edges[i].text, text))
            return t->edges[i].child;
    return 0;
}
