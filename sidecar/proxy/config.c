/* sidecar/proxy/config.c - from a file to a configuration that can be run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/config.h"

#include "base/alloc.h"
#include "proxy/config_priv.h"

#include <stdlib.h>
#include <unistd.h>

static void config_free(struct config *c)
{
    struct route_conf *routes = c->routes.at;
    struct arena arena = c->arena;

    for (unsigned i = 0; i < c->routes.n; i++)
        policy_list_fini(&routes[i].policies);
    policy_list_fini(&c->policies);
    arena_fini(&arena);
    free(c);
}

struct config *config_ref(struct config *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void config_unref(struct config **c)
{
    struct config *was = *c;

    *c = NULL;
    if (was != NULL && atomic_fetch_sub_explicit(&was->refs, 1, memory_order_acq_rel) == 1)
        config_free(was);
}

/* --- defaults under every service and route --- */

/* `timeout: 10s` of a route is a map of one key, and merges like one. */
static struct node *spell_out(struct arena *a, struct node *item)
{
    struct node *timeout = node_get(item, "timeout"), *copy;

    if (timeout == NULL || timeout->kind == NODE_MAP || timeout->kind == NODE_NULL)
        return item;
    copy = arena_alloc(a, sizeof *copy);
    *copy = *item;
    copy->items = arena_alloc(a, item->n * sizeof *copy->items);
    for (unsigned i = 0; i < item->n; i++)
        copy->items[i] = item->items[i] == timeout ? node_wrap(a, timeout, "total") : item->items[i];
    return copy;
}

static struct node *with_defaults(struct arena *a, struct node *list, const struct node *dflt)
{
    struct node *copy;

    if (list->kind == NODE_MAP)
        return (struct node *)(uintptr_t)tree_under(a, spell_out(a, list), dflt);
    if (list->kind != NODE_LIST)
        return list;
    copy = arena_alloc(a, sizeof *copy);
    *copy = *list;
    copy->items = arena_alloc(a, list->n * sizeof *copy->items);
    for (unsigned i = 0; i < list->n; i++)
        copy->items[i] = list->items[i]->kind != NODE_MAP
                             ? list->items[i]
                             : (struct node *)(uintptr_t)tree_under(a, spell_out(a, list->items[i]), dflt);
    return copy;
}

const struct node *config_defaults(struct arena *a, const struct node *root, const char *key)
{
    struct node *n = node_get(node_get(root, "defaults"), key);

    return n == NULL || n->kind != NODE_MAP ? NULL : spell_out(a, n);
}

/* The tree that is loaded: the one that was read, with `defaults` put under services and routes. */
static const struct node *merge_defaults(struct arena *a, const struct node *root)
{
    const struct node *service = config_defaults(a, root, "service"), *route = config_defaults(a, root, "route");
    struct node *copy;

    if (root->kind != NODE_MAP || (service == NULL && route == NULL))
        return root;
    copy = arena_alloc(a, sizeof *copy);
    *copy = *root;
    copy->items = arena_alloc(a, root->n * sizeof *copy->items);
    for (unsigned i = 0; i < root->n; i++) {
        const struct node *dflt = str_eq(root->keys[i], STR("services")) ? service
                                : str_eq(root->keys[i], STR("routes")) ? route : NULL;

        copy->items[i] = dflt == NULL ? root->items[i] : with_defaults(a, root->items[i], dflt);
    }
    return copy;
}

/* --- what the file left open --- */

static const char *host_name(struct arena *a)
{
    char name[256] = "";

    if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0')
        return "localhost";
    return arena_dupz(a, str_of(name));
}

static bool is_given(const struct node *root, const char *key)
{
    const struct node *n = node_get(root, key);

    return n != NULL && n->kind != NODE_NULL;
}

/* A listener as if the file had `listeners: [ { name: default, address: 127.0.0.1:8080 } ]`. */
static void imply_listener(struct config *c, struct conf_load *l)
{
    const struct node *tree = tree_parse(l->arena, l->report, "default", STR("name: default\naddress: 127.0.0.1:8080\n"));
    const struct sc_field *f = config_fields;

    while (strcmp(f->name, "listeners") != 0)
        f++;
    c->listeners = (struct sc_list){ arena_zero(l->arena, f->size), 1 };
    conf_load_object(l, tree, f->fields, c->listeners.at);
}

static void fill_in(struct config *c, struct conf_load *l, const struct node *root)
{
    if (c->node.name == NULL)
        c->node.name = host_name(l->arena);
    if (!is_given(root, "listeners"))
        imply_listener(c, l);
    else if (c->listeners.n == 0)
        load_error(l, node_get(root, "listeners"), "`listeners` is empty; leave the key out for the default one");
}

/* Before everything that they lie under, so that a mistake in them carries their own path; told once, it is not told
 * again. */
static void check_defaults(struct conf_load *l, const struct node *root)
{
    const struct node *dflt = node_get(root, "defaults");
    size_t mark;

    if (dflt == NULL || dflt->kind == NODE_NULL)
        return;
    mark = load_enter(l, "defaults");
    config_load_defaults(l, dflt, NULL);
    load_leave(l, mark);
}

static void load_tree(struct config *c, struct conf_report *report, const char *path, struct node *tree)
{
    struct conf_load l;
    const struct node *root = merge_defaults(&c->arena, tree);

    /* The tables do not reach arena and refs, which lie before everything they fill. */
    conf_load_init(&l, &c->arena, report);
    check_defaults(&l, root);
    conf_load_object(&l, root, config_fields, c);
    c->tree = tree;                     /* after the tables, which zero what they describe */
    c->file = arena_dupz(&c->arena, str_of(path));
    fill_in(c, &l, root);
    config_link(c, &l, root);
    conf_load_fini(&l);
}

static struct config *config_new(void)
{
    struct config *c = xnew(struct config);

    atomic_init(&c->refs, 1);
    arena_init(&c->arena, 16384);
    return c;
}

static struct config *finish(struct config *c, struct conf_report *report, const char *path, struct node *tree)
{
    if (tree != NULL)
        load_tree(c, report, path, tree);
    if (report->errors > 0)
        config_unref(&c);
    return c;
}

struct config *config_load(const char *path, struct conf_report *report)
{
    struct config *c = config_new();

    return finish(c, report, path, tree_read_all(&c->arena, report, path));
}

struct config *config_load_text(const char *name, struct sc_str text, struct conf_report *report)
{
    struct config *c = config_new();

    return finish(c, report, name, tree_parse(&c->arena, report, name, text));
}
