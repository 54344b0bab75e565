/* policy/list.c - a `policies:` list, loaded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "policy/list.h"

#include "base/alloc.h"
#include "base/refs.h"
#include "conf/describe.h"
#include "policy/registry.h"

#include <stdlib.h>

/* Keys that every policy has. */
static const char *const common_keys[] = { "enabled", "id", NULL };
static const struct sc_field enabled_row = { .name = "enabled", .type = SC_T_BOOL };
static const struct sc_field id_row = { .name = "id", .type = SC_T_STRING, .min = 1, .max = 64 };

const char policy_list_schema[] =
    "{\"type\":\"array\",\"items\":{\"anyOf\":["
    "{\"type\":\"string\"},"
    "{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1,\"additionalProperties\":"
    "{\"anyOf\":[{\"type\":\"object\"},{\"type\":\"null\"},{\"const\":\"off\"},{\"const\":false}]}}]}}";

struct policy_conf *policy_conf_ref(struct policy_conf *c)
{
    refs_get(&c->refs);
    return c;
}

void policy_conf_unref(struct policy_conf **c)
{
    if (*c != NULL && refs_put(&(*c)->refs)) {
        arena_fini(&(*c)->arena);
        free(*c);
    }
    *c = NULL;
}

void policy_list_fini(struct policy_list *list)
{
    for (unsigned i = 0; i < list->n; i++)
        policy_conf_unref(&list->at[i].conf);
    *list = (struct policy_list){ NULL, 0 };
}

/* --- memory of its own --- */

/* What is loaded points into the tree it was loaded from, so the tree comes along. */
static struct node *copy_tree(struct arena *a, const struct node *from)
{
    struct node *to = arena_alloc(a, sizeof *to);

    *to = *from;
    to->text = arena_dup(a, from->text);
    if (from->n == 0)
        return to;
    to->items = arena_alloc(a, from->n * sizeof *to->items);
    to->keys = from->keys == NULL ? NULL : arena_alloc(a, from->n * sizeof *to->keys);
    for (unsigned i = 0; i < from->n; i++) {
        to->items[i] = copy_tree(a, from->items[i]);
        if (to->keys != NULL)
            to->keys[i] = arena_dup(a, from->keys[i]);
    }
    return to;
}

/* --- equal or not --- */

static bool is_common(struct sc_str key)
{
    return str_eq(key, STR("enabled")) || str_eq(key, STR("id"));
}

static int by_key(const void *a, const void *b, void *map)
{
    const struct node *n = map;

    return str_cmp(n->keys[*(const unsigned *)a], n->keys[*(const unsigned *)b]);
}

static void spell(struct buf *out, const struct node *n, bool top);

static void spell_items(struct buf *out, const struct node *n, bool top)
{
    unsigned *order = xcalloc(n->n, sizeof *order);

    for (unsigned i = 0; i < n->n; i++)
        order[i] = i;
    if (n->kind == NODE_MAP)
        qsort_r(order, n->n, sizeof *order, by_key, (void *)n);
    for (unsigned i = 0; i < n->n; i++) {
        if (top && is_common(n->keys[order[i]]))
            continue;
        if (n->kind == NODE_MAP)
            buf_json(out, n->keys[order[i]]);
        spell(out, n->items[order[i]], false);
    }
    buf_putc(out, ';');
    free(order);
}

/* The same text for trees that say the same, whatever the order of keys. `top`: the map of a policy, whose common keys
 * are not the policy's. */
static void spell(struct buf *out, const struct node *n, bool top)
{
    buf_putc(out, (char)('A' + (int)n->kind));
    if (n->kind >= NODE_LIST) {
        spell_items(out, n, top);
        return;
    }
    buf_printf(out, "%zu:", n->text.n);
    buf_str(out, n->text);
}

static void add_secrets(struct buf *out, const struct sc_field *fields, const char *base);

static void add_secrets_of(struct buf *out, const struct sc_field *f, const char *at)
{
    const struct sc_list *list = (const struct sc_list *)(const void *)at;
    const struct sc_secret *secret = (const struct sc_secret *)(const void *)at;

    switch (f->type) {
    case SC_T_SECRET:
        buf_printf(out, "S%zu:", secret->value.n);
        buf_str(out, secret->value);
        break;
    case SC_T_INLINE:
        add_secrets(out, f->fields, at);
        break;
    case SC_T_OBJECT:
        if ((f->flags & SC_OPTIONAL) != 0)
            at = *(const char *const *)(const void *)at;
        if (at != NULL)
            add_secrets(out, f->fields, at);
        break;
    case SC_T_OBJECTS:
        for (unsigned i = 0; i < list->n; i++)
            add_secrets(out, f->fields, (const char *)list->at + i * f->size);
        break;
    default:
        break;
    }
}

/* Contents of files are not in the tree. */
static void add_secrets(struct buf *out, const struct sc_field *fields, const char *base)
{
    for (const struct sc_field *f = fields; f->type != SC_T_END; f++)
        add_secrets_of(out, f, base + f->offset);
}

static struct sc_str identity_of(const struct sc_policy *policy, const struct node *at, struct policy_conf *conf)
{
    struct buf text = BUF_INIT;
    struct sc_str identity;

    if (at->kind == NODE_MAP)
        spell(&text, at, true);
    if (policy->fields != NULL)
        add_secrets(&text, policy->fields, conf->conf);
    identity = arena_dup(&conf->arena, buf_view(&text));
    if (text.p != NULL)
        explicit_bzero(text.p, text.cap);
    buf_fini(&text);
    return identity;
}

/* --- loading --- */

static bool is_off(const struct node *n)
{
    return (n->kind == NODE_STRING && str_eq(n->text, STR("off"))) || (n->kind == NODE_BOOL && n->text.p[0] == 'f');
}

static bool load_common(struct conf_load *load, const struct node *at, const struct sc_field *row, void *to)
{
    const struct node *n = node_get(at, row->name);
    size_t mark;
    bool ok;

    if (n == NULL || n->kind == NODE_NULL)
        return true;
    mark = load_enter(load, row->name);
    ok = load_scalar(load, n, row, to);
    load_leave(load, mark);
    return ok;
}

static bool load_own(struct conf_load *load, const struct node *at, const struct sc_policy *policy,
                     struct policy_conf *conf)
{
    static const struct sc_field none[] = { SC_END };
    struct arena *outer = load->arena;
    struct sc_error e = SC_ERROR_INIT;
    void *to = arena_zero(&conf->arena, policy->conf_size);
    bool ok;

    load->arena = &conf->arena;
    ok = conf_load_object_but(load, at, policy->fields != NULL ? policy->fields : none, to, common_keys);
    load->arena = outer;
    conf->conf = to;
    if (ok && policy->check != NULL && !policy->check(to, &e))
        ok = load_error(load, at, "%s", e.text);
    return ok;
}

static bool load_policy(struct conf_load *load, const struct node *at, struct policy_entry *entry)
{
    struct policy_conf *conf = xnew(struct policy_conf);
    struct node *own;
    bool ok;

    refs_init(&conf->refs);
    arena_init(&conf->arena, 1024);
    entry->conf = conf;
    own = copy_tree(&conf->arena, at);
    ok = load_own(load, own, entry->policy, conf);
    if (own->kind == NODE_MAP) {
        ok = load_common(load, own, &enabled_row, &entry->enabled) && ok;
        ok = load_common(load, own, &id_row, &entry->id) && ok;
        entry->id = arena_dupz(load->arena, str_of(entry->id));
    }
    if (ok)
        conf->identity = identity_of(entry->policy, own, conf);
    return ok;
}

static bool load_named(struct conf_load *load, struct sc_str name, const struct node *place, const struct node *at,
                       struct policy_entry *entry)
{
    struct node word = { .kind = NODE_STRING, .text = name, .file = place->file, .line = place->line,
                         .col = place->col };
    size_t mark;
    bool ok;

    *entry = (struct policy_entry){ .policy = policy_find(name), .id = "", .enabled = true };
    if (entry->policy == NULL)
        return load_unknown(load, &word, "policy", policy_names());
    if (is_off(at)) {
        entry->off = true;
        return true;
    }
    mark = load_enter(load, entry->policy->name);
    ok = load_policy(load, at, entry);
    load_leave(load, mark);
    return ok;
}

static bool load_item(struct conf_load *load, const struct node *at, struct policy_entry *entry)
{
    struct node key = { .kind = NODE_STRING };
    const struct node nothing = { .kind = NODE_NULL, .text = STR_INIT(""), .file = at->file, .line = at->line,
                                  .col = at->col };

    if (at->kind == NODE_STRING)
        return load_named(load, at->text, at, &nothing, entry);
    if (at->kind != NODE_MAP || at->n != 1)
        return load_error(load, at, "one policy is expected here: `- NAME: { ... }`");
    key.file = at->key_at != NULL ? at->key_at[0].file : at->file;
    key.line = at->key_at != NULL ? at->key_at[0].line : at->line;
    key.col = at->key_at != NULL ? at->key_at[0].col : at->col;
    return load_named(load, at->keys[0], &key, at->items[0], entry);
}

static bool is_new(struct conf_load *load, const struct policy_list *list, const struct policy_entry *e,
                   const struct node *at)
{
    for (unsigned i = 0; i < list->n; i++) {
        const struct policy_entry *other = &list->at[i];

        if (other->policy == e->policy && (other->off || e->off || strcmp(other->id, e->id) == 0))
            return load_error(load, at, "%s stands twice in this list; an `id` makes both run", e->policy->name);
    }
    return true;
}

bool policy_list_load(struct conf_load *load, const struct node *at, void *to)
{
    struct policy_list *list = to;
    bool ok = true;

    *list = (struct policy_list){ NULL, 0 };
    if (at->kind != NODE_LIST)
        return load_error(load, at, "a list of policies is expected here, not %s", node_kind_name(at));
    list->at = arena_zero(load->arena, at->n * sizeof *list->at);
    for (unsigned i = 0; i < at->n; i++) {
        struct policy_entry *entry = &list->at[list->n];
        size_t mark = load_enter_index(load, i);
        bool good = load_item(load, at->items[i], entry);

        good = good && is_new(load, list, entry, at->items[i]);
        load_leave(load, mark);
        if (good)
            list->n++;
        else
            policy_conf_unref(&entry->conf);
        ok = ok && good;
    }
    return ok;
}

/* --- printing --- */

static void print_entry(const struct policy_entry *e, struct buf *out)
{
    struct buf own = BUF_INIT;

    buf_putc(out, '{');
    buf_json(out, str_of(e->policy->name));
    if (e->off) {
        buf_puts(out, ":\"off\"}");
        return;
    }
    buf_printf(out, ":{\"enabled\":%s", e->enabled ? "true" : "false");
    if (e->id[0] != '\0') {
        buf_puts(out, ",\"id\":");
        buf_json(out, str_of(e->id));
    }
    if (e->policy->fields != NULL) {
        conf_print(e->policy->fields, e->conf->conf, &own);
        if (own.n > 2) {                /* more than "{}": its keys go on behind ours */
            own.p[0] = ',';
            buf_str(out, (struct sc_str){ own.p, own.n - 1 });
        }
        buf_fini(&own);
    }
    buf_puts(out, "}}");
}

void policy_list_print(const void *value, struct buf *out)
{
    const struct policy_list *list = value;

    buf_putc(out, '[');
    for (unsigned i = 0; i < list->n; i++) {
        buf_puts(out, i == 0 ? "" : ",");
        print_entry(&list->at[i], out);
    }
    buf_putc(out, ']');
}
