/* sidecar/base/clock.h - what time it is.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Deadlines, limits and durations use the monotonic clock; dates and log lines the wall clock. Any thread. */
#pragma once

#include <stdint.h>
#include <time.h>

typedef int64_t sc_msec;

static inline int64_t clock_ns(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t clock_mono_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static inline sc_msec clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

static inline sc_msec clock_wall_ms(void)
{
    return clock_ns(CLOCK_REALTIME) / 1000000;
}
