/* discovery/service.c - the part of the configuration that says where a service's targets come from.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/service.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"
#include "conf/describe.h"
#include "discovery/provider.h"

#include <stdlib.h>

const char source_schema[] =
    "{\"type\":\"object\",\"required\":[\"registry\"],\"additionalProperties\":false,\"properties\":{"
    "\"registry\":{\"type\":\"string\"},\"service\":{\"type\":\"string\"},\"filter\":{\"type\":\"string\"},"
    "\"tags\":{\"oneOf\":[{\"type\":\"string\"},"
    "{\"type\":\"array\",\"maxItems\":32,\"items\":{\"type\":\"string\"}}]},\"passing_only\":{\"type\":\"boolean\"},"
    "\"prepared_query\":{\"type\":\"string\"},\"poll\":{},"
    "\"tagged_address\":{\"type\":\"string\"},\"datacenter\":{\"type\":\"string\"},"
    "\"namespace\":{\"type\":\"string\"},\"partition\":{\"type\":\"string\"},"
    "\"port\":{\"type\":[\"string\",\"integer\"]},\"family\":{\"enum\":[\"ipv4\",\"ipv6\",\"both\"]},"
    "\"hints\":{\"type\":\"boolean\"}}}";

/* What its keys mean depends on the registry's type, which may stand further down: read by discovery_service_link. */
static bool source_load(struct conf_load *load, const struct node *at, void *to)
{
    struct source_conf *source = to;

    if (at->kind != NODE_MAP)
        return load_error(load, at, "expected a map with the key `registry`, not %s", node_kind_name(at));
    source->at = at;
    return true;
}

static void source_print(const void *value, struct buf *out)
{
    const struct source_conf *source = value;

    if (source->registry == NULL)
        buf_puts(out, "null");
    else
        conf_print_choice("registry", source->registry->name, source->registry->provider->source_fields, source->conf, out);
}

#define S struct discovery_service
const struct sc_field discovery_service_fields[] = {
    SC_STRING(S, name, .flags = SC_REQUIRED, .min = 1, .max = 253,
              .doc = "The name by which routes, metrics and the admin API know the service."),
    SC_OBJECTS(S, targets, struct endpoint_conf, endpoint_fields,
               .doc = "The targets, stated here. A service has either this or `source`."),
    SC_CUSTOM(S, source, struct source_conf, source_load, .schema = source_schema, .print = source_print,
              .doc = "The registry that knows the targets: `registry` is a name of `registries`, the other keys depend "
                     "on its type (`outrider help TYPE`). All have `service`, the name there, by default the "
                     "service's own."),
    SC_CUSTOM(S, balancer, struct balancer_choice, balancer_load, .schema = balancer_schema,
              .print = balancer_print, .dflt = "round_robin",
              .doc = "How a target is chosen for each try: round_robin (in exact order, in proportion to the weights "
                     "when these differ), strict_round_robin (ignores weights), weighted, least_request, random; or a "
                     "map with `type` and the keys of that type. What counts is counted for the whole process."),
    SC_OBJECT(S, shrink_guard, struct guard_conf, guard_fields,
              .doc = "What happens to an answer of a registry that empties the service, or takes away many of its targets "
                     "at once, or shortens it while the registry has no leader: the targets it lacks are probed (by "
                     "`health_check`, else by connecting, 1 second). Those that fail are gone at once; those that answer "
                     "are kept for `hold`, and shown as `held`. Not for `targets` stated here."),
    SC_OBJECT_OPT(S, health_check, const struct health_conf, health_fields, .brief = "path",
                  .doc = "Active checks of every target, wherever it comes from; off unless given. One that fails them gets "
                         "no traffic until it passes again. A path in place of the map is `{ path: PATH }`."),
    SC_END
};
#undef S

bool registries_unknown(struct conf_load *load, const struct registries *registries, const struct node *at)
{
    const char **names = xcalloc(registries->n + 1, sizeof *names);

    for (unsigned i = 0; i < registries->n; i++)
        names[i] = registries->at[i].name;
    if (registries->n == 0)
        load_error(load, at, "unknown registry \"%s\"; there are no `registries`", at->text.p);
    else
        load_unknown(load, at, "registry", names);
    free(names);
    return false;
}

static bool link_source(struct conf_load *load, const struct registries *registries, struct source_conf *source)
{
    static const char *const but[] = { "registry", NULL };
    const struct node *name = node_get(source->at, "registry");
    void *conf;

    if (name == NULL || name->kind == NODE_NULL)
        return load_error(load, source->at, "`registry` is missing");
    if (name->kind == NODE_LIST || name->kind == NODE_MAP)
        return load_error(load, name, "expected the name of a registry, not %s", node_kind_name(name));
    source->registry = registries_find(registries, name->text.p);
    if (source->registry == NULL)
        return registries_unknown(load, registries, name);
    source->conf = conf = arena_zero(load->arena, source->registry->provider->source_size);
    if (!conf_load_object_but(load, source->at, source->registry->provider->source_fields, conf, but))
        return false;
    return source->registry->provider->check_source == NULL ||
           source->registry->provider->check_source(load, source->at, conf);
}

/* targets[i] as written: the list may be given as its one item. */
static const struct node *target_node(const struct node *targets, unsigned i)
{
    return targets->kind == NODE_LIST && i < targets->n ? targets->items[i] : targets;
}

static bool check_targets(struct conf_load *load, const struct node *at, const struct sc_list *targets)
{
    const struct endpoint_conf *list = targets->at;
    struct map seen = MAP_INIT;
    struct arena arena;
    bool ok = true;

    arena_init(&arena, 1024);
    for (unsigned i = 0; i < targets->n; i++) {
        struct endpoint e = endpoint_of(&list[i]);
        struct sc_error err = SC_ERROR_INIT;
        size_t mark = load_enter_index(load, i);

        if (!endpoint_check(&e, &err))
            ok = load_error(load, target_node(at, i), "%s", err.text);
        else if (map_put(&seen, str_of(endpoint_print(&arena, &e)), (void *)&list[i]) != NULL)
            ok = load_error(load, target_node(at, i), "%s is listed twice", endpoint_print(&arena, &e));
        load_leave(load, mark);
    }
    map_fini(&seen);
    arena_fini(&arena);
    return ok;
}

/* It becomes part of a URL. */
static bool check_health(struct conf_load *load, const struct node *at, const struct health_conf *c)
{
    if (c == NULL)
        return true;
    if (c->path[0] != '/')
        return load_error(load, at, "the path begins with a slash");
    for (const char *p = c->path; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || *p == '#')
            return load_error(load, at, "the path holds something else than visible ASCII characters, or a `#`");
    return true;
}

bool discovery_service_link(struct conf_load *load, const struct registries *registries, struct discovery_service *s,
                            const struct node *at)
{
    const struct node *targets = node_get(at, "targets");
    bool listed = targets != NULL && targets->kind != NODE_NULL, ok;
    size_t mark;

    if (listed == (s->source.at != NULL))
        return load_error(load, at, listed ? "has both `targets` and `source`" : "needs `targets` or `source`");
    mark = load_enter(load, listed ? "targets" : "source");
    ok = listed ? check_targets(load, targets, &s->targets) : link_source(load, registries, &s->source);
    load_leave(load, mark);
    mark = load_enter(load, "health_check");
    ok &= check_health(load, node_get(at, "health_check"), s->health_check);
    load_leave(load, mark);
    return ok;
}

bool node_same(const struct node *a, const struct node *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->kind != b->kind || a->n != b->n || !str_eq(a->text, b->text))
        return false;
    for (unsigned i = 0; i < a->n; i++)
        if ((a->kind == NODE_MAP && !str_eq(a->keys[i], b->keys[i])) || !node_same(a->items[i], b->items[i]))
            return false;
    return true;
}

bool registry_same(const struct registry *a, const struct registry *b)
{
    return a == b || (a != NULL && b != NULL && a->provider == b->provider && strcmp(a->name, b->name) == 0 &&
                      node_same(a->at, b->at));
}

bool source_same(const struct source_conf *a, const struct source_conf *b)
{
    return a->registry != NULL && b->registry != NULL && registry_same(a->registry, b->registry) &&
           node_same(a->at, b->at);
}

bool balancer_same(const struct balancer_choice *a, const struct balancer_choice *b)
{
    return a->ops == b->ops && node_same(a->at, b->at);
}
