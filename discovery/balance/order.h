/* discovery/balance/order.h - the eligible targets of a set in the order in which they take their turns.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Built on the discovery thread, read-only afterwards. */
#pragma once

#include "discovery/balance/balancer.h"

struct order {
    unsigned n;
    uint32_t at[];          /* positions in the set; with weights, a target stands in it more than once */
};

/* Every eligible target once, as the set has them. */
struct order *order_plain(const struct target_set *set);
/* Every eligible target as often as its weight says, spread evenly: after any k turns a target of share s has had more
 * than k*s - 1 and less than k*s + 1 of them. The length is the sum of the weights over their greatest common divisor;
 * beyond max(65536, 16 per target) the weights are rounded to fit. The same as plain when all weights are equal. */
struct order *order_smooth(const struct target_set *set);

/* The position whose turn it is, of the whole process; passes over what was tried. -1: nothing left. */
int order_turn(const struct order *o, const struct pick *p);
/* The first from place `from` on that was not tried, going round; -1: nothing left. */
int order_from(const struct order *o, const struct pick *p, uint64_t from);
