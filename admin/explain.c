/* admin/explain.c - what becomes of a request, and why.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Asks what requests are put to, and in their order: the form of the target, paths of our own, the router, the policies of
 * the route, its service and that one's targets. Nothing is sent and nothing counted; what policies would do is not
 * known, only which come when. */
#include "admin/explain.h"

#include "admin/services.h"
#include "base/jsonw.h"
#include "http/method.h"
#include "http/uri.h"
#include "proxy/named.h"
#include "proxy/plan.h"
#include "proxy/reserved.h"

struct explaining {
    struct jsonw *j;
    const struct plan *plan;
    const struct discovery_status *known;
    const struct explain_question *q;
    struct arena *arena;
    const struct listener_conf *listener;
    struct uri uri;
    struct sc_str host;                 /* with its port */
    struct route_request request;
    struct route_found found;
};

/* ---- the request ---- */

static const struct listener_conf *find_listener(struct explaining *e)
{
    const struct sc_list *all = &e->plan->config->listeners;

    for (unsigned i = 0; i < all->n; i++) {
        const struct listener_conf *l = (const struct listener_conf *)all->at + i;

        if (e->q->listener.n == 0 || str_eq(e->q->listener, str_of(l->name))) {
            e->request.listener = i;
            return l;
        }
    }
    return NULL;
}

/* NULL, or why it would be refused whatever the routes are. */
static const char *read_request(struct explaining *e)
{
    const struct header *host = e->q->headers == NULL ? NULL : headers_first(e->q->headers, HDR_HOST);
    struct uri_options options;
    const char *wrong;
    uint16_t port;

    e->listener = find_listener(e);
    if (e->listener == NULL)
        return "there is no listener of this name";
    options = listener_uri(e->listener);
    if (!http_is_token(e->q->method))
        return "the method is no token";
    wrong = uri_parse(&e->uri, e->q->url, &options, e->arena);
    if (wrong != NULL)
        return wrong;
    e->host = e->uri.authority.n > 0 ? e->uri.authority : host == NULL ? STR_NONE : host->value;
    if (e->host.n > 0 && !uri_is_authority(e->host))
        return "the Host is not a name or address";
    e->request = (struct route_request){ e->q->method, e->host.n == 0 ? STR_NONE : uri_host(e->host, &port), e->uri.path,
                                         e->uri.query, e->q->headers, e->request.listener };
    return NULL;
}

static void put_request(struct explaining *e)
{
    jsonw_uint(e->j, "generation", e->plan->config->generation);
    jsonw_str(e->j, "method", e->q->method);
    jsonw_text(e->j, "listener", e->listener == NULL ? NULL : e->listener->name);
    jsonw_str(e->j, "host", e->request.host);
    jsonw_str(e->j, "path", e->uri.path);
    jsonw_str(e->j, "query", e->uri.query);
}

/* ---- what becomes of it ---- */

static void put_refusal(struct explaining *e, enum err why, const char *detail)
{
    const struct problem *p = problem_of(why);

    jsonw_text(e->j, "outcome", "refused");
    jsonw_uint(e->j, "status", p->status);
    jsonw_str(e->j, "code", p->code);
    if (detail == NULL)
        jsonw_str(e->j, "reason", p->title);
    else
        jsonw_text(e->j, "reason", detail);
}

static const char *why_text(struct explaining *e, const struct route_verdict *v, bool taken)
{
    switch (v->why) {
    case ROUTE_FITS:
        return taken ? "taken" : "matches, but another route goes before it";
    case ROUTE_LISTENER:
        return "another listener";
    case ROUTE_HOST:
        return "another host";
    case ROUTE_PATH:
        return "another path";
    case ROUTE_HEADER:
        return arena_printf(e->arena, "its condition on header %.*s", STR_ARG(v->name));
    case ROUTE_QUERY:
        return arena_printf(e->arena, "its condition on parameter %.*s", STR_ARG(v->name));
    case ROUTE_METHOD:
        return "another method";
    }
    return NULL;
}

static void put_routes(struct explaining *e)
{
    struct route_verdict *all = arena_zero(e->arena, (e->plan->nroutes + 1) * sizeof *all);

    router_explain(e->plan->router, &e->request, e->arena, all);
    jsonw_array(e->j, "routes");
    for (unsigned i = 0; i < e->plan->nroutes; i++) {
        jsonw_object(e->j, NULL);
        jsonw_str(e->j, "name", e->plan->routes[i].name);
        jsonw_bool(e->j, "matches", all[i].why == ROUTE_FITS);
        jsonw_text(e->j, "why", why_text(e, &all[i], e->found.rule == (int)i));
        jsonw_close(e->j);
    }
    jsonw_close(e->j);
}

/* ---- the route ---- */

static void put_policies(struct explaining *e, const struct chain *c)
{
    jsonw_array(e->j, "policies");
    for (unsigned i = 0; i < chain_length(c); i++) {
        const struct policy_instance *p = chain_policy(c, i);

        jsonw_object(e->j, NULL);
        jsonw_text(e->j, "name", p->policy->name);
        if (p->id != NULL && p->id[0] != '\0')
            jsonw_text(e->j, "id", p->id);
        jsonw_uint(e->j, "rank", p->rank);
        jsonw_close(e->j);
    }
    jsonw_close(e->j);
}

static void put_params(struct explaining *e)
{
    jsonw_object(e->j, "params");
    for (unsigned i = 0; i < e->found.nparams; i++)
        jsonw_str(e->j, arena_dupz(e->arena, e->found.params[i].name), e->found.params[i].value);
    jsonw_close(e->j);
}

/* The name in the path, where the route has it there; NULL: it is none that the route allows. */
static const char *named_in_path(struct explaining *e, const struct route_conf *r)
{
    struct sc_str want = str_of(r->service);
    char key[NAMED_KEY_MAX];

    want = (struct sc_str){ want.p + 1, want.n - 2 };
    for (unsigned i = 0; i < e->found.nparams; i++) {
        struct sc_str value = e->found.params[i].value;

        if (str_eq(e->found.params[i].name, want) && named_is_name(value) && named_allows(r, arena_dupz(e->arena, value)))
            return arena_dupz(e->arena, named_key(key, value, r->registry));
    }
    return NULL;
}

static void put_service(struct explaining *e, const char *name)
{
    const struct service_status *s = e->known == NULL ? NULL : discovery_status_find(e->known, str_of(name));

    jsonw_text(e->j, "service", name);
    if (s == NULL) {
        jsonw_null(e->j, "discovery");
        return;
    }
    jsonw_object(e->j, "discovery");
    services_put(e->j, s, clock_mono_ms());
    jsonw_close(e->j);
}

static void put_route(struct explaining *e)
{
    const struct plan_route *r = &e->plan->routes[e->found.rule];
    const char *service = r->conf->naming == NULL ? r->conf->service : named_in_path(e, r->conf);

    if (service == NULL)
        put_refusal(e, ERR_NO_ROUTE, "the path names no service that the route allows");
    else
        jsonw_text(e->j, "outcome", "forwarded");
    jsonw_str(e->j, "route", r->name);
    put_params(e);
    put_policies(e, r->chain);
    jsonw_str(e->j, "target_path",
              r->rewrites ? rewrite_apply(&r->conf->rewrite, e->uri.path, &e->found, e->arena) : e->uri.path);
    if (service != NULL)
        put_service(e, service);
}

/* ---- everything ---- */

static void put_own(struct explaining *e, const char *why)
{
    jsonw_text(e->j, "outcome", "own");
    jsonw_text(e->j, "reason", why);
}

/* What does not get as far as the routes. */
static bool put_unrouted(struct explaining *e)
{
    enum method m = method_id(e->q->method);

    if (e->uri.form == URI_ASTERISK && m != METHOD_OPTIONS)
        put_refusal(e, ERR_BAD_REQUEST, "only OPTIONS may ask for \"*\"");
    else if (m == METHOD_CONNECT)
        put_refusal(e, ERR_NOT_IMPLEMENTED, "the sidecar does not pass on CONNECT");
    else if (m == METHOD_TRACE)
        put_refusal(e, ERR_METHOD_NOT_ALLOWED, "the sidecar does not pass on TRACE");
    else if (e->uri.https && e->listener->peers != PEERS_TRUSTED)
        put_refusal(e, ERR_MISDIRECTED_REQUEST, "an https target on a connection without TLS");
    else if (e->uri.form == URI_ASTERISK || (e->uri.no_path && m == METHOD_OPTIONS))
        put_own(e, "the sidecar answers OPTIONS * for itself");
    else if (e->plan->reserved == NULL || !reserved_has(e->plan->reserved, e->uri.path))
        return false;
    else if (m == METHOD_GET || m == METHOD_HEAD)
        put_own(e, "the path is the sidecar's own (`admin.public`)");
    else
        put_refusal(e, ERR_METHOD_NOT_ALLOWED, "the path is the sidecar's own (`admin.public`), for GET and HEAD");
    return true;
}

static void put_found(struct explaining *e)
{
    if (put_unrouted(e))
        return;
    if (router_find(e->plan->router, &e->request, &e->found))
        put_route(e);
    else
        put_refusal(e, e->found.status == 405 ? ERR_METHOD_NOT_ALLOWED : ERR_NO_ROUTE, NULL);
    put_routes(e);
}

void explain_put(struct jsonw *j, const struct plan *p, const struct discovery_status *known,
                 const struct explain_question *q, struct arena *arena)
{
    struct explaining e = { .j = j, .plan = p, .known = known, .q = q, .arena = arena };
    const char *wrong = read_request(&e);

    jsonw_object(j, NULL);
    put_request(&e);
    if (wrong != NULL)
        put_refusal(&e, ERR_BAD_REQUEST, wrong);
    else
        put_found(&e);
    jsonw_close(j);
}

bool explain_add_header(struct headers *h, struct sc_str name, struct sc_str value)
{
    value = str_trim(value);
    if (!http_is_token(name) || !http_is_value(value))
        return false;
    headers_add(h, name, value);
    return true;
}

/* ---- the page ---- */

/* Each header=NAME:VALUE of the query. False: one is none. */
static bool read_headers(const struct admin_request *r, struct headers *h)
{
    struct sc_str rest = r->query, name, value;

    while (uri_query_next(&rest, &name, &value)) {
        const char *colon;

        if (!str_eq(name, STR("header")))
            continue;
        value = uri_decode(value, true, r->arena);
        colon = str_chr(value, ':');
        if (colon == NULL || !explain_add_header(h, str_range(value.p, colon), str_range(colon + 1, value.p + value.n)))
            return false;
    }
    return true;
}

void explain_page(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a)
{
    struct explain_question q = { page_query(r, STR("listener")), page_query(r, STR("method")), page_query(r, STR("url")),
                                  NULL };
    struct plan *p = state->plan == NULL ? NULL : state->plan(state->arg);
    struct discovery_status *known = services_status(state);
    struct jsonw j = JSONW_INIT(&a->body);
    struct headers h;

    (void)name;
    headers_init(&h, r->arena, NULL, 0);
    q.headers = &h;
    if (p == NULL)
        page_problem(a, ERR_OVERLOADED, STR("no configuration is in force yet"));
    else if (q.url.n == 0 || q.method.n == 0)
        page_problem(a, ERR_BAD_REQUEST, STR("`method` and `url` are needed"));
    else if (!read_headers(r, &h))
        page_problem(a, ERR_BAD_REQUEST, STR("a `header` is NAME:VALUE"));
    else
        explain_put(&j, p, known, &q, r->arena);
    if (known != NULL)
        discovery_status_unref(&known);
    plan_unref(&p);
}
