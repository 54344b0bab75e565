/* tests/unit/discovery/kit.h - sets made by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "discovery/balance/balancer.h"

#include <string.h>

/* Targets 127.0.0.1:1 and up, one per weight. conf may be NULL for balancers without keys. */
static inline struct target_set *kit_set(struct service_shared *service, const char *balancer, const void *conf,
                                         const uint32_t *weights, unsigned n)
{
    struct target_set *set = target_set_new(service, n);

    for (unsigned i = 0; i < n; i++) {
        struct endpoint e = { .host = "127.0.0.1", .port = (uint16_t)(i + 1), .weight = weights[i] };
        struct endpoint *copy = arena_alloc(&set->arena, sizeof *copy);
        struct address a;

        *copy = endpoint_copy(&set->arena, &e);
        address_numeric(&a, e.host, e.port);
        set->at[i].target = target_new(e.host, &a, false);
        set->at[i].weight = e.weight * WEIGHT_UNIT;
        set->at[i].record = copy;
    }
    target_set_finish(set, balancer_find(str_of(balancer)), conf);
    return set;
}
