/* discovery/backoff.h - how long to wait after a failure.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "base/rand.h"

/* Zeroed: no failure yet. */
struct backoff {
    unsigned failures;
};

/* Of the n-th failure in a row: base, twice that, ... at most cap; from half of it to all of it by `random`, so that those
 * who failed together do not come back together. */
static inline sc_msec backoff_delay(unsigned failures, sc_msec base, sc_msec cap, uint64_t random)
{
    sc_msec whole = base;

    for (unsigned i = 1; i < failures && whole < cap; i++)
        whole *= 2;
    if (whole > cap)
        whole = cap;
    return whole - (sc_msec)(random % (uint64_t)(whole / 2 + 1));
}

static inline sc_msec backoff_next(struct backoff *b, sc_msec base, sc_msec cap)
{
    b->failures++;
    return backoff_delay(b->failures, base, cap, rand_u64());
}

/* Every d of it give or take a tenth. */
static inline sc_msec jitter(sc_msec d)
{
    return d - d / 10 + (sc_msec)rand_below((uint64_t)(d / 5) + 1);
}
