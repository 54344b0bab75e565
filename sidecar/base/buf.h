/* sidecar/base/buf.h - a growing run of bytes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One owner. Always NUL-terminated once something was added (the NUL is not counted). */
#pragma once

#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *p;
    size_t n, cap;
};

#define BUF_INIT { NULL, 0, 0 }

void buf_fini(struct buf *b);
/* Room for n more bytes (and a NUL). */
void buf_reserve(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, struct sc_str s);
void buf_puts(struct buf *b, const char *z);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* A JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void buf_json(struct buf *b, struct sc_str s);
/* Drops the first n bytes. */
void buf_drop(struct buf *b, size_t n);

static inline void buf_clear(struct buf *b)
{
    b->n = 0;
}

static inline struct sc_str buf_view(const struct buf *b)
{
    return (struct sc_str){ b->p, b->n };
}

/* Empties the buffer and hands its bytes over (to be freed by the caller); "" when nothing was added. */
char *buf_take(struct buf *b);
