/* sidecar/base/arena.c - memory that is given back all at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
    struct arena_block *next;
    size_t size;
    _Alignas(16) char bytes[];
};

void arena_init(struct arena *a, size_t first)
{
    *a = (struct arena){ .first = first };
}

static void use(struct arena *a, struct arena_block *b)
{
    a->at = b->bytes;
    a->end = b->bytes + b->size;
}

void *arena_more(struct arena *a, size_t n)
{
    size_t size = a->first > n ? a->first : n;
    struct arena_block *b = xmalloc(sizeof *b + size);
    char *p = b->bytes;

    b->size = size;
    if (a->blocks != NULL && n > a->first / 2) {     /* a large one: behind the current block, which goes on */
        b->next = a->blocks->next;
        a->blocks->next = b;
        if (b->next == NULL) {                       /* the kept block stays last */
            struct arena_block *kept = a->blocks;

            a->blocks = b;
            b->next = kept;
            kept->next = NULL;
        }
        return p;
    }
    b->next = a->blocks;
    a->blocks = b;
    use(a, b);
    a->at += n;
    return p;
}

void arena_reset(struct arena *a)
{
    struct arena_block *b = a->blocks;

    if (b == NULL)
        return;
    while (b->next != NULL) {
        struct arena_block *next = b->next;

        free(b);
        b = next;
    }
    a->blocks = b;
    if (b->size > a->first) {                        /* an outsize first block is not worth keeping */
        free(b);
        a->blocks = NULL;
        a->at = a->end = NULL;
        return;
    }
    use(a, b);
}

void arena_fini(struct arena *a)
{
    while (a->blocks != NULL) {
        struct arena_block *next = a->blocks->next;

        free(a->blocks);
        a->blocks = next;
    }
    a->at = a->end = NULL;
}

void *arena_zero(struct arena *a, size_t n)
{
    return memset(arena_alloc(a, n), 0, n);
}

char *arena_dupz(struct arena *a, struct sc_str s)
{
    char *copy = arena_alloc(a, s.n + 1);

    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

struct sc_str arena_dup(struct arena *a, struct sc_str s)
{
    return (struct sc_str){ arena_dupz(a, s), s.n };
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    char *p;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    p = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
    p[0] = '\0';
    if (n > 0)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}
