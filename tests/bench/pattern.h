/* tests/bench/pattern.h - the bytes that every answer of the origin is made of.
 * SPDX-License-Identifier: Apache-2.0
 *
 * So that the load generator can tell a lost, repeated or swapped piece from a good one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A prime, so that no buffer size of anybody is a multiple of it. */
#define PATTERN_PERIOD 61
/* The answer to a body starts with the number of bytes that came, in this many digits. */
#define PATTERN_DIGITS 20
#define PATTERN_SMALL 128

static inline char pattern_at(size_t offset)
{
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678"[offset % PATTERN_PERIOD];
}

static inline void pattern_fill(char *to, size_t n, size_t offset)
{
    for (size_t i = 0; i < n; i++)
        to[i] = pattern_at(offset + i);
}
