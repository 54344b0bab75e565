/* sidecar/conf/parse.c - what the readers of YAML and of JSON have in common.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conf/parse.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdlib.h>

/* One scalar after replacement; environments are not that large. */
#define EXPANDED_MAX (1u << 20)

struct node *parse_node(struct parse *p, enum node_kind kind, unsigned line, unsigned col)
{
    struct node *n = arena_zero(p->arena, sizeof *n);

    n->kind = kind;
    n->text = STR("");
    n->file = p->file;
    n->line = line;
    n->col = col;
    return n;
}

void parse_error(struct parse *p, const struct node *at, const char *fmt, ...)
{
    struct buf text = BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    report_error(p->report, at, p->path.n == 0 ? "" : p->path.p, "%s", text.p);
    buf_fini(&text);
}

static bool is_word(struct sc_str key)
{
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];

        if (c <= ' ' || c == '.' || c == '[' || c == ']' || c == '"' || c == 0x7f)
            return false;
    }
    return key.n > 0;
}

size_t path_key(struct buf *path, struct sc_str key)
{
    size_t mark = path->n;

    if (mark > 0)
        buf_putc(path, '.');
    if (is_word(key))
        buf_str(path, key);
    else
        buf_json(path, key);
    return mark;
}

size_t path_index(struct buf *path, unsigned i)
{
    size_t mark = path->n;

    buf_printf(path, "[%u]", i);
    return mark;
}

void path_back(struct buf *path, size_t mark)
{
    path->n = mark;
    if (path->p != NULL)
        path->p[mark] = '\0';
}

static void grow(struct children *c)
{
    if (c->n < c->cap)
        return;
    c->cap = c->cap == 0 ? 8 : c->cap * 2;
    c->items = xrealloc(c->items, c->cap * sizeof *c->items);
    c->keys = xrealloc(c->keys, c->cap * sizeof *c->keys);
    c->places = xrealloc(c->places, c->cap * sizeof *c->places);
}

void children_add(struct children *c, struct node *item)
{
    children_add_key(c, STR_NONE, (struct conf_place){ .line = 0 }, item);
}

void children_add_key(struct children *c, struct sc_str key, struct conf_place place, struct node *item)
{
    grow(c);
    c->items[c->n] = item;
    c->keys[c->n] = key;
    c->places[c->n++] = place;
}

static void *moved(struct arena *a, const void *from, size_t n)
{
    void *to = arena_alloc(a, n);

    if (n > 0)
        memcpy(to, from, n);
    return to;
}

void children_into(struct children *c, struct arena *a, struct node *n)
{
    n->n = c->n;
    n->items = moved(a, c->items, c->n * sizeof *c->items);
    if (n->kind == NODE_MAP) {
        n->keys = moved(a, c->keys, c->n * sizeof *c->keys);
        n->key_at = moved(a, c->places, c->n * sizeof *c->places);
    }
    free(c->items);
    free(c->keys);
    free(c->places);
    *c = (struct children){ .n = 0 };
}

static bool is_name_char(char c, bool first)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (!first && c >= '0' && c <= '9');
}

static size_t name_length(struct sc_str s)
{
    size_t n = 0;

    while (n < s.n && is_name_char(s.p[n], n == 0))
        n++;
    return n;
}

/* The shell's rule: a default also stands in for an empty value. */
static void expand_name(struct parse *p, const struct node *at, const char *name, struct sc_str rest, struct buf *out)
{
    const char *value = getenv(name);

    if (str_starts(rest, STR(":-"))) {
        struct sc_str dflt = str_skip(rest, 2);

        if (value == NULL || value[0] == '\0')
            buf_str(out, dflt);
        else
            buf_puts(out, value);
        if (str_chr(dflt, '$') != NULL)
            parse_error(p, at, "the default of ${%s} is taken as it stands, so it cannot hold a dollar sign", name);
        return;
    }
    if (rest.n > 0) {
        parse_error(p, at, "${%s may only be followed by `}` or `:-default}`", name);
        return;
    }
    if (value == NULL) {
        parse_error(p, at, "the environment variable %s is not set (${%s:-default} would give it a default)", name,
                    name);
        return;
    }
    buf_puts(out, value);
}

/* s stands behind "${". Returns how much of it belongs to the reference, the brace included. After a mistake nothing
 * takes its place: what is empty is not given, and brings no second mistake. */
static size_t expand_one(struct parse *p, const struct node *at, struct sc_str s, struct buf *out)
{
    size_t n = name_length(s);
    const char *brace = str_chr(s, '}');
    char name[256];

    if (brace == NULL || n == 0 || n >= sizeof name) {
        parse_error(p, at, "write ${NAME} or ${NAME:-default}, and $${ for the characters themselves");
        return brace == NULL ? s.n : (size_t)(brace - s.p) + 1;
    }
    memcpy(name, s.p, n);
    name[n] = '\0';
    expand_name(p, at, name, str_range(s.p + n, brace), out);
    return (size_t)(brace - s.p) + 1;
}

struct sc_str parse_expand(struct parse *p, const struct node *at, struct sc_str text)
{
    struct buf out = BUF_INIT;
    struct sc_str copy;

    if (p->verbatim || str_chr(text, '$') == NULL)
        return arena_dup(p->arena, text);
    while (text.n > 0) {
        size_t used = 1;

        if (str_starts(text, STR("$$"))) {
            buf_putc(&out, '$');
            used = 2;
        } else if (str_starts(text, STR("${"))) {
            used = 2 + expand_one(p, at, str_skip(text, 2), &out);
        } else {
            buf_putc(&out, text.p[0]);
        }
        text = str_skip(text, used);
        if (out.n > EXPANDED_MAX) {
            parse_error(p, at, "too long after the environment was filled in");
            break;
        }
    }
    buf_add(&out, "", 0);
    copy = arena_dup(p->arena, buf_view(&out));
    buf_fini(&out);
    return copy;
}
