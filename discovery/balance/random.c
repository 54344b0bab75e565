/* discovery/balance/random.c - by lot, in proportion to the weights.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/balance/order.h"
#include "discovery/balance/tables.h"

#include "base/rand.h"

#include <stdlib.h>

static void *index_new(const struct target_set *set, const void *conf)
{
    (void)conf;
    return order_smooth(set);
}

static int pick(const struct pick *p)
{
    return order_from(p->set->index, p, rand_u64());
}

const struct balancer balancer_random = {
    .name = "random", .summary = "By lot, in proportion to the weights.",
    .index_new = index_new, .index_free = free, .pick = pick,
};
