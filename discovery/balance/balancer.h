/* discovery/balance/balancer.h - how one of a service's targets is chosen.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A balancer is one file that ends in one table, and one row in balancer.c. The costly part (an order, prefix sums) is
 * built once per set on the discovery thread; pick() runs on workers, on the path of a request: no locks, no allocation,
 * a few dozen nanoseconds. What moves is shared by the process: the service's turn, the targets' counters. */
#pragma once

#include "conf/field.h"
#include "discovery/set.h"

#include <stdbool.h>
#include <stdint.h>

struct pick {
    const struct target_set *set;
    const uint64_t *tried;      /* a bit per position in the set: do not pick it again; NULL: none tried */
};

struct balancer {
    const char *name, *summary;
    const struct sc_field *fields;      /* of its object form, `type` aside; NULL: no keys */
    size_t conf_size;
    /* Discovery thread. The index lives as long as the set and must not point into conf. NULL: none needed. */
    void *(*index_new)(const struct target_set *set, const void *conf);
    void (*index_free)(void *index);
    /* Worker. The position of an eligible target that was not tried, or -1. */
    int (*pick)(const struct pick *p);
};

/* All of them; the first is the default. NULL ends the list. */
extern const struct balancer *const balancers[];
const struct balancer *balancer_find(struct sc_str name);

/* `balancer: NAME` or `balancer: {type: NAME, ...}`. */
struct balancer_choice {
    const struct balancer *ops;         /* never NULL after loading */
    const void *conf;                   /* ops->conf_size bytes; NULL when it has no keys */
    const struct node *at;              /* as written; NULL: not given */
};
/* SC_T_CUSTOM loader of a balancer_choice, and its JSON Schema. */
bool balancer_load(struct conf_load *load, const struct node *at, void *to);
void balancer_print(const void *value, struct buf *out);
extern const char balancer_schema[];

/* A worker's choice: a position in set->at[], or -1 when nothing is left to try. */
static inline int balancer_pick(const struct target_set *set, const uint64_t *tried)
{
    struct pick p = { set, tried };

    return set->eligible == 0 ? -1 : set->balancer->pick(&p);
}

static inline bool pick_was_tried(const struct pick *p, unsigned position)
{
    return p->tried != NULL && (p->tried[position / 64] >> (position % 64) & 1) != 0;
}
