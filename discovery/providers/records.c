/* discovery/providers/records.c - the content of one file of the file registry.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/records.h"

#include "base/alloc.h"
#include "conf/load.h"

#include <stdlib.h>

/* One service of the map, read by a table of one row that is named after it. */
static bool read_service(struct conf_load *load, const struct node *root, unsigned i, struct sc_list *list)
{
    const struct sc_field row[] = {
        { .name = root->keys[i].p, .type = SC_T_OBJECTS, .fields = endpoint_fields, .size = sizeof(struct endpoint_conf) },
        SC_END
    };
    const struct node one = { .kind = NODE_MAP, .items = root->items + i, .keys = root->keys + i,
                              .key_at = root->key_at + i, .n = 1,
                              .file = root->file, .line = root->line, .col = root->col };

    return conf_load_object(load, &one, row, list);
}

static const struct node *item_node(const struct node *list, unsigned i)
{
    return list->kind == NODE_LIST && i < list->n ? list->items[i] : list;
}

static bool keep(struct conf_load *load, struct records *r, const struct node *root, unsigned k,
                 const struct sc_list *list)
{
    struct endpoint *all = arena_alloc(&r->arena, (list->n + 1) * sizeof *all);
    struct record_list *kept = arena_alloc(&r->arena, sizeof *kept);
    const struct endpoint_conf *conf = list->at;
    bool ok = true;

    for (unsigned i = 0; i < list->n; i++) {
        struct endpoint e = endpoint_of(&conf[i]);
        struct sc_error err = SC_ERROR_INIT;
        size_t mark = load_enter(load, root->keys[k].p);

        load_enter_index(load, i);
        if (!endpoint_check(&e, &err))
            ok = load_error(load, item_node(root->items[k], i), "%s", err.text);
        load_leave(load, mark);
        all[i] = endpoint_copy(&r->arena, &e);
    }
    *kept = (struct record_list){ all, list->n };
    map_put(&r->services, root->keys[k], kept);
    return ok;
}

static bool read_root(struct conf_load *load, struct records *r, const struct node *root)
{
    bool ok = true;

    if (root->kind == NODE_NULL)
        return true;                            /* an empty file knows no service */
    if (root->kind != NODE_MAP)
        return load_error(load, root, "expected a map of services, not %s", node_kind_name(root));
    for (unsigned i = 0; i < root->n; i++) {
        struct sc_list list = { NULL, 0 };

        if (root->items[i]->kind == NODE_MAP)
            ok = load_error(load, root->items[i], "%s: expected a list of targets, not a map", root->keys[i].p);
        else if (!read_service(load, root, i, &list) || !keep(load, r, root, i, &list))
            ok = false;
    }
    return ok;
}

static void first_mistake(struct conf_report *report, struct sc_error *e)
{
    struct buf text = BUF_INIT;
    struct sc_str rest, line = STR_NONE;

    report_print(report, &text);
    rest = buf_view(&text);
    str_split(&rest, '\n', &line);
    if (report->errors > 1)
        sc_error_set(e, "%.*s (and %u more)", STR_ARG(line), report->errors - 1);
    else
        sc_error_set(e, "%.*s", STR_ARG(line));
    buf_fini(&text);
}

struct records *records_parse(const char *name, struct sc_str text, struct sc_error *e)
{
    struct records *r = xnew(struct records);
    struct conf_report report;
    struct conf_load load;
    struct arena arena;                         /* of the tree, which is much larger than what we keep */
    struct node *root;

    arena_init(&arena, 65536);
    arena_init(&r->arena, 4096);
    r->services = (struct map)MAP_INIT;
    report_init(&report);
    conf_load_init(&load, &arena, &report);
    root = tree_parse(&arena, &report, name, text);
    if (root != NULL && report.errors == 0)
        read_root(&load, r, root);
    if (report.errors > 0) {
        first_mistake(&report, e);
        records_free(&r);
    } else if (root == NULL) {
        sc_error_set(e, "%s: cannot be read", name);
        records_free(&r);
    }
    conf_load_fini(&load);
    report_fini(&report);
    arena_fini(&arena);
    return r;
}

void records_free(struct records **rp)
{
    struct records *r = *rp;

    *rp = NULL;
    if (r == NULL)
        return;
    map_fini(&r->services);
    arena_fini(&r->arena);
    free(r);
}

struct record_list records_of(const struct records *r, const char *service)
{
    const struct record_list *list = map_get(&r->services, str_of(service));

    return list == NULL ? (struct record_list){ NULL, 0 } : *list;
}
