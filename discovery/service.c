/* discovery/service.c - the part of the configuration that says where a service's targets come from.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/service.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"
#include "conf/describe.h"
#include "discovery/snapshot/identity.h"
#include "discovery/provider.h"

#include <stdlib.h>

/* The keys of all types of registries, beside their tables, by hand; a unit test compares. */
#define SOURCE_SCHEMA(more) \
    "{\"type\":\"object\",\"required\":[\"registry\"],\"additionalProperties\":false,\"properties\":{" more SOURCE_KEYS "}}"
#define SOURCE_KEYS \
    "\"registry\":{\"type\":\"string\"},\"service\":{\"type\":\"string\"},\"filter\":{\"type\":\"string\"}," \
    "\"tags\":{\"oneOf\":[{\"type\":\"string\"}," \
    "{\"type\":\"array\",\"maxItems\":32,\"items\":{\"type\":\"string\"}}]},\"passing_only\":{\"type\":\"boolean\"}," \
    "\"prepared_query\":{\"type\":\"string\"},\"poll\":{}," \
    "\"tagged_address\":{\"type\":\"string\"},\"datacenter\":{\"type\":\"string\"}," \
    "\"namespace\":{\"type\":\"string\"},\"partition\":{\"type\":\"string\"}," \
    "\"port\":{\"type\":[\"string\",\"integer\"]},\"family\":{\"enum\":[\"ipv4\",\"ipv6\",\"both\"]}," \
    "\"hints\":{\"type\":\"boolean\"},\"host\":{\"type\":\"string\"},\"type\":{\"enum\":[\"A\",\"AAAA\",\"SRV\"]}"
const char source_schema[] = SOURCE_SCHEMA("");
static const char sources_schema[] =
    "{\"type\":\"array\",\"minItems\":1,\"maxItems\":16,\"items\":"
    SOURCE_SCHEMA("\"weight\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":65535},") "}";

/* What its keys mean depends on the registry's type, which may stand further down: read by discovery_service_link. */
static bool source_load(struct conf_load *load, const struct node *at, void *to)
{
    struct source_conf *source = to;

    if (at->kind != NODE_MAP)
        return load_error(load, at, "expected a map with the key `registry`, not %s", node_kind_name(at));
    source->at = at;
    source->weight = 1;
    return true;
}

static bool sources_load(struct conf_load *load, const struct node *at, void *to)
{
    struct source_list *list = to;
    struct source_conf *sources;
    bool ok = true;

    if (at->kind != NODE_LIST)
        return load_error(load, at, "expected a list of sources, not %s", node_kind_name(at));
    if (at->n == 0 || at->n > SOURCES_MAX)
        return load_error(load, at, "expected one to %d sources, not %u", SOURCES_MAX, at->n);
    sources = arena_zero(load->arena, at->n * sizeof *sources);
    for (unsigned i = 0; i < at->n; i++) {
        size_t mark = load_enter_index(load, i);

        ok &= source_load(load, at->items[i], &sources[i]);
        load_leave(load, mark);
    }
    if (ok)
        *list = (struct source_list){ at, sources, at->n };
    return ok;
}

static void source_print(const void *value, struct buf *out)
{
    const struct source_conf *source = value;

    if (source->registry == NULL)
        buf_puts(out, "null");
    else
        conf_print_choice("registry", source->registry->name, source->registry->provider->source_fields, source->conf, out);
}

static void sources_print(const void *value, struct buf *out)
{
    const struct source_list *list = value;

    if (list->node == NULL) {
        buf_puts(out, "null");
        return;
    }
    buf_putc(out, '[');
    for (unsigned i = 0; i < list->n; i++) {
        struct buf one = BUF_INIT;

        source_print(&list->at[i], &one);
        while (one.n > 0 && one.p[one.n - 1] != '}')        /* it is a map: the weight goes into it */
            one.n--;
        buf_printf(out, "%s%.*s,\"weight\":%lld}", i == 0 ? "" : ",", one.n == 0 ? 0 : (int)one.n - 1, one.p,
                   (long long)list->at[i].weight);
        buf_fini(&one);
    }
    buf_putc(out, ']');
}

#define S struct discovery_service
const struct sc_field discovery_service_fields[] = {
    SC_STRING(S, name, .flags = SC_REQUIRED, .min = 1, .max = 253,
              .doc = "The name by which routes, metrics and the admin API know the service."),
    SC_OBJECTS(S, targets, struct endpoint_conf, endpoint_fields,
               .doc = "The targets, stated here. A service has either this, or `source`, or `sources`."),
    SC_CUSTOM(S, source, struct source_conf, source_load, .schema = source_schema, .print = source_print,
              .doc = "The registry that knows the targets: `registry` is a name of `registries`, the other keys depend "
                     "on its type (`outrider help TYPE`). Most have `service`, the name there, by default the "
                     "service's own."),
    SC_CUSTOM(S, sources, struct source_list, sources_load, .schema = sources_schema, .print = sources_print,
              .doc = "Several registries that know targets of the service, each with the keys of a `source`; `combine` says "
                     "what they are together. Each is followed, late, and guarded by `shrink_guard` for itself: one that "
                     "fails keeps its last answer, and one that never answered does not hold up the others. What several "
                     "of them name (the same address) is one target, as the first of them in the list states it: its "
                     "weight, state, tier, zone, tags. With `combine: weighted` each has a `weight`, by default 1."),
    SC_ENUM(S, combine, .dflt = "union", .names = combine_names,
            .doc = "What several `sources` are together. `union`: the targets of all of them, by their weights as they are, "
                   "which count 1 in Consul and 100 elsewhere where none is stated. `failover`: those of the "
                   "first one in the list that has a target that can serve; the targets of the others are kept ready, "
                   "and the traffic comes back when the first has one again. `weighted`: each source has the share of "
                   "the traffic that its `weight` says, spread over its targets by theirs; the share of a source "
                   "without any goes to the others, and a target that several name has its parts of all their shares."),
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
    SC_OBJECT(S, last_known_good, struct last_known_good, last_known_good_fields,
              .doc = "What becomes of the targets while their registry cannot be asked. The last good answer stays in force "
                     "and is kept in `state_dir`, too, so that a start does not need the registry either. Answers say "
                     "`Outrider-Discovery: stale;age=12` meanwhile. Not for `targets` stated here."),
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

bool registry_has_services(const struct registry *r)
{
    for (const struct sc_field *f = r->provider->source_fields; f->type != SC_T_END; f++)
        if (strcmp(f->name, "service") == 0)
            return true;
    return false;
}

/* but: keys that are not its registry's. */
static bool link_source(struct conf_load *load, const struct registries *registries, struct source_conf *source,
                        const char *const *but)
{
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

static const struct sc_field weight_field =
    SC_INT(struct source_conf, weight, .min = 0, .max = ENDPOINT_WEIGHT_MAX, .doc = "Its share of the traffic.");

static bool read_weight(struct conf_load *load, const struct discovery_service *s, struct source_conf *source)
{
    const struct node *weight = node_get(source->at, "weight");
    size_t mark;
    bool ok;

    if (weight == NULL || weight->kind == NODE_NULL)
        return true;
    mark = load_enter(load, "weight");
    ok = load_scalar(load, weight, &weight_field, &source->weight);
    if (s->combine != COMBINE_WEIGHTED)
        load_warning(load, weight, "counts only with `combine: weighted`");
    load_leave(load, mark);
    return ok;
}

static bool is_listed_before(const struct source_list *list, unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (source_same(&list->at[k], &list->at[i]))
            return true;
    return false;
}

static bool link_sources(struct conf_load *load, const struct registries *registries, struct discovery_service *s)
{
    static const char *const but[] = { "registry", "weight", NULL };
    struct source_conf *all = (struct source_conf *)s->sources.at;      /* the loader's own, until it is done */
    int64_t sum = 0;
    bool ok = true;

    for (unsigned i = 0; i < s->sources.n; i++) {
        size_t mark = load_enter_index(load, i);
        bool linked = link_source(load, registries, &all[i], but);

        linked = read_weight(load, s, &all[i]) && linked;
        if (linked && is_listed_before(&s->sources, i))
            linked = load_error(load, all[i].at, "the same source is listed before");
        ok &= linked;
        sum += all[i].weight;
        load_leave(load, mark);
    }
    if (ok && sum == 0)
        ok = load_error(load, s->sources.node, "no source has a weight above 0");
    return ok;
}

unsigned discovery_service_sources(const struct discovery_service *s, const struct source_conf **list)
{
    *list = s->sources.n > 0 ? s->sources.at : &s->source;
    return s->sources.n > 0 ? s->sources.n : s->source.registry != NULL;
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

static bool is_given(const struct node *at)
{
    return at != NULL && at->kind != NODE_NULL;
}

/* Exactly one of the three. */
static bool link_origin(struct conf_load *load, const struct registries *registries, struct discovery_service *s,
                        const struct node *at)
{
    static const char *const but[] = { "registry", NULL };
    const struct node *targets = node_get(at, "targets");
    const char *key = is_given(targets) ? "targets" : s->source.at != NULL ? "source" : "sources";
    unsigned n = (unsigned)is_given(targets) + (s->source.at != NULL) + (s->sources.node != NULL);
    size_t mark;
    bool ok;

    if (n > 1)
        return load_error(load, at, "has more than one of `targets`, `source` and `sources`");
    if (n == 0)                         /* `sources` that could not be read have been reported */
        return !is_given(node_get(at, "sources")) && load_error(load, at, "needs `targets`, `source` or `sources`");
    if (s->sources.node == NULL && is_given(node_get(at, "combine")))
        load_warning(load, node_get(at, "combine"), "`combine` counts only with `sources`");
    mark = load_enter(load, key);
    ok = is_given(targets) ? check_targets(load, targets, &s->targets) :
         s->source.at != NULL ? link_source(load, registries, &s->source, but) : link_sources(load, registries, s);
    load_leave(load, mark);
    return ok;
}

static void identify(struct conf_load *load, struct discovery_service *s)
{
    const struct source_conf *list;
    unsigned n = discovery_service_sources(s, &list);

    for (unsigned i = 0; i < n; i++)        /* the loader's own, until it is done */
        ((struct source_conf *)&list[i])->identity = identity_of(load, s->name, list[i].registry, list[i].conf);
}

bool discovery_service_link(struct conf_load *load, const struct registries *registries, struct discovery_service *s,
                            const struct node *at)
{
    bool ok = link_origin(load, registries, s, at);
    size_t mark = load_enter(load, "health_check");

    ok &= check_health(load, node_get(at, "health_check"), s->health_check);
    load_leave(load, mark);
    if (ok)
        identify(load, s);
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

/* All of a's keys but the weight are in b, too. */
static bool keys_in(const struct node *a, const struct node *b)
{
    for (unsigned i = 0; a != NULL && i < a->n; i++)
        if (!str_eq(a->keys[i], STR("weight")) && !node_same(a->items[i], node_get(b, a->keys[i].p)))
            return false;
    return true;
}

bool source_same(const struct source_conf *a, const struct source_conf *b)
{
    return a->registry != NULL && b->registry != NULL && registry_same(a->registry, b->registry) &&
           keys_in(a->at, b->at) && keys_in(b->at, a->at);
}

bool balancer_same(const struct balancer_choice *a, const struct balancer_choice *b)
{
    return a->ops == b->ops && node_same(a->at, b->at);
}
