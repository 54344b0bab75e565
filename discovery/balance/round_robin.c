/* discovery/balance/round_robin.c - one after the other, over one turn for the whole process.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Three balancers that differ in the order they build: round_robin heeds weights when they differ (all equal weights
 * give the plain order), weighted is the same by its own name, strict_round_robin ignores them. */
#include "discovery/balance/order.h"
#include "discovery/balance/tables.h"

#include <stdlib.h>

static void *plain_new(const struct target_set *set, const void *conf)
{
    (void)conf;
    return order_plain(set);
}

static void *smooth_new(const struct target_set *set, const void *conf)
{
    (void)conf;
    return order_smooth(set);
}

static int pick(const struct pick *p)
{
    return order_turn(p->set->index, p);
}

const struct balancer balancer_round_robin = {
    .name = "round_robin",
    .summary = "One after the other in the order stated, for the whole process; in proportion to the weights, evenly "
               "spread, when these differ.",
    .index_new = smooth_new, .index_free = free, .pick = pick,
};

const struct balancer balancer_strict_round_robin = {
    .name = "strict_round_robin",
    .summary = "One after the other in the order stated, for the whole process, whatever their weights.",
    .index_new = plain_new, .index_free = free, .pick = pick,
};

const struct balancer balancer_weighted = {
    .name = "weighted",
    .summary = "In proportion to the weights, evenly spread.",
    .index_new = smooth_new, .index_free = free, .pick = pick,
};
