/* discovery/provider.c - the list of providers, and `registries:` in the configuration.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/provider.h"

#include "base/arena.h"
#include "conf/describe.h"
#include "conf/load.h"
#include "discovery/service.h"

/* Every provider: one row here, one file in providers/. */
#define PROVIDERS(X) \
    X(consul) \
    X(dns) \
    X(etcd) \
    X(file) \
    X(kubernetes)

#define DECLARE(name) extern const struct provider provider_##name;
PROVIDERS(DECLARE)
#undef DECLARE

#define ROW(name) &provider_##name,
const struct provider *const providers[] = { PROVIDERS(ROW) NULL };
#undef ROW

#define NAME(name) #name,
static const char *const names[] = { PROVIDERS(NAME) NULL };
#undef NAME

/* Beside the tables, by hand; a unit test compares the names. */
#define STRING(name) "\"" name "\":{\"type\":\"string\"}"
#define STRINGS(name, most) \
    "\"" name "\":{\"oneOf\":[{\"type\":\"string\"}," \
    "{\"type\":\"array\",\"minItems\":1,\"maxItems\":" most ",\"items\":{\"type\":\"string\"}}]}"
#define REST \
    STRINGS("address", "16") "," STRING("token") "," STRING("token_file") "," STRING("ca") "," STRING("ca_path") "," \
    STRING("certificate") "," STRING("key") "," STRING("server_name") "," "\"verify\":{\"type\":\"boolean\"}," \
    "\"max_connections\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000}"
const char registries_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":{\"oneOf\":["
    "{\"type\":\"object\",\"required\":[\"type\",\"path\"],\"additionalProperties\":false,\"properties\":{"
    "\"type\":{\"const\":\"file\"}," STRINGS("path", "100") "}},"
    "{\"type\":\"object\",\"required\":[\"type\"],\"additionalProperties\":false,\"properties\":{"
    "\"type\":{\"const\":\"consul\"}," REST ","
    "\"consistency\":{\"enum\":[\"default\",\"consistent\",\"stale\",\"cached\"]},"
    STRING("datacenter") "," STRING("namespace") "," STRING("partition") ",\"wait\":{}}},"
    "{\"type\":\"object\",\"required\":[\"type\"],\"additionalProperties\":false,\"properties\":{"
    "\"type\":{\"const\":\"dns\"}," STRINGS("server", "8") ",\"timeout\":{},\"min_ttl\":{},\"max_ttl\":{},"
    "\"search\":{\"type\":\"boolean\"}}},"
    "{\"type\":\"object\",\"required\":[\"type\"],\"additionalProperties\":false,\"properties\":{"
    "\"type\":{\"const\":\"etcd\"}," REST "," STRING("prefix") "," STRING("user") "," STRING("password") ","
    STRING("password_file") ",\"wait\":{}}},"
    "{\"type\":\"object\",\"required\":[\"type\"],\"additionalProperties\":false,\"properties\":{"
    "\"type\":{\"const\":\"kubernetes\"}," REST "," STRING("namespace") ",\"wait\":{}}}]}}";

const struct provider *provider_find(struct sc_str name)
{
    for (unsigned i = 0; providers[i] != NULL; i++)
        if (str_eq(name, str_of(providers[i]->name)))
            return providers[i];
    return NULL;
}

static bool load_registry(struct conf_load *load, const struct node *at, struct registry *r)
{
    static const char *const but[] = { "type", NULL };
    const struct node *type = node_get(at, "type");
    void *conf;

    if (at->kind != NODE_MAP)
        return load_error(load, at, "expected a map, not %s", node_kind_name(at));
    if (type == NULL || type->kind == NODE_NULL)
        return load_error(load, at, "`type` is missing");
    if (type->kind != NODE_STRING)
        return load_error(load, type, "expected a type of registry, not %s", node_kind_name(type));
    r->provider = provider_find(type->text);
    if (r->provider == NULL)
        return load_unknown(load, type, "type of registry", names);
    r->at = at;
    r->conf = conf = arena_zero(load->arena, r->provider->conf_size);
    return conf_load_object_but(load, at, r->provider->fields, conf, but) &&
           (r->provider->check == NULL || r->provider->check(load, at, conf));
}

bool registries_load(struct conf_load *load, const struct node *at, void *to)
{
    struct registries *all = to;
    struct registry *list;
    bool ok = true;

    *all = (struct registries){ NULL, 0 };
    if (at->kind != NODE_MAP)
        return load_error(load, at, "expected a map of registries by name, not %s", node_kind_name(at));
    all->at = list = arena_zero(load->arena, (at->n + 1) * sizeof *list);
    for (unsigned i = 0; i < at->n; i++) {
        size_t mark = load_enter(load, at->keys[i].p);

        list[all->n].name = at->keys[i].p;
        if (load_registry(load, at->items[i], &list[all->n]))
            all->n++;
        else
            ok = false;
        load_leave(load, mark);
    }
    return ok;
}

void registries_print(const void *value, struct buf *out)
{
    const struct registries *all = value;

    buf_putc(out, '{');
    for (unsigned i = 0; i < all->n; i++) {
        const struct registry *r = &all->at[i];

        buf_puts(out, i == 0 ? "" : ",");
        buf_json(out, str_of(r->name));
        buf_putc(out, ':');
        conf_print_choice("type", r->provider->name, r->provider->fields, r->conf, out);
    }
    buf_putc(out, '}');
}

const struct registry *registries_find(const struct registries *r, const char *name)
{
    for (unsigned i = 0; i < r->n; i++)
        if (strcmp(r->at[i].name, name) == 0)
            return &r->at[i];
    return NULL;
}
