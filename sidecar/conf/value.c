/* sidecar/conf/value.c - one value by its row: objects, lists, maps, short forms; scalars are scalar.c's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conf/walk.h"

/* `brief` may be nested: "a.b". */
static const struct node *expand_brief(struct conf_load *l, const struct node *at, const char *brief)
{
    const char *dot = strrchr(brief, '.');
    const struct node *map = node_wrap(l->arena, at, dot == NULL ? brief : dot + 1);

    return dot == NULL ? map : expand_brief(l, map, arena_dupz(l->arena, str_range(brief, dot)));
}

static const struct node *without_brief(struct conf_load *l, const struct node *at, const struct sc_field *f)
{
    return f->brief != NULL && at->kind != NODE_MAP && at->kind != NODE_NULL ? expand_brief(l, at, f->brief) : at;
}

static bool load_nested(struct conf_load *l, const struct node *at, const struct sc_field *f, void *to)
{
    at = without_brief(l, at, f);
    if ((f->flags & SC_OPTIONAL) != 0) {
        void *object = arena_zero(l->arena, f->size);

        *(void **)to = object;
        to = object;
    }
    return load_object(l, at, f->fields, to, true, NULL);
}

/* The items of a list, or the one item that stands for a list of one. */
static unsigned item_count(const struct node *at)
{
    return at->kind == NODE_LIST ? at->n : 1;
}

static const struct node *item_at(const struct node *at, unsigned i)
{
    return at->kind == NODE_LIST ? at->items[i] : at;
}

static bool load_objects(struct conf_load *l, const struct node *at, const struct sc_field *f, struct sc_list *to)
{
    unsigned n = item_count(at);
    char *all = arena_zero(l->arena, (size_t)n * f->size);
    bool ok = true;

    for (unsigned i = 0; i < n; i++) {
        const struct node *item = item_at(at, i);
        size_t mark = load_enter_index(l, i);

        if (item->kind == NODE_NULL)
            ok = load_error(l, item, "an empty item");
        else
            ok &= load_object(l, without_brief(l, item, f), f->fields, all + (size_t)i * f->size, true, NULL);
        load_leave(l, mark);
    }
    *to = (struct sc_list){ all, n };
    return ok & load_length(l, at, f, n, "items");
}

/* STRINGS and CIDRS: one scalar each. */
static bool load_scalars(struct conf_load *l, const struct node *at, const struct sc_field *f, void *to)
{
    static const struct sc_field strings = { .type = SC_T_STRING, .min = 1, .max = INT64_MAX },
                                 cidrs = { .type = SC_T_CIDR };
    bool is_cidr = f->type == SC_T_CIDRS;
    size_t size = is_cidr ? sizeof(struct sc_cidr) : sizeof(const char *);
    unsigned n = item_count(at);
    char *all = arena_zero(l->arena, n * size);
    struct sc_list list;
    bool ok = true;

    if (at->kind == NODE_MAP)
        return load_error(l, at, "a list is expected here, not a map");
    for (unsigned i = 0; i < n; i++) {
        size_t mark = load_enter_index(l, i);

        ok &= load_scalar(l, item_at(at, i), is_cidr ? &cidrs : &strings, all + i * size);
        load_leave(l, mark);
    }
    list = (struct sc_list){ all, n };
    memcpy(to, &list, sizeof list);             /* sc_strings and sc_cidrs differ in the pointer only */
    return ok & load_length(l, at, f, n, "items");
}

static bool load_pairs(struct conf_load *l, const struct node *at, const struct sc_field *f, struct sc_pairs *to)
{
    static const struct sc_field string = { .type = SC_T_STRING };
    struct sc_pair *all;
    bool ok = true;

    if (at->kind != NODE_MAP)
        return load_error(l, at, "a map of strings is expected here, not %s", node_kind_name(at));
    all = arena_zero(l->arena, at->n * sizeof *all);
    for (unsigned i = 0; i < at->n; i++) {
        size_t mark = load_enter(l, at->keys[i].p);

        all[i].name = at->keys[i].p;
        if (at->items[i]->kind != NODE_NULL)
            ok &= load_scalar(l, at->items[i], &string, &all[i].value);
        load_leave(l, mark);
    }
    *to = (struct sc_pairs){ all, at->n };
    return ok & load_length(l, at, f, at->n, "keys");
}

bool load_value(struct conf_load *l, const struct node *at, const struct sc_field *f, void *to)
{
    switch (f->type) {
    case SC_T_OBJECT:
        return load_nested(l, at, f, to);
    case SC_T_OBJECTS:
        return load_objects(l, at, f, to);
    case SC_T_STRINGS:
    case SC_T_CIDRS:
        return load_scalars(l, at, f, to);
    case SC_T_PAIRS:
        return load_pairs(l, at, f, to);
    case SC_T_CUSTOM:
        return f->custom(l, at, to);
    case SC_T_SECRET:
        return load_secret(l, at, NULL, f, to);
    default:
        return load_scalar(l, at, f, to);
    }
}
