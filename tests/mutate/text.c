/* tests/mutate/text.c - bytes that grow and are changed in place.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct text *t, size_t n)
{
    size_t cap = t->cap == 0 ? 512 : t->cap;

    while (cap < n)
        cap *= 2;
    if (cap == t->cap)
        return;
    t->p = realloc(t->p, cap);
    t->cap = cap;
    if (t->p == NULL) {
        fprintf(stderr, "mutate: out of memory\n");
        exit(71);
    }
}

void text_add(struct text *t, const void *p, size_t n)
{
    reserve(t, t->n + n);
    if (n > 0)
        memcpy(t->p + t->n, p, n);
    t->n += n;
}

void text_puts(struct text *t, const char *z)
{
    text_add(t, z, strlen(z));
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args;
    int n;

    reserve(t, t->n + 512);
    va_start(args, format);
    n = vsnprintf(t->p + t->n, 512, format, args);
    va_end(args);
    if (n < 0 || n >= 512)
        abort();
    t->n += (size_t)n;
}

void text_replace(struct text *t, size_t at, size_t gone, const void *p, size_t n)
{
    if (at > t->n)
        at = t->n;
    if (gone > t->n - at)
        gone = t->n - at;
    reserve(t, t->n - gone + n);
    memmove(t->p + at + n, t->p + at + gone, t->n - at - gone);
    if (n > 0)
        memcpy(t->p + at, p, n);
    t->n = t->n - gone + n;
}

void text_trim_front(struct text *t, size_t most)
{
    if (t->n > most)
        text_replace(t, 0, t->n - most, "", 0);
}

void text_free(struct text *t)
{
    free(t->p);
    *t = (struct text){ 0 };
}

void text_show(const char *what, const char *p, size_t n, size_t most)
{
    fprintf(stderr, "  %s (%zu bytes): ", what, n);
    for (size_t i = 0; i < n && i < most; i++) {
        unsigned char c = (unsigned char)p[i];

        if (c == '\r')
            fputs("\\r", stderr);
        else if (c == '\n')
            fputs("\\n", stderr);
        else if (c == '\\' || c < 0x20 || c > 0x7e)
            fprintf(stderr, "\\x%02x", c);
        else
            fputc(c, stderr);
    }
    fputs(n > most ? " ...\n" : "\n", stderr);
}
