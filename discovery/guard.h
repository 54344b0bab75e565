/* discovery/guard.h - the shrink guard: whether an answer that takes targets away is believed at once.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "conf/field.h"

#include <stdbool.h>

struct guard_conf {
    int64_t max_removed;        /* millionths */
    int64_t min_size;
    sc_msec hold;               /* 0: every answer is believed */
};
extern const struct sc_field guard_fields[];

struct guard_view {
    unsigned before;            /* targets in force that may serve, those that are held already included */
    unsigned removed;           /* of them, not in the answer */
    unsigned after;             /* targets in the answer */
    bool doubted;               /* the registry says itself that it may not know */
};

/* Why the targets that the answer lacks are to be held; NULL: the answer is believed. Pure. */
const char *guard_reason(const struct guard_conf *c, const struct guard_view *v);
