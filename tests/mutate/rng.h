/* tests/mutate/rng.h - chance that comes out the same again: splitmix64.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* A sequence of its own for each pair of numbers. */
static inline struct rng rng_for(uint64_t seed, uint64_t a, uint64_t b)
{
    struct rng r = { seed * 0xd1342543de82ef95u + a };

    r.state = rng_next(&r) + b;
    r.state = rng_next(&r);
    return r;
}

/* 0 to n - 1; 0 for 0. */
static inline size_t rng_below(struct rng *r, size_t n)
{
    return n == 0 ? 0 : (size_t)(rng_next(r) % n);
}

static inline bool rng_chance(struct rng *r, unsigned per_mille)
{
    return rng_next(r) % 1000 < per_mille;
}

#define rng_pick(r, list) ((list)[rng_below(r, sizeof(list) / sizeof *(list))])
