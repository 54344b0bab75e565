/* sidecar/base/arena.h - memory that is given back all at once.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One owner, one thread. The first block stays with the arena across resets, so that a busy owner allocates nothing. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena_block;

struct arena {
    char *at, *end;               /* free part of the current block */
    struct arena_block *blocks;   /* newest first; the last is the one kept */
    size_t first;                 /* bytes of the block kept */
};

/* Allocates nothing yet; the first block will hold `first` bytes. */
void arena_init(struct arena *a, size_t first);
/* Gives everything back but the first block. */
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);

void *arena_more(struct arena *a, size_t n);

/* n bytes, aligned to 16, not zeroed; never NULL. */
static inline void *arena_alloc(struct arena *a, size_t n)
{
    size_t need = (n + 15) & ~(size_t)15;
    char *p = a->at;

    if (__builtin_expect((size_t)(a->end - p) < need || p == NULL, 0))
        return arena_more(a, need);
    a->at = p + need;
    return p;
}

/* n zeroed bytes. */
void *arena_zero(struct arena *a, size_t n);
/* NUL-terminated copies. */
char *arena_dupz(struct arena *a, struct sc_str s);
struct sc_str arena_dup(struct arena *a, struct sc_str s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
