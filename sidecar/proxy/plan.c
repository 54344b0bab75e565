/* sidecar/proxy/plan.c - a configuration made ready to run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/plan.h"

#include "base/alloc.h"
#include "base/rand.h"
#include "base/refs.h"
#include "loop/mhdpump.h"
#include "proxy/tally.h"
#include "telemetry/access_log.h"

#include <stdio.h>
#include <stdlib.h>

struct uri_options listener_uri(const struct listener_conf *c)
{
    return (struct uri_options){ c->path.encoded_slash != SLASH_REJECT, c->path.semicolon != SEMICOLON_KEEP,
                                 !c->path.merge_slashes };
}

/* Ruling ("Sizes"): the head, half of it again for the library's copy of Cookie, the head of the answer, 4 KiB. */
static size_t pool_size(const struct listener_conf *l, int64_t response_head)
{
    return (size_t)(l->max_header_size + l->max_header_size / 2 + response_head + 4096);
}

/* A request that carries the name of this very listener has been here before (RFC 9110 7.6.3). One that came through another
 * one has not: an application may call, through one, what is behind the other. FNV-1a, begun with the secret. */
static void name_listener(struct plan *p, struct plan_listener *l)
{
    uint64_t hash;

    memcpy(&hash, p->secret, sizeof hash);
    for (const char *c = l->conf->name; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    hash ^= hash >> 29;
    hash *= UINT64_C(0xbf58476d1ce4e5b9);
    snprintf(l->via, sizeof l->via, "outrider-%012llx", (unsigned long long)(hash >> 16));
}

static void ready_listener(struct plan *p, unsigned i, struct listener *socket, int64_t response_head)
{
    struct plan_listener *l = &p->listeners[i];
    const struct listener_conf *c = (const struct listener_conf *)p->config->listeners.at + i;
    const char *colon = strrchr(socket->text, ':');

    *l = (struct plan_listener){
        .conf = c, .socket = listener_ref(socket), .index = i, .trusted = c->peers == PEERS_TRUSTED,
        .uri = listener_uri(c),
        .limits = {
            .framing = FRAMING_LIMITS_DEFAULT, .pool_size = pool_size(c, response_head),
            .max_connections = (unsigned)c->max_connections, .shares = true, .header_timeout = c->header_timeout,
            .body_timeout = c->body_timeout, .idle_timeout = c->idle_timeout,
        },
    };
    l->limits.framing.extensions = mhdpump_reads_extensions();
    l->limits.framing.head_max = l->limits.framing.target_max = (uint32_t)c->max_header_size;
    if (!socket->local && colon != NULL)
        snprintf(l->port, sizeof l->port, "%.7s", colon + 1);
    name_listener(p, l);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_transport(const struct service_conf *a, const struct service_conf *b)
{
    const struct upstream_tls_conf *x = &a->tls, *y = &b->tls;

    return a->protocol == b->protocol && same_text(x->ca, y->ca) && same_text(x->certificate, y->certificate) &&
           same_text(x->key, y->key) && same_text(x->server_name, y->server_name) && x->verify == y->verify;
}

/* A service of the same name goes on counting where it is, and keeps its connections unless its own keys changed. */
static void inherit(struct plan_service *s, const struct plan_service *was, unsigned workers)
{
    static uint64_t transports;         /* on the control thread */

    s->counts = was == NULL ? limit_counts_new(workers) : limit_counts_ref(was->counts);
    s->transport = was != NULL && same_transport(was->conf, s->conf) ? was->transport : ++transports;
}

static void ready_service(struct plan_service *s, const struct service_conf *c)
{
    s->conf = c;
    s->name = str_of(c->discovery.name);
    s->host = str_of(c->host);
    s->host_mode = strcmp(c->host, "preserve") == 0 ? HOST_PRESERVE
                 : strcmp(c->host, "target") == 0 ? HOST_TARGET : HOST_VALUE;
    s->response = (struct response_limits)RESPONSE_LIMITS_DEFAULT;
    s->response.head_max = (uint32_t)c->max_response_header_size;
}

static struct map services_by_name(const struct plan *p)
{
    struct map all = MAP_INIT;

    for (unsigned i = 0; p != NULL && i < p->nservices; i++)
        map_put(&all, p->services[i].name, &p->services[i]);
    return all;
}

static void ready_services(struct plan *p, const struct plan_options *o)
{
    struct map before = services_by_name(o->previous);
    unsigned stated = p->nservices - o->nnamed;

    for (unsigned i = 0; i < p->nservices; i++) {
        struct plan_service *s = &p->services[i];

        s->index = i;
        s->named = i < stated ? NULL : named_ref(o->named[i - stated]);
        ready_service(s, i < stated ? (const struct service_conf *)p->config->services.at + i : &s->named->conf);
        inherit(s, map_get(&before, s->name), o->workers);
        if (s->named != NULL)
            map_put(&p->named, s->name, s);
        p->watched[i] = &s->conf->discovery;
    }
    map_fini(&before);
}

/* Their pool has to hold the head of any answer. */
static int64_t largest_head(const struct plan *p)
{
    int64_t most = 8192;

    for (unsigned i = 0; i < p->nservices; i++)
        if (p->services[i].conf->max_response_header_size > most)
            most = p->services[i].conf->max_response_header_size;
    for (unsigned i = 0; i < p->nnaming; i++)
        if (p->naming[i].conf->max_response_header_size > most)
            most = p->naming[i].conf->max_response_header_size;
    return most;
}

static void ready_naming(struct plan *p)
{
    const struct route_conf *routes = p->config->routes.at;

    for (unsigned i = 0; i < p->nroutes; i++)
        if (routes[i].naming != NULL) {
            struct plan_service *s = &p->naming[p->nnaming++];

            ready_service(s, routes[i].naming);
            s->name = str_of(routes[i].service);
        }
}

static sc_msec either(sc_msec route, sc_msec service)
{
    return route != 0 ? route : service;
}

static void ready_route(struct plan *p, unsigned i, unsigned *naming)
{
    struct plan_route *r = &p->routes[i];
    const struct route_conf *c = (const struct route_conf *)p->config->routes.at + i;
    const struct timeout_conf *s;

    r->conf = c;
    r->index = i;
    r->name = str_of(c->name);
    r->service = c->naming == NULL ? &p->services[c->service_index] : &p->naming[(*naming)++];
    s = &r->service->conf->timeout;
    r->timeout = (struct timeout_conf){ either(c->timeout.connect, s->connect), either(c->timeout.response, s->response),
                                        either(c->timeout.total, s->total),
                                        either(c->timeout.idle_stream, s->idle_stream) };
    r->chain = chain_set_route(p->chains, i);
    r->rewrites = !rewrite_is_empty(&c->rewrite);
}

struct reporting {
    struct conf_report *report;
    const struct plan *plan;
};

static const char *route_name(const struct plan *p, unsigned i)
{
    return ((const struct route_conf *)p->config->routes.at)[i].name;
}

static void on_route_problem(void *arg, const struct route_problem *problem)
{
    struct reporting *r = arg;
    struct buf path = BUF_INIT;

    buf_printf(&path, "routes[%s]", route_name(r->plan, problem->rule));
    if (problem->key != NULL)
        buf_printf(&path, ".match.%s", problem->key);
    if (problem->item >= 0)
        buf_printf(&path, "[%d]", problem->item);
    if (problem->name != NULL)
        buf_printf(&path, ".%s", problem->name);
    if (problem->warning)
        report_warning(r->report, NULL, path.p, "%s", problem->text);
    else
        report_error(r->report, NULL, path.p, "%s", problem->text);
    buf_fini(&path);
}

static void on_chain_problem(void *arg, unsigned scope, unsigned entry, const char *text)
{
    struct reporting *r = arg;
    struct buf path = BUF_INIT;

    if (scope > 0)
        buf_printf(&path, "routes[%s].", route_name(r->plan, scope - 1));
    buf_printf(&path, "policies[%u]", entry);
    report_error(r->report, NULL, path.p, "%s", text);
    buf_fini(&path);
}

static uint64_t listener_bits(const struct config *c, const struct route_conf *r)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < r->listeners.n; i++)
        for (unsigned l = 0; l < c->listeners.n; l++)
            if (strcmp(((const struct listener_conf *)c->listeners.at)[l].name, r->listeners.at[i]) == 0)
                bits |= 1ULL << l;
    return bits;
}

static struct router *ready_router(struct plan *p, struct reporting *r)
{
    const struct route_conf *routes = p->config->routes.at;
    struct route_rule *rules = xcalloc(p->nroutes, sizeof *rules);
    struct router *router;

    for (unsigned i = 0; i < p->nroutes; i++)
        rules[i] = (struct route_rule){ routes[i].name, &routes[i].match, listener_bits(p->config, &routes[i]) };
    router = router_build(rules, p->nroutes, on_route_problem, r);
    free(rules);
    return router;
}

static struct chain_set *ready_chains(struct plan *p, const struct plan *previous, unsigned workers,
                                      struct reporting *r)
{
    const struct route_conf *routes = p->config->routes.at;
    struct chain_scope *scopes = xcalloc(p->nroutes, sizeof *scopes);
    struct chain_set *set;

    for (unsigned i = 0; i < p->nroutes; i++)
        scopes[i] = (struct chain_scope){ routes[i].name, &routes[i].policies };
    set = chain_set_build(&p->config->policies, scopes, p->nroutes, previous == NULL ? NULL : previous->chains,
                          workers, on_chain_problem, r);
    free(scopes);
    return set;
}

/* Last of all, when nothing can fail any more: rows stay. */
static void ready_tally(struct plan *p, struct metrics *m, unsigned workers)
{
    metrics_limit(m, (uint64_t)p->config->telemetry.metrics.max_series);
    for (unsigned i = 0; i < p->nlisteners; i++)
        p->listeners[i].tally = tally_listener(m, str_of(p->listeners[i].conf->name));
    for (unsigned i = 0; i < p->nservices; i++)
        if (p->services[i].named == NULL)
            tally_service(m, &p->services[i]);
    p->tally = tally_new(m, workers);
}

static struct plan *plan_new(struct config *config, const struct plan_options *o)
{
    struct plan *p = xnew(struct plan);

    refs_init(&p->refs);
    p->config = config;
    p->reserved = config->admin.public.n > 0 ? &config->admin.public : NULL;
    p->nlisteners = config->listeners.n;
    p->nservices = config->services.n + o->nnamed;
    p->nroutes = config->routes.n;
    p->listeners = xcalloc(p->nlisteners, sizeof *p->listeners);
    p->services = xcalloc(p->nservices, sizeof *p->services);
    p->naming = xcalloc(p->nroutes, sizeof *p->naming);
    p->routes = xcalloc(p->nroutes, sizeof *p->routes);
    p->watched = xcalloc(p->nservices, sizeof *p->watched);
    if (o->previous != NULL)
        memcpy(p->secret, o->previous->secret, sizeof p->secret);
    else
        rand_secret(p->secret, sizeof p->secret);
    return p;
}

struct plan *plan_build(struct config *config, const struct plan_options *o, struct conf_report *report)
{
    struct plan *p = plan_new(config, o);
    struct reporting reporting = { report, p };
    struct sc_error e = SC_ERROR_INIT;
    unsigned naming = 0;

    ready_services(p, o);
    ready_naming(p);
    for (unsigned i = 0; i < p->nlisteners; i++)
        ready_listener(p, i, o->sockets[i], largest_head(p));
    p->router = ready_router(p, &reporting);
    p->chains = ready_chains(p, o->previous, o->workers, &reporting);
    if (!access_log_open(o->writer, &config->telemetry.access_log, &p->access_log, &e)) {
        report_error(report, NULL, "telemetry.access_log.output", "%s", e.text);
        plan_free(p);
        return NULL;
    }
    if (p->router == NULL || p->chains == NULL) {
        plan_free(p);
        return NULL;
    }
    for (unsigned i = 0; i < p->nroutes; i++)
        ready_route(p, i, &naming);
    ready_tally(p, o->metrics, o->workers);
    return p;
}

struct plan *plan_build_dry(struct config *config, struct conf_report *report)
{
    struct plan_options o = { .workers = 1 };
    struct plan *p = plan_new(config, &o);
    struct reporting reporting = { report, p };
    unsigned naming = 0;

    p->nlisteners = 0;
    ready_services(p, &o);
    ready_naming(p);
    p->router = ready_router(p, &reporting);
    p->chains = ready_chains(p, NULL, o.workers, &reporting);
    if (p->router == NULL || p->chains == NULL) {
        plan_free(p);
        return NULL;
    }
    for (unsigned i = 0; i < p->nroutes; i++)
        ready_route(p, i, &naming);
    return p;
}

const struct plan_service *plan_find_named(const struct plan *p, struct sc_str name, const char *registry)
{
    char key[NAMED_KEY_MAX];

    return p->named.n == 0 ? NULL : map_get(&p->named, named_key(key, name, registry));
}

void plan_free(struct plan *p)
{
    access_log_close(&p->access_log);
    tally_free(&p->tally);
    if (p->chains != NULL)
        chain_set_free(&p->chains);
    router_free(&p->router);
    for (unsigned i = 0; i < p->nservices; i++) {
        limit_counts_unref(&p->services[i].counts);
        named_unref(&p->services[i].named);
    }
    map_fini(&p->named);
    for (unsigned i = 0; i < p->nlisteners; i++)
        listener_unref(&p->listeners[i].socket);
    free(p->listeners);
    free(p->services);
    free(p->naming);
    free(p->routes);
    free(p->watched);
    config_unref(&p->config);
    free(p);
}

struct plan *plan_ref(struct plan *p)
{
    refs_get(&p->refs);
    return p;
}

void plan_unref(struct plan **pp)
{
    struct plan *p = *pp;

    *pp = NULL;
    if (p == NULL || !refs_put(&p->refs))
        return;
    if (p->bury != NULL)
        p->bury(p);
    else
        plan_free(p);
}
