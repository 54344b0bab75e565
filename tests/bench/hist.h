/* tests/bench/hist.h - a histogram of durations in buckets of equal relative width (under 1 %).
 * SPDX-License-Identifier: Apache-2.0
 *
 * 128 buckets for each power of two, from one nanosecond up to some hours; longer ones land in the last bucket. */
#pragma once

#include <stdint.h>

#define HIST_SUB 128u
#define HIST_SUB_BITS 7u
#define HIST_SIZE (HIST_SUB * 38u)

struct hist {
    uint64_t count, sum, max;
    uint32_t bucket[HIST_SIZE];
};

static inline uint32_t hist_bucket(uint64_t ns)
{
    uint32_t shift = ns < HIST_SUB ? 0 : 63u - (uint32_t)__builtin_clzll(ns) - HIST_SUB_BITS;
    uint64_t at = (uint64_t)shift * HIST_SUB + (ns >> shift);

    return at < HIST_SIZE ? (uint32_t)at : HIST_SIZE - 1;
}

static inline void hist_add(struct hist *h, uint64_t ns)
{
    h->bucket[hist_bucket(ns)]++;
    h->count++;
    h->sum += ns;
    if (ns > h->max)
        h->max = ns;
}

/* The middle of a bucket. */
static inline uint64_t hist_value(uint32_t at)
{
    uint32_t shift = at < 2 * HIST_SUB ? 0 : at / HIST_SUB - 1;
    uint64_t low = (uint64_t)(at - shift * HIST_SUB) << shift;

    return low + ((UINT64_C(1) << shift) >> 1);
}

/* The duration that this share (0..1) of all did not exceed; 0 when there are none. */
static inline uint64_t hist_quantile(const struct hist *h, double share)
{
    uint64_t want = (uint64_t)(share * (double)h->count + 0.5), seen = 0;

    for (uint32_t i = 0; i < HIST_SIZE; i++) {
        seen += h->bucket[i];
        if (seen != 0 && seen >= want)
            return hist_value(i) < h->max ? hist_value(i) : h->max;
    }
    return h->max;
}
