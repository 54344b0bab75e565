/* sidecar/base/rand.c - random numbers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The generator is xoshiro256** by Blackman and Vigna (public domain algorithm). */
#include "base/rand.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>

static __thread uint64_t state[4];
static __thread bool seeded;

void rand_secret(void *to, size_t n)
{
    char *p = to;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}

static inline uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t rand_u64(void)
{
    uint64_t *s = state, result, t;

    if (__builtin_expect(!seeded, 0)) {
        rand_secret(state, sizeof state);
        seeded = true;
    }
    result = rotl(s[1] * 5, 7) * 9;
    t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t rand_below(uint64_t n)
{
    return (uint64_t)(((unsigned __int128)rand_u64() * n) >> 64);
}
