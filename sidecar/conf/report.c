/* sidecar/conf/report.c - the mistakes of one run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "conf/tree.h"

#include <stdarg.h>
#include <stdlib.h>

/* Nobody reads further; a hostile file must not make us print for hours. */
#define MISTAKES_MAX 500

void report_init(struct conf_report *r)
{
    *r = (struct conf_report){ .n = 0 };
    arena_init(&r->arena, 4096);
}

void report_fini(struct conf_report *r)
{
    free(r->list);
    arena_fini(&r->arena);
    *r = (struct conf_report){ .n = 0 };
}

static bool same_place(const struct conf_mistake *a, const struct conf_mistake *b)
{
    if (a->line != b->line || a->col != b->col || (a->file == NULL) != (b->file == NULL))
        return false;
    return a->file == NULL ? strcmp(a->path, b->path) == 0 : strcmp(a->file, b->file) == 0;
}

/* What stands once in the file may be read many times: through aliases, and as defaults of each service. */
static bool is_known(const struct conf_report *r, const struct conf_mistake *m)
{
    for (unsigned i = 0; i < r->n; i++)
        if (same_place(&r->list[i], m) && strcmp(r->list[i].text, m->text) == 0)
            return true;
    return false;
}

static void keep(struct conf_report *r, struct conf_mistake m)
{
    if (!m.warning)
        r->errors++;
    if (r->n >= MISTAKES_MAX) {
        r->left_out++;
        return;
    }
    if (is_known(r, &m))
        return;
    if (r->n == r->cap) {
        r->cap = r->cap == 0 ? 16 : r->cap * 2;
        r->list = xrealloc(r->list, r->cap * sizeof *r->list);
    }
    if (m.file != NULL)
        m.file = arena_dupz(&r->arena, str_of(m.file));
    m.path = arena_dupz(&r->arena, str_of(m.path));
    m.text = arena_dupz(&r->arena, str_of(m.text));
    r->list[r->n++] = m;
}

static void __attribute__((format(printf, 5, 0)))
add(struct conf_report *r, const struct node *at, const char *path, bool warning, const char *fmt, va_list ap)
{
    struct buf text = BUF_INIT;
    struct conf_mistake m = { .path = path == NULL ? "" : path, .warning = warning };

    if (at != NULL) {
        m.file = at->file;
        m.line = at->line;
        m.col = at->col;
    }
    buf_vprintf(&text, fmt, ap);
    m.text = text.p == NULL ? "" : text.p;
    keep(r, m);
    buf_fini(&text);
}

void report_error(struct conf_report *r, const struct node *at, const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(r, at, path, false, fmt, ap);
    va_end(ap);
}

void report_warning(struct conf_report *r, const struct node *at, const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(r, at, path, true, fmt, ap);
    va_end(ap);
}

static int by_place(const void *left, const void *right)
{
    const struct conf_mistake *a = left, *b = right;
    int r;

    if (a->file == NULL || b->file == NULL)
        return (a->file != NULL) - (b->file != NULL);
    if ((r = strcmp(a->file, b->file)) != 0)
        return r;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->col != b->col)
        return a->col < b->col ? -1 : 1;
    return strcmp(a->text, b->text);
}

/* Text and paths quote what stood in the file: no control character reaches a terminal. */
static void print_safe(struct buf *out, const char *z)
{
    for (; *z != '\0'; z++) {
        if ((unsigned char)*z < 0x20 || *z == 0x7f)
            buf_printf(out, "\\x%02x", (unsigned char)*z);
        else
            buf_putc(out, *z);
    }
}

void report_print(struct conf_report *r, struct buf *out)
{
    if (r->n > 0)
        qsort(r->list, r->n, sizeof *r->list, by_place);
    for (unsigned i = 0; i < r->n; i++) {
        const struct conf_mistake *m = &r->list[i];

        if (m->file != NULL)
            print_safe(out, m->file);
        if (m->file != NULL && m->line > 0)
            buf_printf(out, ":%u:%u", m->line, m->col);
        if (m->file != NULL)
            buf_puts(out, ": ");
        if (m->warning)
            buf_puts(out, "warning: ");
        print_safe(out, m->path);
        if (m->path[0] != '\0')
            buf_puts(out, ": ");
        print_safe(out, m->text);
        buf_putc(out, '\n');
    }
    if (r->left_out > 0)
        buf_printf(out, "and %u more\n", r->left_out);
}
