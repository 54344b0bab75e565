/* sidecar/daemon/columns.c - a table for people to read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/columns.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GAP = 2 };

void columns_init(struct columns *c, unsigned n)
{
    *c = (struct columns){ .n = n };
}

void columns_fini(struct columns *c)
{
    for (size_t i = 0; i < c->used; i++)
        free(c->cells[i]);
    free(c->cells);
    *c = (struct columns){ .n = c->n };
}

/* Control characters: of ASCII, and the second half of their kind, which UTF-8 writes as C2 80 to C2 9F. */
static void defuse(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
        if (*p < ' ' || *p == 0x7f)
            *p = '?';
        else if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
            p[0] = p[1] = '?';
    }
}

void columns_add(struct columns *c, const char *text)
{
    if (c->used == c->cap) {
        c->cap = c->cap == 0 ? 64 : 2 * c->cap;
        c->cells = xrealloc(c->cells, c->cap * sizeof *c->cells);
    }
    c->cells[c->used] = xstrdup(text == NULL || text[0] == '\0' ? "-" : text);
    defuse(c->cells[c->used++]);
}

void columns_add_int(struct columns *c, long long value)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", value);
    columns_add(c, text);
}

/* Characters, not bytes. */
static size_t width_of(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static size_t column_width(const struct columns *c, unsigned column)
{
    size_t most = 0;

    for (size_t i = column; i < c->used; i += c->n) {
        size_t n = width_of(c->cells[i]);

        most = n > most ? n : most;
    }
    return most;
}

static const char *colour_of(const char *word)
{
    static const struct { const char *word, *colour; } all[] = {
        { "ok", "32" }, { "healthy", "32" }, { "active", "32" }, { "live", "32" }, { "degraded", "33" }, { "held", "33" },
        { "stale", "33" }, { "draining", "33" }, { "starting", "33" }, { "unknown", "33" }, { "unhealthy", "31" },
        { "failed", "31" }, { "not-ready", "31" }, { "not-live", "31" },
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(word, all[i].word) == 0)
            return all[i].colour;
    return NULL;
}

static void print_cell(const struct columns *c, size_t i, size_t width, bool coloured, struct buf *out)
{
    const char *colour = coloured ? colour_of(c->cells[i]) : NULL;
    size_t n = width_of(c->cells[i]);

    if (colour != NULL)
        buf_printf(out, "\033[%sm%s\033[0m", colour, c->cells[i]);
    else
        buf_puts(out, c->cells[i]);
    if (i % c->n + 1 == c->n)
        buf_putc(out, '\n');
    else
        buf_printf(out, "%*s", (int)(width - n + GAP), "");
}

void columns_print(const struct columns *c, bool coloured, struct buf *out)
{
    size_t *widths = xcalloc(c->n, sizeof *widths);

    for (unsigned k = 0; k < c->n; k++)
        widths[k] = column_width(c, k);
    for (size_t i = 0; i < c->used; i++)
        print_cell(c, i, widths[i % c->n], coloured, out);
    free(widths);
}

bool columns_may_colour(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}
