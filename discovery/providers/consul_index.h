/* discovery/providers/consul_index.h - Consul's rules for whoever asks blocking queries in a loop.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure. The rules are those of Consul's own documentation of blocking queries. */
#pragma once

#include "base/clock.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* What the next query asks with, after an answer with status 200 to a query with `asked`, whose X-Consul-Index is `field`
 * (p NULL: there was none). An index that goes backwards means another history: 0, so that the next query does not block.
 * Anything below 1, and what is no number, counts as 1, with which a query does block once. */
uint64_t consul_index_next(uint64_t asked, struct sc_str field);

/* How fast the loop may turn. Zeroed at first. */
struct consul_pace {
    unsigned quick;             /* answers in a row that came at once */
    sc_msec pause;
};

/* The pause before the next query, after one with an index that took so long and whose answer was new or not. Two answers
 * in a row may come at once; after that news come ten times a second at most, and queries that end for
 * nothing soon only four times a minute. */
sc_msec consul_pace_next(struct consul_pace *p, bool news, sc_msec took);
