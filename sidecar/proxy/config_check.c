/* sidecar/proxy/config_check.c - what must agree with something else: names, references, addresses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/config_priv.h"

#include "base/map.h"
#include "http/method.h"
#include "loop/listen.h"
#include "proxy/named.h"

#include <stdio.h>

/* One list of the file while it is looked through. */
struct section {
    struct conf_load *l;
    const struct node *list;    /* NULL: not in the file */
    const char *key;
    size_t mark[2];
};

static struct section enter(struct conf_load *l, const struct node *root, const char *key)
{
    const struct node *list = node_get(root, key);

    return (struct section){ .l = l, .list = list != NULL && list->kind == NODE_NULL ? NULL : list, .key = key };
}

/* The map that item i was loaded from, and the path to it. */
static const struct node *enter_item(struct section *s, unsigned i)
{
    s->mark[0] = load_enter(s->l, s->key);
    s->mark[1] = load_enter_index(s->l, i);
    return s->list == NULL ? NULL : config_item(s->list, i);
}

static void leave_item(struct section *s)
{
    load_leave(s->l, s->mark[1]);
    load_leave(s->l, s->mark[0]);
}

static const struct node *place(const struct node *item, const char *key)
{
    const struct node *n = node_get(item, key);

    return n != NULL ? n : item;
}

static void wrong(struct conf_load *l, const struct node *item, const char *key, const char *text)
{
    size_t mark = load_enter(l, key);

    load_error(l, place(item, key), "%s", text);
    load_leave(l, mark);
}

static void already(struct conf_load *l, const struct node *at, const char *key, const char *value,
                    const struct node *was)
{
    size_t mark = load_enter(l, key);

    load_error(l, at, "`%s` is already the %s of the one at %s:%u:%u", value, key, was->file, was->line, was->col);
    load_leave(l, mark);
}

/* Names stand in paths of admin pages, in logs and in metrics. */
static bool has_controls(const char *name)
{
    for (const unsigned char *p = (const unsigned char *)name; *p != '\0'; p++)
        if (*p < ' ' || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))     /* U+0080 to U+009F, in UTF-8 */
            return true;
    return false;
}

/* `seen` maps names to the nodes they came from. */
static void check_name(struct conf_load *l, struct map *seen, const char *name, const struct node *item)
{
    const struct node *at = place(item, "name"), *was;

    if (name == NULL || at == NULL)
        return;
    if (has_controls(name)) {
        wrong(l, item, "name", "a name has no control characters");
        return;
    }
    was = map_put(seen, str_of(name), (void *)(uintptr_t)at);
    if (was == NULL)
        return;
    already(l, at, "name", name, was);
    map_put(seen, str_of(name), (void *)(uintptr_t)was);
}

/* --- listeners --- */

static void link_listener(struct conf_load *l, struct listener_conf *c, const struct node *item)
{
    struct sc_error e = SC_ERROR_INIT;
    bool local;

    if (c->address == NULL)
        return;                                   /* reported already */
    if (!listener_check(c->address, &e)) {
        wrong(l, item, "address", e.text);
        return;
    }
    local = listener_is_local(c->address);
    if (c->peers == PEERS_AUTO)
        c->peers = local ? PEERS_TRUSTED : PEERS_UNTRUSTED;
    if (c->name == NULL)
        c->name = c->address;
}

static void link_listeners(struct config *c, struct conf_load *l, const struct node *root)
{
    struct section s = enter(l, root, "listeners");
    struct map names = MAP_INIT, addresses = MAP_INIT;
    struct listener_conf *all = c->listeners.at;

    for (unsigned i = 0; i < c->listeners.n; i++) {
        const struct node *item = enter_item(&s, i), *at = place(item, "address"), *was;

        link_listener(l, &all[i], item);
        if (all[i].name != all[i].address)
            check_name(l, &names, all[i].name, item);
        was = all[i].address == NULL ? NULL : map_put(&addresses, str_of(all[i].address), (void *)(uintptr_t)at);
        if (was != NULL)
            already(l, at, "address", all[i].address, was);
        leave_item(&s);
    }
    map_fini(&names);
    map_fini(&addresses);
}

static void check_token(struct conf_load *l, const struct node *item, struct sc_str token)
{
    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] <= ' ' || token.p[i] > '~') {
            wrong(l, item, "token", "a token has only visible ASCII characters");
            return;
        }
}

static void link_tokens(struct config *c, struct conf_load *l, const struct node *root)
{
    struct section s = enter(l, node_get(root, "admin"), "tokens");
    const struct admin_token *all = c->admin.tokens.at;
    size_t mark = load_enter(l, "admin");
    struct map names = MAP_INIT;

    for (unsigned i = 0; i < c->admin.tokens.n; i++) {
        const struct node *item = enter_item(&s, i);

        check_name(l, &names, all[i].name, item);
        check_token(l, item, all[i].token.value);
        leave_item(&s);
    }
    map_fini(&names);
    load_leave(l, mark);
}

/* --- services --- */

static void link_method(struct conf_load *l, struct retry_conf *r, const struct node *at, const char *name)
{
    enum method m = name == NULL ? METHOD_OTHER : method_id(str_of(name));

    if (m != METHOD_OTHER)
        r->method_bits |= 1u << m;
    else if (name != NULL)
        load_error(l, at, "\"%s\" is no method that can be retried (methods are written in capitals)", name);
}

static void link_methods(struct conf_load *l, struct retry_conf *r, const struct node *item)
{
    const struct node *list = node_get(node_get(item, "retry"), "methods");
    size_t outer = load_enter(l, "retry");

    load_enter(l, "methods");
    for (unsigned i = 0; i < r->methods.n; i++) {
        size_t mark = load_enter_index(l, i);

        link_method(l, r, list == NULL || list->kind == NODE_NULL ? item : config_item(list, i), r->methods.at[i]);
        load_leave(l, mark);
    }
    load_leave(l, outer);
}

static void check_tls(struct conf_load *l, const struct service_conf *s, const struct node *item)
{
    const struct node *tls = node_get(item, "tls");
    size_t mark = load_enter(l, "tls");

    if (tls != NULL && tls->kind != NODE_NULL && s->protocol != PROTOCOL_HTTPS)
        load_error(l, tls, "these keys need `protocol: https`");
    if ((s->tls.certificate == NULL) != (s->tls.key == NULL))
        load_error(l, tls, "`certificate` and `key` belong together");
    if (tls != NULL && s->protocol == PROTOCOL_HTTPS && !s->tls.verify)
        load_warning(l, place(tls, "verify"), "nobody checks who answers: TLS without `verify` protects from nothing");
    load_leave(l, mark);
}

/* Health checks speak to the targets as requests do. */
static void link_tls(struct service_conf *s)
{
    s->discovery.tls = (struct discovery_tls){
        .on = s->protocol == PROTOCOL_HTTPS, .server_name = s->tls.server_name,
        .files = { .ca = s->tls.ca, .certificate = s->tls.certificate, .key = s->tls.key, .insecure = !s->tls.verify },
    };
}

static void check_backoff(struct conf_load *l, const struct retry_conf *r, const struct node *item)
{
    const struct node *at = node_get(node_get(item, "retry"), "backoff");
    size_t outer = load_enter(l, "retry"), inner = load_enter(l, "backoff");

    if (r->backoff.base > r->backoff.max)
        load_error(l, at == NULL ? item : at, "`base` is larger than `max`");
    load_leave(l, inner);
    load_leave(l, outer);
}

void config_link_service(const struct config *c, struct conf_load *l, struct service_conf *s, const struct node *item)
{
    discovery_service_link(l, &c->registries, &s->discovery, item);
    link_methods(l, &s->retry, item);
    check_backoff(l, &s->retry, item);
    check_tls(l, s, item);
    link_tls(s);
}

static void link_services(struct config *c, struct conf_load *l, const struct node *root)
{
    struct section s = enter(l, root, "services");
    struct map names = MAP_INIT;
    struct service_conf *all = c->services.at;

    for (unsigned i = 0; i < c->services.n; i++) {
        const struct node *item = enter_item(&s, i);

        check_name(l, &names, all[i].discovery.name, item);
        if (item->kind == NODE_MAP)
            config_link_service(c, l, &all[i], item);
        leave_item(&s);
    }
    map_fini(&names);
}

/* --- registrations --- */

static void check_ids(struct conf_load *l, struct map *seen, const struct registration_conf *r, const struct node *item)
{
    const struct node *at = place(item, "id"), *was;
    char *key;

    if (r->id == NULL || r->registry_name == NULL)
        return;
    key = arena_printf(l->arena, "%s/%s", r->registry_name, r->id);
    was = map_put(seen, str_of(key), (void *)(uintptr_t)at);
    if (was != NULL)
        already(l, at, "id", r->id, was);
}

static void link_registrations(struct config *c, struct conf_load *l, const struct node *root)
{
    struct section s = enter(l, root, "register");
    struct registration_conf *all = c->registrations.at;
    struct map ids = MAP_INIT;

    for (unsigned i = 0; i < c->registrations.n; i++) {
        const struct node *item = enter_item(&s, i);

        if (item->kind == NODE_MAP) {
            registration_link(l, &c->registries, &all[i], c->node.name, item);
            check_ids(l, &ids, &all[i], item);
        }
        leave_item(&s);
    }
    map_fini(&ids);
}

/* --- routes --- */

static void unknown_name(struct conf_load *l, const struct node *at, const char *what, const char *const *words)
{
    const char *near = nearest_word(at->text, words);

    if (near != NULL)
        load_error(l, at, "there is no %s `%s`; did you mean `%s`?", what, at->text.p, near);
    else
        load_error(l, at, "there is no %s `%s`", what, at->text.p);
}

/* What routes refer to. */
struct referents {
    struct map services;        /* name -> struct service_conf * */
    const char **service_names, **listener_names;       /* NULL-terminated */
};

static void link_route_service(struct config *c, struct conf_load *l, struct route_conf *r, const struct node *item,
                               const struct referents *to)
{
    const struct node *at = place(item, "service");
    const struct service_conf *service;
    size_t mark = load_enter(l, "service");

    if (r->service != NULL) {
        service = map_get(&to->services, str_of(r->service));
        if (service == NULL)
            unknown_name(l, at, "service", to->service_names);
        else if (!service->enabled && r->enabled)
            load_error(l, at, "the service `%s` is not enabled; then neither can this route be", r->service);
        else
            r->service_index = (unsigned)(service - (const struct service_conf *)c->services.at);
    }
    load_leave(l, mark);
}

static void link_route_listeners(struct conf_load *l, const struct route_conf *r, const struct node *item,
                                 const struct referents *to)
{
    const struct node *list = node_get(item, "listeners");
    size_t mark = load_enter(l, "listeners");

    for (unsigned i = 0; i < r->listeners.n; i++) {
        unsigned j = 0;
        size_t inner = load_enter_index(l, i);

        while (to->listener_names[j] != NULL && r->listeners.at[i] != NULL &&
               strcmp(to->listener_names[j], r->listeners.at[i]) != 0)
            j++;
        if (r->listeners.at[i] != NULL && to->listener_names[j] == NULL)
            unknown_name(l, config_item(list, i), "listener", to->listener_names);
        load_leave(l, inner);
    }
    load_leave(l, mark);
}

/* Every path has the segment: a request never comes without a name. */
static bool has_segment(const struct sc_strings *paths, const char *segment)
{
    size_t n = strlen(segment);

    for (unsigned i = 0; i < paths->n; i++) {
        const char *path = paths->at[i], *at = path;

        if (path == NULL)
            continue;                   /* reported already */
        while ((at = strstr(at, segment)) != NULL && !(at > path && at[-1] == '/' && (at[n] == '/' || at[n] == '\0')))
            at++;
        if (at == NULL || path[0] == '~')
            return false;
    }
    return paths->n > 0;
}

/* The names of these are kept for services that paths name. */
static void check_names_at(const struct config *c, struct conf_load *l, const struct node *at, const char *registry)
{
    const struct service_conf *all = c->services.at;

    for (unsigned i = 0; i < c->services.n; i++) {
        const char *name = all[i].discovery.name, *mark = name == NULL ? NULL : strrchr(name, '@');

        if (mark != NULL && strcmp(mark + 1, registry) == 0)
            load_error(l, at, "the service `%s` has a name that is kept for services that paths name", name);
    }
}

/* `service: "{NAME}"`. */
static void link_naming(struct config *c, struct conf_load *l, struct route_conf *r, const struct node *item)
{
    const struct registry *registry = r->registry == NULL ? NULL : registries_find(&c->registries, r->registry);
    struct service_conf *naming;

    if (!has_segment(&r->match.paths, r->service))
        wrong(l, item, "service", "every path of `match` must have this as a segment");
    if (r->allow.n == 0)
        wrong(l, item, "allow", "say which services the path may name; `[\"*\"]` allows every one of the registry");
    if (r->registry == NULL) {
        wrong(l, item, "registry", "say where the service that the path names is looked up");
        return;
    }
    if (registry != NULL && !registry_has_services(registry)) {
        wrong(l, item, "registry", "a registry of this type has no services that a path could name");
        return;
    }
    check_names_at(c, l, place(item, "registry"), r->registry);
    naming = arena_zero(l->arena, sizeof *naming);
    named_load(c, l, place(item, "registry"), r->registry, "service", naming);
    r->naming = naming;
}

static bool is_naming(const char *service)
{
    size_t n = service == NULL ? 0 : strlen(service);

    return n > 2 && service[0] == '{' && service[n - 1] == '}';
}

static void link_route(struct config *c, struct conf_load *l, struct route_conf *r, const struct node *item,
                       const struct referents *to)
{
    struct sc_error e = SC_ERROR_INIT;

    if (is_naming(r->service)) {
        link_naming(c, l, r, item);
    } else {
        link_route_service(c, l, r, item, to);
        if (r->registry != NULL || r->allow.n > 0)
            wrong(l, item, r->registry != NULL ? "registry" : "allow", "only for a `service` that the path names: `{NAME}`");
    }
    link_route_listeners(l, r, item, to);
    if (!rewrite_check(&r->rewrite, &r->match, &e))
        wrong(l, item, "rewrite", e.text);
}

/* A problem of the router, put where it stands in the file. */
struct router_report {
    struct conf_load *l;
    const struct node *list;
    const unsigned *index;      /* of the rule in the file's list */
};

static void on_route_problem(void *arg, const struct route_problem *p)
{
    struct router_report *r = arg;
    const struct node *at = config_item(r->list, r->index[p->rule]), *inner;
    size_t mark = load_enter(r->l, "routes");

    load_enter_index(r->l, r->index[p->rule]);
    if (p->key != NULL) {
        load_enter(r->l, "match");
        load_enter(r->l, p->key);
        inner = node_get(node_get(at, "match"), p->key);
        if (p->item >= 0)
            load_enter_index(r->l, (unsigned)p->item);
        if (p->name != NULL)
            load_enter(r->l, p->name);
        if (inner != NULL && p->item >= 0 && (inner->kind != NODE_LIST || (unsigned)p->item < inner->n))
            inner = config_item(inner, (unsigned)p->item);
        else if (inner != NULL && p->name != NULL)
            inner = place(inner, p->name);
        at = inner != NULL ? inner : at;
    }
    if (p->warning)
        load_warning(r->l, at, "%s", p->text);
    else
        load_error(r->l, at, "%s", p->text);
    load_leave(r->l, mark);
}

static uint64_t listener_bits(const struct config *c, const struct route_conf *r)
{
    const struct listener_conf *all = c->listeners.at;
    uint64_t bits = 0;

    for (unsigned i = 0; i < r->listeners.n; i++)
        for (unsigned j = 0; j < c->listeners.n; j++)
            if (r->listeners.at[i] != NULL && all[j].name != NULL && strcmp(r->listeners.at[i], all[j].name) == 0)
                bits |= UINT64_C(1) << j;
    return bits;
}

/* Patterns, and routes that can never match: the router itself says so. */
static void check_router(struct config *c, struct conf_load *l, const struct node *root)
{
    struct route_conf *all = c->routes.at;
    struct route_rule *rules = arena_zero(l->arena, c->routes.n * sizeof *rules);
    unsigned *index = arena_zero(l->arena, c->routes.n * sizeof *index), n = 0;
    struct router_report report = { l, node_get(root, "routes"), index };
    struct router *router;

    for (unsigned i = 0; i < c->routes.n; i++) {
        if (!all[i].enabled)
            continue;
        index[n] = i;
        rules[n++] = (struct route_rule){ all[i].name, &all[i].match, listener_bits(c, &all[i]) };
    }
    router = router_build(rules, n, on_route_problem, &report);
    router_free(&router);
}

static void fill_referents(struct referents *to, const struct config *c, struct conf_load *l)
{
    struct service_conf *services = c->services.at;
    const struct listener_conf *listeners = c->listeners.at;
    unsigned n = 0;

    to->services = (struct map)MAP_INIT;
    to->service_names = arena_zero(l->arena, (c->services.n + 1) * sizeof *to->service_names);
    to->listener_names = arena_zero(l->arena, (c->listeners.n + 1) * sizeof *to->listener_names);
    for (unsigned i = 0; i < c->services.n; i++) {
        if (services[i].discovery.name == NULL)
            continue;
        map_put(&to->services, str_of(services[i].discovery.name), &services[i]);
        to->service_names[n++] = services[i].discovery.name;
    }
    n = 0;
    for (unsigned i = 0; i < c->listeners.n; i++)
        if (listeners[i].name != NULL)
            to->listener_names[n++] = listeners[i].name;
}

static void link_routes(struct config *c, struct conf_load *l, const struct node *root)
{
    struct section s = enter(l, root, "routes");
    struct map names = MAP_INIT;
    struct route_conf *all = c->routes.at;
    struct referents to;

    fill_referents(&to, c, l);
    for (unsigned i = 0; i < c->routes.n; i++) {
        const struct node *item = enter_item(&s, i);

        if (all[i].name == NULL)
            all[i].name = arena_printf(l->arena, "route-%u", i + 1);
        check_name(l, &names, all[i].name, item);
        if (item->kind == NODE_MAP)
            link_route(c, l, &all[i], item, &to);
        leave_item(&s);
    }
    check_router(c, l, root);
    if (c->routes.n == 0)
        load_warning(l, root, "there are no `routes`: every request will be answered with 404");
    map_fini(&to.services);
    map_fini(&names);
}

/* --- what is not enabled --- */

static void drop_disabled(struct config *c, struct conf_load *l)
{
    struct service_conf *services = c->services.at;
    struct route_conf *routes = c->routes.at;
    unsigned *index = arena_zero(l->arena, (c->services.n + 1) * sizeof *index), n = 0;

    for (unsigned i = 0; i < c->services.n; i++) {
        index[i] = n;
        if (services[i].enabled)
            services[n++] = services[i];
    }
    c->services.n = n;
    n = 0;
    for (unsigned i = 0; i < c->routes.n; i++) {
        if (!routes[i].enabled) {
            policy_list_fini(&routes[i].policies);
            continue;
        }
        routes[i].service_index = index[routes[i].service_index];
        routes[n++] = routes[i];
    }
    c->routes.n = n;
}

static void check_state_dir(const struct config *c, struct conf_load *l, const struct node *root)
{
    size_t mark = load_enter(l, "state_dir");

    if (c->state_dir != NULL && c->state_dir[0] != '/')
        load_error(l, node_get(root, "state_dir"), "an absolute path is needed: it starts with a slash");
    load_leave(l, mark);
}

void config_link(struct config *c, struct conf_load *l, const struct node *root)
{
    check_state_dir(c, l, root);
    link_listeners(c, l, root);
    config_link_admin(c, l, root);
    link_tokens(c, l, root);
    link_services(c, l, root);
    link_registrations(c, l, root);
    link_routes(c, l, root);
    drop_disabled(c, l);
}
