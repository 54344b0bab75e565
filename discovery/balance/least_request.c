/* discovery/balance/least_request.c - where the fewest requests are under way, for their weight.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The counters are the process's, so eight workers see one truth. A few targets are all looked at; of many, `choices`
 * are drawn in proportion to the weights and compared (the power of two choices): within a constant of the best, and no
 * stampede to one idle target. Either begins at a place of the smooth order, so that an idle service spreads by weight. */
#include "discovery/balance/order.h"
#include "discovery/balance/tables.h"

#include "base/alloc.h"
#include "base/rand.h"

#include <stdlib.h>

enum { LOOK_AT_ALL = 8 };

struct least_request_conf {
    int64_t choices;
};

struct index {
    struct order *smooth;
    unsigned choices;           /* 0: look at all */
};

#define S struct least_request_conf
static const struct sc_field fields[] = {
    SC_INT(S, choices, .dflt = "2", .min = 2, .max = 10,
           .doc = "How many targets are drawn and compared when a service has more than eight; up to eight, all are."),
    SC_END
};
#undef S

static void *index_new(const struct target_set *set, const void *conf)
{
    const struct least_request_conf *c = conf;
    struct index *x = xnew(struct index);

    x->smooth = order_smooth(set);
    x->choices = set->eligible <= LOOK_AT_ALL ? 0 : (unsigned)c->choices;
    return x;
}

static void index_free(void *index)
{
    struct index *x = index;

    free(x->smooth);
    free(x);
}

/* Whether b has less to do than a, for their weights. */
static bool is_idler(const struct target_entry *a, const struct target_entry *b)
{
    uint64_t na = atomic_load_explicit(&a->target->inflight, memory_order_relaxed);
    uint64_t nb = atomic_load_explicit(&b->target->inflight, memory_order_relaxed);

    return nb * a->weight < na * b->weight;
}

static int best_of_all(const struct pick *p, int best)
{
    const struct target_entry *at = p->set->at;

    for (unsigned i = 0; i < p->set->n; i++)
        if (at[i].eligible && is_idler(&at[best], &at[i]) && !pick_was_tried(p, i))
            best = (int)i;
    return best;
}

static int best_of_some(const struct index *x, const struct pick *p)
{
    int best = order_from(x->smooth, p, rand_u64());

    for (unsigned i = 1; best >= 0 && i < x->choices; i++) {
        int other = order_from(x->smooth, p, rand_u64());

        if (is_idler(&p->set->at[best], &p->set->at[other]))
            best = other;
    }
    return best;
}

static int pick(const struct pick *p)
{
    const struct index *x = p->set->index;
    int first;

    if (x->choices > 0)
        return best_of_some(x, p);
    first = order_turn(x->smooth, p);
    return first < 0 ? -1 : best_of_all(p, first);
}

const struct balancer balancer_least_request = {
    .name = "least_request",
    .summary = "Where the fewest requests are under way for the weight, counted for the whole process.",
    .fields = fields, .conf_size = sizeof(struct least_request_conf),
    .index_new = index_new, .index_free = index_free, .pick = pick,
};
