/* sidecar/conf/load.c - from the tree to typed structs, by the tables.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Nothing stops at a mistake: the walk goes on with the default in place of the value, so that one run shows all. */
#include "conf/load.h"

#include "conf/parse.h"
#include "conf/walk.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TABLE_MAX 128       /* keys of one object, characters of one key; ours have fewer than forty */

void conf_load_init(struct conf_load *l, struct arena *arena, struct conf_report *report)
{
    *l = (struct conf_load){ .arena = arena, .report = report, .path = BUF_INIT };
}

void conf_load_fini(struct conf_load *l)
{
    buf_fini(&l->path);
}

size_t load_enter(struct conf_load *l, const char *key)
{
    return path_key(&l->path, str_of(key));
}

size_t load_enter_index(struct conf_load *l, unsigned i)
{
    return path_index(&l->path, i);
}

void load_leave(struct conf_load *l, size_t mark)
{
    path_back(&l->path, mark);
}

static const char *path_of(const struct conf_load *l)
{
    return l->path.n == 0 ? "" : l->path.p;
}

bool load_error(struct conf_load *l, const struct node *at, const char *fmt, ...)
{
    struct buf text = BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    report_error(l->report, at, path_of(l), "%s", text.p);
    buf_fini(&text);
    return false;
}

void load_warning(struct conf_load *l, const struct node *at, const char *fmt, ...)
{
    struct buf text = BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    report_warning(l->report, at, path_of(l), "%s", text.p);
    buf_fini(&text);
}

static void add_words(struct buf *out, const char *const *words)
{
    for (unsigned i = 0; words[i] != NULL; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ", words[i]);
}

static bool is_among(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

bool load_unknown(struct conf_load *l, const struct node *at, const char *what, const char *const *words)
{
    const char *near = foreign_value(at->text);
    struct buf all = BUF_INIT;

    if (near == NULL || !is_among(near, words))
        near = nearest_word(at->text, words);
    if (near != NULL) {
        load_error(l, at, "unknown %s \"%.*s\"; did you mean \"%s\"?", what,
                   (int)(at->text.n > 60 ? 60 : at->text.n), at->text.p, near);
    } else {
        add_words(&all, words);
        load_error(l, at, "unknown %s \"%.*s\"; it must be %s", what, (int)(at->text.n > 60 ? 60 : at->text.n),
                   at->text.p, all.p);
    }
    buf_fini(&all);
    return false;
}

const char *node_kind_name(const struct node *n)
{
    static const char *const names[] = {
        [NODE_NULL] = "nothing",  [NODE_BOOL] = "true or false", [NODE_NUMBER] = "a number",
        [NODE_STRING] = "a string", [NODE_LIST] = "a list",      [NODE_MAP] = "a map",
    };

    return n == NULL ? "nothing" : names[n->kind];
}

/* --- tables --- */

void field_each(const struct sc_field *fields, size_t base,
                void (*each)(const struct sc_field *f, size_t base, void *arg), void *arg)
{
    for (const struct sc_field *f = fields; f->type != SC_T_END; f++) {
        if (f->type == SC_T_INLINE)
            field_each(f->fields, base + f->offset, each, arg);
        else
            each(f, base, arg);
    }
}

const struct sc_field *field_find(const struct sc_field *fields, struct sc_str key, size_t *base, bool *is_file)
{
    struct sc_str stem = key;

    if (str_ends(key, STR("_file")))
        stem.n -= 5;
    for (const struct sc_field *f = fields; f->type != SC_T_END; f++) {
        size_t inner = *base + f->offset;
        const struct sc_field *found = f->type == SC_T_INLINE ? field_find(f->fields, key, &inner, is_file) : NULL;

        if (found != NULL) {
            *base = inner;
            return found;
        }
        if (f->type == SC_T_INLINE)
            continue;
        if (str_eq(key, str_of(f->name)) ||
            (f->type == SC_T_SECRET && stem.n < key.n && str_eq(stem, str_of(f->name)))) {
            *is_file = !str_eq(key, str_of(f->name));
            return f;
        }
    }
    return NULL;
}

/* --- one object --- */

struct object {
    struct conf_load *l;
    const struct node *at;          /* NULL: absent */
    const struct node *place;       /* for what is missing */
    char *to;
    bool whole;                     /* required keys must be there */
    bool ok;
};

static bool load_object(struct conf_load *l, const struct node *at, const struct sc_field *fields, void *to,
                        bool whole, const char *const *but);
static bool load_value(struct conf_load *l, const struct node *at, const struct sc_field *f, void *to);

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

static size_t field_size(const struct sc_field *f)
{
    switch (f->type) {
    case SC_T_BOOL:
        return sizeof(bool);
    case SC_T_NUMBER:
        return sizeof(double);
    case SC_T_STRING:
        return sizeof(const char *);
    case SC_T_SECRET:
        return sizeof(struct sc_secret);
    case SC_T_ENUM:
        return sizeof(int);
    case SC_T_CIDR:
        return sizeof(struct sc_cidr);
    case SC_T_STRINGS:
    case SC_T_CIDRS:
    case SC_T_PAIRS:
    case SC_T_OBJECTS:
        return sizeof(struct sc_list);
    case SC_T_INT:
    case SC_T_PERCENT:
    case SC_T_MSEC:
    case SC_T_SIZE:
        return sizeof(int64_t);
    default:
        return 0;                                 /* objects and custom rows clean up after themselves */
    }
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

static bool load_object(struct conf_load *l, const struct node *at, const struct sc_field *fields, void *to,
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

static size_t row_size(const struct sc_field *f)
{
    if (f->type == SC_T_OBJECT)
        return (f->flags & SC_OPTIONAL) != 0 ? sizeof(void *) : f->size;
    if (f->type == SC_T_CUSTOM || f->type == SC_T_INLINE)
        return f->size;
    return field_size(f);
}

/* What the table describes, and nothing beside it: a struct may have members of its owner's. */
static void zero_rows(const struct sc_field *fields, char *to)
{
    for (const struct sc_field *f = fields; f->type != SC_T_END; f++)
        memset(to + f->offset, 0, row_size(f));
}

bool conf_load_object_but(struct conf_load *l, const struct node *at, const struct sc_field *fields, void *to,
                          const char *const *but)
{
    zero_rows(fields, to);
    return load_object(l, at, fields, to, true, but);
}

bool conf_load_object(struct conf_load *l, const struct node *at, const struct sc_field *fields, void *to)
{
    return conf_load_object_but(l, at, fields, to, NULL);
}

/* --- values --- */

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

static bool load_value(struct conf_load *l, const struct node *at, const struct sc_field *f, void *to)
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
