/* sidecar/conf/load.c - from the tree to typed structs, by the tables: one object.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Nothing stops at a mistake: the walk goes on with the default in place of the value, so that one run shows all. */
#include "conf/load.h"

#include "conf/parse.h"
#include "conf/walk.h"

#include <assert.h>
#include <stdio.h>

#define TABLE_MAX 128       /* keys of one object, characters of one key; ours have fewer than forty */

struct object {
    struct conf_load *l;
    const struct node *at;          /* NULL: absent */
    const struct node *place;       /* for what is missing */
    char *to;
    bool whole;                     /* required keys must be there */
    bool ok;
};

static const struct node *given(const struct node *at, const char *name)
{
    const struct node *n = node_get(at, name);

    return n == NULL || n->kind == NODE_NULL ? NULL : n;
}

static const struct node *given_file(const struct node *at, const char *name)
{
    char key[TABLE_MAX];

    snprintf(key, sizeof key, "%s_file", name);
    return given(at, key);
}

static bool is_plain_type(enum sc_type t)
{
    return t <= SC_T_STRING || t == SC_T_ENUM || t == SC_T_CIDR;
}

/* The default as a node: what a user would have written. */
static struct node *default_node(struct conf_load *l, const struct sc_field *f)
{
    struct conf_report none;
    struct node *n;

    if (is_plain_type(f->type)) {
        n = arena_zero(l->arena, sizeof *n);
        n->kind = NODE_STRING;
        n->text = str_of(f->dflt);
        return n;
    }
    report_init(&none);
    n = tree_parse(l->arena, &none, "default", str_of(f->dflt));
    assert(n != NULL && none.n == 0);
    report_fini(&none);
    return n;
}

/* A default that does not load is a mistake in our table, which tests/lint/tables finds before any user does. */
static void load_default(struct conf_load *l, const struct sc_field *f, void *to)
{
    struct conf_report own;
    struct conf_load quiet = *l;
    bool ok = true;

    if (f->type == SC_T_OBJECT && f->dflt == NULL) {
        if ((f->flags & SC_OPTIONAL) == 0)
            load_object(l, NULL, f->fields, to, false, NULL);
        return;
    }
    if (f->dflt == NULL)
        return;
    report_init(&own);
    quiet.report = &own;
    ok = load_value(&quiet, default_node(l, f), f, to);
    l->path = quiet.path;
    assert(ok && own.errors == 0);
    report_fini(&own);
}

static void load_row(const struct sc_field *f, size_t base, void *arg)
{
    struct object *o = arg;
    void *to = o->to + base + f->offset;
    const struct node *n = given(o->at, f->name);
    const struct node *file = f->type == SC_T_SECRET ? given_file(o->at, f->name) : NULL;
    size_t mark = load_enter(o->l, f->name);
    bool ok = true;

    if (n == NULL && file == NULL) {
        if ((f->flags & SC_REQUIRED) != 0 && o->whole && !o->l->partial) {
            path_back(&o->l->path, mark);
            o->ok = load_error(o->l, o->place, "`%s` is missing", f->name);
            mark = load_enter(o->l, f->name);
        }
        load_default(o->l, f, to);
    } else if (f->type == SC_T_SECRET) {
        ok = load_secret(o->l, n, file, f, to);
    } else {
        ok = load_value(o->l, n, f, to);
        if (ok && (f->flags & SC_DEPRECATED) != 0)
            load_warning(o->l, n, "this key is deprecated: %s", f->doc);
    }
    if (!ok) {
        o->ok = false;
        if (f->type != SC_T_OBJECT && f->type != SC_T_OBJECTS && f->type != SC_T_CUSTOM) {
            memset(to, 0, field_size(f));
            load_default(o->l, f, to);
        }
    }
    load_leave(o->l, mark);
}

struct names {
    const char *at[TABLE_MAX];
    unsigned n;
};

static void add_name(const struct sc_field *f, size_t base, void *arg)
{
    struct names *names = arg;

    (void)base;
    if (names->n < TABLE_MAX - 1)
        names->at[names->n++] = f->name;
}

/* The predecessors' word helps only where the key that it names can stand: "`match.paths`" wants `match`. */
static const char *foreign_here(struct sc_str key, const struct names *names)
{
    const char *hint = foreign_key(key);

    for (unsigned i = 0; hint != NULL && i < names->n; i++) {
        size_t n = strlen(names->at[i]);

        if (strncmp(hint + 1, names->at[i], n) == 0 && strchr(".:`", hint[n + 1]) != NULL)
            return hint;
    }
    return NULL;
}

static void unknown_key(struct conf_load *l, const struct node *map, unsigned i, const struct sc_field *fields)
{
    struct node key = { .file = map->key_at[i].file, .line = map->key_at[i].line, .col = map->key_at[i].col };
    size_t mark = load_enter(l, map->keys[i].p);
    struct names names = { .n = 0 };
    const char *theirs, *near;

    field_each(fields, 0, add_name, &names);
    names.at[names.n] = NULL;
    theirs = foreign_here(map->keys[i], &names);
    near = nearest_word(map->keys[i], names.at);
    if (theirs != NULL)
        load_error(l, &key, "unknown key; here it is %s", theirs);
    else if (near != NULL)
        load_error(l, &key, "unknown key; did you mean `%s`?", near);
    else
        load_error(l, &key, "unknown key");
    load_leave(l, mark);
}

static bool check_keys(struct conf_load *l, const struct node *map, const struct sc_field *fields,
                       const char *const *but)
{
    bool ok = true;

    for (unsigned i = 0; i < map->n; i++) {
        size_t base = 0;
        bool is_file = false;

        if (field_find(fields, map->keys[i], &base, &is_file) != NULL ||
            (but != NULL && is_among(map->keys[i].p, but)))
            continue;
        unknown_key(l, map, i, fields);
        ok = false;
    }
    return ok;
}

bool load_object(struct conf_load *l, const struct node *at, const struct sc_field *fields, void *to,
                 bool whole, const char *const *but)
{
    struct object o = { l, at, at, to, whole, true };

    if (at != NULL && at->kind == NODE_NULL)
        o.at = at = NULL;
    if (at != NULL && at->kind != NODE_MAP) {
        load_error(l, at, "a map (`key: value`) is expected here, not %s", node_kind_name(at));
        o.at = NULL;
        o.ok = o.whole = false;
    } else if (at != NULL) {
        o.ok = check_keys(l, at, fields, but);
    }
    field_each(fields, 0, load_row, &o);
    return o.ok;
}

bool conf_load_object_but(struct conf_load *l, const struct node *at, const struct sc_field *fields, void *to,
                          const char *const *but)
{
    field_zero(fields, to);
    return load_object(l, at, fields, to, true, but);
}

bool conf_load_object(struct conf_load *l, const struct node *at, const struct sc_field *fields, void *to)
{
    return conf_load_object_but(l, at, fields, to, NULL);
}
