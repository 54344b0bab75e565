/* sidecar/conf/tree.c - reading files into trees, and putting trees together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conf/tree.h"

#include "base/alloc.h"
#include "base/map.h"
#include "conf/file.h"
#include "conf/parse.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

struct node *node_get(const struct node *map, const char *key)
{
    if (map == NULL || map->kind != NODE_MAP)
        return NULL;
    for (unsigned i = 0; i < map->n; i++)
        if (str_eq(map->keys[i], str_of(key)))
            return map->items[i];
    return NULL;
}

struct node *node_wrap(struct arena *a, const struct node *value, const char *key)
{
    struct node *map = arena_zero(a, sizeof *map);

    *map = (struct node){ .kind = NODE_MAP, .text = STR(""), .n = 1, .file = value->file, .line = value->line,
                          .col = value->col };
    map->items = arena_alloc(a, sizeof *map->items);
    map->keys = arena_alloc(a, sizeof *map->keys);
    map->key_at = arena_alloc(a, sizeof *map->key_at);
    map->items[0] = (struct node *)(uintptr_t)value;
    map->keys[0] = arena_dup(a, str_of(key));
    map->key_at[0] = (struct conf_place){ value->file, value->line, value->col };
    return map;
}

static bool wants_json(struct sc_str name, struct sc_str text)
{
    while (text.n > 0 && strchr(" \t\r\n", text.p[0]) != NULL && text.p[0] != '\0')
        text = str_skip(text, 1);
    if (str_eq(name, STR("-")))
        return text.n > 0 && (text.p[0] == '{' || text.p[0] == '[') && json_accepts(text);
    return str_ends(name, STR(".json"));
}

struct node *tree_parse(struct arena *a, struct conf_report *r, const char *name, struct sc_str text)
{
    struct parse p = { .arena = a, .report = r, .path = BUF_INIT };
    struct node *root;

    p.file = arena_dupz(a, strcmp(name, "-") == 0 ? STR("standard input") : str_of(name));
    root = wants_json(str_of(name), text) ? json_parse(&p, text) : yaml_parse(&p, text);
    buf_fini(&p.path);
    return root;
}

struct node *tree_parse_sent(struct arena *a, struct conf_report *r, const char *name, struct sc_str json)
{
    struct parse p = { .arena = a, .report = r, .path = BUF_INIT, .verbatim = true };
    struct node *root;

    p.file = arena_dupz(a, str_of(name));
    root = json_parse(&p, json);
    buf_fini(&p.path);
    return root;
}

struct node *tree_read(struct arena *a, struct conf_report *r, const char *path)
{
    struct buf text = BUF_INIT;
    struct node at = { .file = strcmp(path, "-") == 0 ? "standard input" : path };
    struct node *root = NULL;
    struct stat st;

    if (file_read(path, TREE_MAX_BYTES, &text, &st))
        root = tree_parse(a, r, path, buf_view(&text));
    else if (errno == EFBIG)
        report_error(r, &at, "", "larger than %u MiB", TREE_MAX_BYTES >> 20);
    else
        report_error(r, &at, "", "cannot be read: %s", strerror(errno));
    buf_fini(&text);
    return root;
}

/* --- conf.d --- */

struct merge {
    struct arena *arena;
    struct conf_report *report;
    struct buf path;
    bool broken;                /* a part could not be read: what refers to it would look wrong */
};

static struct node *merge_nodes(struct merge *m, struct node *base, struct node *more);

static void conflict(struct merge *m, const struct node *at, const char *what, const char *file, unsigned line,
                     unsigned col)
{
    report_error(m->report, at, m->path.n == 0 ? "" : m->path.p, "%s is already given at %s:%u:%u", what, file, line,
                 col);
}

/* A new node of the same kind and place, with children that only this node has. */
static struct node *like(struct merge *m, const struct node *base, struct children *all)
{
    struct node *n = arena_alloc(m->arena, sizeof *n);

    *n = *base;
    children_into(all, m->arena, n);
    return n;
}

static void add_all(struct children *all, const struct node *n)
{
    for (unsigned i = 0; i < n->n; i++) {
        if (n->kind == NODE_MAP)
            children_add_key(all, n->keys[i], n->key_at[i], n->items[i]);
        else
            children_add(all, n->items[i]);
    }
}

static struct node *merge_maps(struct merge *m, const struct node *base, const struct node *more)
{
    struct children all = { .n = 0 };
    struct map where = MAP_INIT;

    add_all(&all, base);
    for (unsigned i = 0; i < all.n; i++)
        map_put(&where, all.keys[i], (void *)(uintptr_t)(i + 1));
    for (unsigned i = 0; i < more->n; i++) {
        unsigned at = (unsigned)(uintptr_t)map_get(&where, more->keys[i]);
        size_t mark = path_key(&m->path, more->keys[i]);

        if (at == 0)
            children_add_key(&all, more->keys[i], more->key_at[i], more->items[i]);
        else
            all.items[at - 1] = merge_nodes(m, all.items[at - 1], more->items[i]);
        path_back(&m->path, mark);
    }
    map_fini(&where);
    return like(m, base, &all);
}

static struct sc_str name_of(const struct node *item)
{
    const struct node *name = node_get(item, "name");

    return name != NULL && name->kind != NODE_LIST && name->kind != NODE_MAP ? name->text : STR("");
}

static struct node *merge_lists(struct merge *m, const struct node *base, const struct node *more)
{
    struct children all = { .n = 0 };
    struct map where = MAP_INIT;

    add_all(&all, base);
    for (unsigned i = 0; i < base->n; i++)
        map_put(&where, name_of(base->items[i]), base->items[i]);
    for (unsigned i = 0; i < more->n; i++) {
        struct sc_str name = name_of(more->items[i]);
        const struct node *was = name.n == 0 ? NULL : map_get(&where, name);
        size_t mark = path_index(&m->path, all.n);

        if (was != NULL) {
            char *what = xasprintf("`%.*s`", STR_ARG(name));

            conflict(m, node_get(more->items[i], "name"), what, was->file, was->line, was->col);
            free(what);
        }
        children_add(&all, more->items[i]);
        path_back(&m->path, mark);
    }
    map_fini(&where);
    return like(m, base, &all);
}

static struct node *merge_nodes(struct merge *m, struct node *base, struct node *more)
{
    if (base->kind == NODE_NULL)
        return more;
    if (more->kind == NODE_NULL)
        return base;
    if (base->kind == NODE_MAP && more->kind == NODE_MAP)
        return merge_maps(m, base, more);
    if (base->kind == NODE_LIST && more->kind == NODE_LIST)
        return merge_lists(m, base, more);
    conflict(m, more, "this", base->file, base->line, base->col);
    return base;
}

static int is_part(const struct dirent *e)
{
    struct sc_str name = str_of(e->d_name);

    return name.p[0] != '.' &&
           (str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) || str_ends(name, STR(".json")));
}

/* Not alphasort: the order must not hang on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static struct node *merge_file(struct merge *m, struct node *root, const char *dir, const char *name)
{
    char *path = xasprintf("%s/%s", dir, name);
    struct node *more = tree_read(m->arena, m->report, path);

    free(path);
    if (more == NULL) {
        m->broken = true;
        return root;
    }
    if (more->kind != NODE_MAP && more->kind != NODE_NULL) {
        report_error(m->report, more, "", "the file must hold a map (`key: value`)");
        return root;
    }
    return root == NULL ? more : merge_nodes(m, root, more);
}

static struct node *merge_directory(struct merge *m, struct node *root, const char *dir)
{
    struct dirent **list;
    int n = scandir(dir, &list, is_part, by_name);

    if (n < 0) {
        struct node at = { .file = dir };

        if (errno != ENOENT && errno != ENOTDIR)
            report_error(m->report, &at, "", "cannot be read: %s", strerror(errno));
        return root;
    }
    for (int i = 0; i < n; i++) {
        root = merge_file(m, root, dir, list[i]->d_name);
        free(list[i]);
    }
    free(list);
    return root;
}

static char *directory_beside(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return xasprintf("conf.d");
    return xasprintf("%.*s/conf.d", (int)(slash - path), path);
}

struct node *tree_read_all(struct arena *a, struct conf_report *r, const char *path)
{
    struct merge m = { .arena = a, .report = r, .path = BUF_INIT };
    struct node *root = tree_read(a, r, path);
    char *dir;

    if (strcmp(path, "-") == 0)
        return root;
    if (root != NULL && root->kind != NODE_MAP && root->kind != NODE_NULL)
        return root;                              /* the loader says what is wrong with it */
    m.broken = root == NULL;
    dir = directory_beside(path);
    root = merge_directory(&m, root, dir);
    free(dir);
    buf_fini(&m.path);
    return m.broken ? NULL : root;
}

/* --- defaults --- */

static bool differ_in_type(const struct node *a, const struct node *b)
{
    const struct node *x = node_get(a, "type"), *y = node_get(b, "type");

    return x != NULL && y != NULL && !str_eq(x->text, y->text);
}

static struct node *put_under(struct arena *a, struct node *over, struct node *under)
{
    struct children all = { .n = 0 };
    struct node *n;

    if (over->kind != NODE_MAP || under->kind != NODE_MAP || differ_in_type(over, under))
        return over;
    for (unsigned i = 0; i < over->n; i++) {
        struct node *below = node_get(under, over->keys[i].p);

        children_add_key(&all, over->keys[i], over->key_at[i],
                         below == NULL ? over->items[i] : put_under(a, over->items[i], below));
    }
    for (unsigned i = 0; i < under->n; i++)
        if (node_get(over, under->keys[i].p) == NULL)
            children_add_key(&all, under->keys[i], under->key_at[i], under->items[i]);
    n = arena_alloc(a, sizeof *n);
    *n = *over;
    children_into(&all, a, n);
    return n;
}

const struct node *tree_under(struct arena *a, const struct node *over, const struct node *under)
{
    if (under == NULL || under->kind == NODE_NULL)
        return over;
    if (over == NULL || over->kind == NODE_NULL)
        return under;
    return put_under(a, (struct node *)(uintptr_t)over, (struct node *)(uintptr_t)under);
}
