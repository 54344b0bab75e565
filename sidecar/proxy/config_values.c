/* sidecar/proxy/config_values.c - keys that need more than a type: numbers or words, sets of them, defaults.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/config_priv.h"

#include <inttypes.h>

bool config_load_workers(struct conf_load *l, const struct node *at, void *to)
{
    static const struct sc_field number = { .type = SC_T_INT, .min = 1, .max = 256 };
    int64_t *workers = to;

    if (at->kind == NODE_LIST || at->kind == NODE_MAP)
        return load_error(l, at, "\"auto\" or a number is expected here, not %s", node_kind_name(at));
    *workers = 0;
    if (str_eq(at->text, STR("auto")))
        return true;
    if (at->kind == NODE_STRING && !at->quoted)
        return load_error(l, at, "\"%s\" is neither \"auto\" nor a number", at->text.p);
    return load_scalar(l, at, &number, workers);
}

void config_print_workers(const void *value, struct buf *out)
{
    int64_t workers = *(const int64_t *)value;

    if (workers == 0)
        buf_puts(out, "\"auto\"");
    else
        buf_printf(out, "%" PRId64, workers);
}

static unsigned count(const struct node *at)
{
    return at->kind == NODE_LIST ? at->n : 1;
}

const struct node *config_item(const struct node *list, unsigned i)
{
    return list->kind == NODE_LIST ? list->items[i] : list;
}

static const struct sc_enum retry_words[] = {
    { "connect_failure", RETRY_CONNECT_FAILURE }, { "reset", RETRY_RESET }, { "timeout", RETRY_TIMEOUT }, { NULL, 0 },
};

bool config_load_retry_on(struct conf_load *l, const struct node *at, void *to)
{
    static const struct sc_field word = { .type = SC_T_ENUM, .names = retry_words };
    unsigned *bits = to;
    bool ok = true;

    *bits = 0;
    for (unsigned i = 0; i < count(at); i++) {
        size_t mark = load_enter_index(l, i);
        int bit = 0;

        ok &= load_scalar(l, config_item(at, i), &word, &bit);
        *bits |= (unsigned)bit;
        load_leave(l, mark);
    }
    return ok;
}

void config_print_retry_on(const void *value, struct buf *out)
{
    unsigned bits = *(const unsigned *)value;
    const char *comma = "";

    buf_putc(out, '[');
    for (const struct sc_enum *e = retry_words; e->name != NULL; e++) {
        if ((bits & (unsigned)e->value) == 0)
            continue;
        buf_printf(out, "%s\"%s\"", comma, e->name);
        comma = ",";
    }
    buf_putc(out, ']');
}

bool config_load_statuses(struct conf_load *l, const struct node *at, void *to)
{
    static const struct sc_field number = { .type = SC_T_INT, .min = 400, .max = 599 };
    uint64_t *bits = to;
    bool ok = true;

    for (unsigned i = 0; i < count(at); i++) {
        size_t mark = load_enter_index(l, i);
        int64_t status;

        if (load_scalar(l, config_item(at, i), &number, &status))
            bits[status / 64] |= UINT64_C(1) << (status % 64);
        else
            ok = false;
        load_leave(l, mark);
    }
    return ok;
}

void config_print_statuses(const void *value, struct buf *out)
{
    const uint64_t *bits = value;
    const char *comma = "";

    buf_putc(out, '[');
    for (unsigned status = 400; status < 600; status++) {
        if ((bits[status / 64] >> (status % 64) & 1) == 0)
            continue;
        buf_printf(out, "%s%u", comma, status);
        comma = ",";
    }
    buf_putc(out, ']');
}

static void load_one_default(struct conf_load *l, const struct node *at, const char *key, const struct sc_field *fields,
                             void *scratch)
{
    size_t mark = load_enter(l, key);

    conf_load_object(l, node_get(at, key), fields, scratch);
    load_leave(l, mark);
}

/* The defaults are merged under services and routes before those are loaded; here they are only checked once by
 * themselves, so that a mistake in them is reported where it stands, and also when no service uses it. */
bool config_load_defaults(struct conf_load *l, const struct node *at, void *to)
{
    static const char *const words[] = { "service", "route", NULL };
    struct service_conf service;
    struct route_conf route;
    unsigned before = l->report->errors;

    (void)to;
    if (at->kind != NODE_MAP)
        return load_error(l, at, "a map of `service` and `route` is expected here, not %s", node_kind_name(at));
    for (unsigned i = 0; i < at->n; i++) {
        struct node key = { .text = at->keys[i], .file = at->key_at[i].file, .line = at->key_at[i].line,
                            .col = at->key_at[i].col };

        if (!str_eq(key.text, STR("service")) && !str_eq(key.text, STR("route")))
            load_unknown(l, &key, "key", words);
    }
    l->partial = true;
    load_one_default(l, at, "service", service_fields, &service);
    load_one_default(l, at, "route", route_fields, &route);
    l->partial = false;
    policy_list_fini(&route.policies);
    return l->report->errors == before;
}
