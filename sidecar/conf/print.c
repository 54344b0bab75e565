/* sidecar/conf/print.c - loaded values written back as JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/units.h"
#include "conf/describe.h"
#include "conf/parse.h"
#include "conf/tree.h"
#include "conf/walk.h"

#include <arpa/inet.h>
#include <inttypes.h>

struct printer {
    struct buf *out;
    const char *value;
    bool any;
};

static void print_text(struct buf *out, const char *z)
{
    if (z == NULL)
        buf_puts(out, "null");
    else
        buf_json(out, str_of(z));
}

static void print_enum(struct buf *out, const struct sc_enum *names, int value)
{
    while (names->name != NULL && names->value != value)
        names++;
    print_text(out, names->name);
}

static void print_cidr(struct buf *out, const struct sc_cidr *c)
{
    char text[INET6_ADDRSTRLEN];

    if (c->family == 0 || inet_ntop(c->family, &c->address, text, sizeof text) == NULL)
        buf_puts(out, "null");
    else
        buf_printf(out, "\"%s/%u\"", text, c->bits);
}

static void print_pairs(struct buf *out, const struct sc_pairs *pairs)
{
    buf_putc(out, '{');
    for (unsigned i = 0; i < pairs->n; i++) {
        buf_puts(out, i == 0 ? "" : ",");
        print_text(out, pairs->at[i].name);
        buf_putc(out, ':');
        print_text(out, pairs->at[i].value);
    }
    buf_putc(out, '}');
}

static void print_objects(const struct sc_field *f, const struct sc_list *list, struct buf *out)
{
    buf_putc(out, '[');
    for (unsigned i = 0; i < list->n; i++) {
        buf_puts(out, i == 0 ? "" : ",");
        conf_print(f->fields, (const char *)list->at + (size_t)i * f->size, out);
    }
    buf_putc(out, ']');
}

static void print_object(const struct sc_field *f, const void *value, struct buf *out)
{
    if ((f->flags & SC_OPTIONAL) != 0)
        value = *(void *const *)value;
    if (value == NULL)
        buf_puts(out, "null");
    else
        conf_print(f->fields, value, out);
}

static void print_list(const struct sc_field *f, const void *value, struct buf *out)
{
    const struct sc_strings *strings = value;
    const struct sc_cidrs *cidrs = value;
    unsigned n = f->type == SC_T_STRINGS ? strings->n : cidrs->n;

    buf_putc(out, '[');
    for (unsigned i = 0; i < n; i++) {
        buf_puts(out, i == 0 ? "" : ",");
        if (f->type == SC_T_STRINGS)
            print_text(out, strings->at[i]);
        else
            print_cidr(out, &cidrs->at[i]);
    }
    buf_putc(out, ']');
}

static void print_value(const struct sc_field *f, const void *value, struct buf *out)
{
    char text[UNITS_MAX];

    switch (f->type) {
    case SC_T_BOOL:
        buf_puts(out, *(const bool *)value ? "true" : "false");
        break;
    case SC_T_INT:
        buf_printf(out, "%" PRId64, *(const int64_t *)value);
        break;
    case SC_T_NUMBER:
        buf_printf(out, "%.15g", *(const double *)value);
        break;
    case SC_T_PERCENT:
    case SC_T_MSEC:
    case SC_T_SIZE:
        field_limit_text(text, f, *(const int64_t *)value);
        print_text(out, text);
        break;
    case SC_T_STRING:
        print_text(out, *(const char *const *)value);
        break;
    case SC_T_SECRET:
        print_text(out, ((const struct sc_secret *)value)->value.p == NULL ? NULL : "***");
        break;
    case SC_T_ENUM:
        print_enum(out, f->names, *(const int *)value);
        break;
    case SC_T_CIDR:
        print_cidr(out, value);
        break;
    case SC_T_STRINGS:
    case SC_T_CIDRS:
        print_list(f, value, out);
        break;
    case SC_T_PAIRS:
        print_pairs(out, value);
        break;
    case SC_T_OBJECT:
        print_object(f, value, out);
        break;
    case SC_T_OBJECTS:
        print_objects(f, value, out);
        break;
    default:
        if (f->print != NULL)
            f->print(value, out);
        else
            buf_puts(out, "null");
    }
}

static void print_row(const struct sc_field *f, size_t base, void *arg)
{
    struct printer *p = arg;

    if (f->type == SC_T_CUSTOM && f->print == NULL && f->size == 0)
        return;                                   /* a key that loads into other keys */
    buf_puts(p->out, p->any ? "," : "");
    p->any = true;
    print_text(p->out, f->name);
    buf_putc(p->out, ':');
    print_value(f, p->value + base + f->offset, p->out);
}

void conf_print(const struct sc_field *fields, const void *value, struct buf *out)
{
    struct printer p = { out, value, false };

    buf_putc(out, '{');
    field_each(fields, 0, print_row, &p);
    buf_putc(out, '}');
}

void conf_print_choice(const char *key, const char *name, const struct sc_field *fields, const void *value,
                       struct buf *out)
{
    struct printer p = { out, value, true };

    buf_putc(out, '{');
    print_text(out, key);
    buf_putc(out, ':');
    print_text(out, name);
    if (fields != NULL && value != NULL)
        field_each(fields, 0, print_row, &p);
    buf_putc(out, '}');
}

static bool differs(const struct sc_field *f, const void *was, const void *now)
{
    struct buf a = BUF_INIT, b = BUF_INIT;
    bool same;

    print_value(f, was, &a);
    print_value(f, now, &b);
    same = str_eq(buf_view(&a), buf_view(&b));
    buf_fini(&a);
    buf_fini(&b);
    return !same;
}

struct changes {
    const char *value, *dflt, *prefix;
    const char *const *but;
    struct buf *out;
};

static void print_changed_row(const struct sc_field *f, size_t base, void *arg)
{
    struct changes *c = arg;
    size_t at = base + f->offset;

    if (f->type == SC_T_SECRET || is_among(f->name, c->but) || !differs(f, c->dflt + at, c->value + at))
        return;
    buf_printf(c->out, " %s%s=", c->prefix, f->name);
    print_value(f, c->value + at, c->out);
}

void conf_print_changed(const struct sc_field *fields, const void *value, const void *dflt, const char *const *but,
                        const char *prefix, struct buf *out)
{
    struct changes c = { value, dflt, prefix, but, out };

    field_each(fields, 0, print_changed_row, &c);
}

struct comparison {
    const char *was, *now;
    struct buf *path;
    bool found;
};

static void compare_row(const struct sc_field *f, size_t base, void *arg)
{
    struct comparison *c = arg;
    size_t at = base + f->offset, mark = c->path->n;

    if (c->found)
        return;
    path_key(c->path, str_of(f->name));
    if ((f->flags & SC_RESTART) != 0)
        c->found = differs(f, c->was + at, c->now + at);
    else if (f->type == SC_T_OBJECT && (f->flags & SC_OPTIONAL) == 0)
        c->found = conf_needs_restart(f->fields, c->was + at, c->now + at, c->path);
    if (!c->found)
        path_back(c->path, mark);
}

bool conf_needs_restart(const struct sc_field *fields, const void *was, const void *now, struct buf *path)
{
    struct comparison c = { was, now, path, false };

    field_each(fields, 0, compare_row, &c);
    return c.found;
}

static void print_members(const struct node *n, struct buf *out)
{
    buf_putc(out, n->kind == NODE_MAP ? '{' : '[');
    for (unsigned i = 0; i < n->n; i++) {
        buf_puts(out, i == 0 ? "" : ",");
        if (n->kind == NODE_MAP) {
            buf_json(out, n->keys[i]);
            buf_putc(out, ':');
        }
        conf_print_node(n->items[i], out);
    }
    buf_putc(out, n->kind == NODE_MAP ? '}' : ']');
}

void conf_print_node(const struct node *n, struct buf *out)
{
    switch (n->kind) {
    case NODE_NULL:
        buf_puts(out, "null");
        break;
    case NODE_BOOL:
    case NODE_NUMBER:
        buf_str(out, n->text);
        break;
    case NODE_STRING:
        buf_json(out, n->text);
        break;
    case NODE_LIST:
    case NODE_MAP:
        print_members(n, out);
        break;
    }
}
