/* sidecar/conf/describe.c - one key in one line, and the walk over all keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conf/describe.h"

#include "base/alloc.h"
#include "conf/walk.h"

#include <inttypes.h>
#include <stdlib.h>

static void enum_text(const struct sc_field *f, struct buf *out)
{
    for (const struct sc_enum *e = f->names; e->name != NULL; e++)
        buf_printf(out, "%s`%s`", e == f->names ? "" : e[1].name == NULL ? " or " : ", ", e->name);
}

void field_type_text(const struct sc_field *f, struct buf *out)
{
    static const char *const texts[] = {
        [SC_T_BOOL] = "`true` or `false`",
        [SC_T_INT] = "whole number",
        [SC_T_NUMBER] = "number",
        [SC_T_PERCENT] = "share",
        [SC_T_MSEC] = "duration",
        [SC_T_SIZE] = "size",
        [SC_T_STRING] = "string",
        [SC_T_SECRET] = "secret",
        [SC_T_CIDR] = "network",
        [SC_T_STRINGS] = "list of strings",
        [SC_T_CIDRS] = "list of networks",
        [SC_T_PAIRS] = "map of strings",
        [SC_T_OBJECT] = "map",
        [SC_T_OBJECTS] = "list of maps",
    };

    if (f->type == SC_T_ENUM)
        enum_text(f, out);
    else if (f->type != SC_T_CUSTOM)
        buf_puts(out, texts[f->type]);
    else if (f->fields != NULL)
        buf_puts(out, "map");
}

static bool has_values_in_range(enum sc_type t)
{
    return t == SC_T_INT || t == SC_T_NUMBER || t == SC_T_PERCENT || t == SC_T_MSEC || t == SC_T_SIZE;
}

static void add_range(const struct sc_field *f, struct buf *out)
{
    char low[UNITS_MAX], high[UNITS_MAX];

    if (!has_values_in_range(f->type) || (f->min == 0 && f->max == 0))
        return;
    field_limit_text(low, f, f->min);
    field_limit_text(high, f, f->max);
    buf_printf(out, ", %s to %s", low, high);
}

void field_line(const struct sc_field *f, struct buf *out)
{
    size_t mark = out->n;

    field_type_text(f, out);
    add_range(f, out);
    if (f->brief != NULL)
        buf_printf(out, "%s or just its `%s`", out->n > mark ? "," : "", f->brief);
    if (f->dflt != NULL)
        buf_printf(out, "%sdefault `%s`", out->n > mark ? ", " : "", f->dflt);
    if ((f->flags & SC_REQUIRED) != 0)
        buf_printf(out, "%srequired", out->n > mark ? ", " : "");
    if ((f->flags & SC_RESTART) != 0)
        buf_printf(out, "%sa change needs a restart", out->n > mark ? ", " : "");
    if ((f->flags & SC_DEPRECATED) != 0)
        buf_printf(out, "%sdeprecated", out->n > mark ? ", " : "");
    if (f->type == SC_T_SECRET)
        buf_printf(out, ", or `%s_file`: the path of a file that holds it", f->name);
}

static const char *seen_at(const struct field_walk *w, const struct sc_field *fields)
{
    for (unsigned i = 0; i < w->n; i++)
        if (w->seen[i] == fields)
            return w->seen_at[i];
    return NULL;
}

struct step {
    struct field_walk *w;
    const char *prefix;
    unsigned depth;
};

static void walk_row(const struct sc_field *f, size_t base, void *arg)
{
    const struct step *s = arg;
    char *path = xasprintf("%s%s%s", s->prefix, s->prefix[0] == '\0' ? "" : ".", f->name);
    const char *again = f->fields == NULL ? NULL : seen_at(s->w, f->fields);

    (void)base;
    s->w->each(s->w->arg, path, f, s->depth, again);
    if (f->fields != NULL && again == NULL) {
        if (s->w->n < 64) {
            s->w->seen[s->w->n] = f->fields;
            s->w->seen_at[s->w->n++] = xstrdup(path);
        }
        field_walk(s->w, f->fields, path, s->depth + 1);
    }
    free(path);
}

void field_walk(struct field_walk *w, const struct sc_field *fields, const char *prefix, unsigned depth)
{
    struct step s = { w, prefix, depth };

    field_each(fields, 0, walk_row, &s);
}

void field_walk_fini(struct field_walk *w)
{
    for (unsigned i = 0; i < w->n; i++)
        free((char *)(uintptr_t)w->seen_at[i]);
    w->n = 0;
}
