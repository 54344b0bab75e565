/* sidecar/proxy/api.c - the calls that policies make.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/api.h"

#include "base/alloc.h"
#include "base/log.h"
#include "proxy/flow.h"
#include "proxy/reply.h"
#include "proxy/view.h"

#include <stdio.h>
#include <stdlib.h>

struct sc_timer {
    struct timer timer;
    struct sc_exchange *x;
    struct sc_timer *next;
    void (*fn)(struct sc_exchange *x, void *arg);
    void *arg;
};

/* ---- the request ---- */

struct sc_str sc_method(const struct sc_exchange *x)
{
    return x->req.method_name;
}

struct sc_str sc_scheme(const struct sc_exchange *x)
{
    (void)x;
    return STR("http");
}

struct sc_str sc_host(const struct sc_exchange *x)
{
    return x->req.host;
}

struct sc_str sc_path(const struct sc_exchange *x)
{
    return x->req.uri.path;
}

struct sc_str sc_query(const struct sc_exchange *x)
{
    return x->req.uri.query;
}

struct sc_str sc_client_ip(const struct sc_exchange *x)
{
    return x->req.client_ip;
}

bool sc_peer_is_trusted(const struct sc_exchange *x)
{
    return x->req.trusted;
}

struct sc_str sc_route(const struct sc_exchange *x)
{
    return x->route == NULL ? STR_NONE : x->route->name;
}

struct sc_str sc_service(const struct sc_exchange *x)
{
    return x->service == NULL ? STR_NONE : x->service == x->route->service && x->naming.name.n > 0 ? x->naming.name
                                                                                                    : x->service->name;
}

/* ---- fields ---- */

static bool nth(const struct headers *list, const char *name, unsigned n, struct sc_str *value)
{
    const struct header *h = headers_find(list, str_of(name));

    for (; h != NULL && n > 0; n--)
        h = headers_find_next(list, h, str_of(name));
    if (h != NULL)
        *value = h->value;
    return h != NULL;
}

/* The proxy's own: policies may read them, and change none. */
static bool is_ours(struct sc_str name)
{
    switch (hdr_id(name.p, name.n)) {
    case HDR_HOST:
    case HDR_CONNECTION:
    case HDR_KEEP_ALIVE:
    case HDR_CONTENT_LENGTH:
    case HDR_TRANSFER_ENCODING:
    case HDR_TE:
    case HDR_TRAILER:
    case HDR_UPGRADE:
    case HDR_EXPECT:
    case HDR_VIA:
    case HDR_FORWARDED:
    case HDR_X_FORWARDED_FOR:
        return true;
    default:
        return false;
    }
}

static bool may_stand(struct sc_str name, struct sc_str value)
{
    return http_is_token(name) && http_is_value(value) && !is_ours(name);
}

static bool set(struct sc_exchange *x, struct headers *list, const char *name, struct sc_str value)
{
    struct sc_str n = str_of(name);

    if (!may_stand(n, value))
        return false;
    headers_set_name(list, arena_dup(&x->arena, n), arena_dup(&x->arena, value));
    return true;
}

static bool add(struct sc_exchange *x, struct headers *list, const char *name, struct sc_str value)
{
    struct sc_str n = str_of(name);

    if (!may_stand(n, value))
        return false;
    headers_add(list, arena_dup(&x->arena, n), arena_dup(&x->arena, value));
    return true;
}

bool sc_request_header_nth(const struct sc_exchange *x, const char *name, unsigned n, struct sc_str *value)
{
    return nth(&x->headers, name, n, value);
}

bool sc_set_request_header(struct sc_exchange *x, const char *name, struct sc_str value)
{
    return set(x, &x->out, name, value);
}

bool sc_add_request_header(struct sc_exchange *x, const char *name, struct sc_str value)
{
    return add(x, &x->out, name, value);
}

void sc_remove_request_header(struct sc_exchange *x, const char *name)
{
    if (!is_ours(str_of(name)))
        headers_remove_name(&x->out, str_of(name));
}

unsigned sc_status(const struct sc_exchange *x)
{
    return x->res.status;
}

bool sc_response_header_nth(const struct sc_exchange *x, const char *name, unsigned n, struct sc_str *value)
{
    return nth(&x->response.headers, name, n, value);
}

bool sc_set_response_header(struct sc_exchange *x, const char *name, struct sc_str value)
{
    return set(x, &x->response.headers, name, value);
}

bool sc_add_response_header(struct sc_exchange *x, const char *name, struct sc_str value)
{
    return add(x, &x->response.headers, name, value);
}

void sc_remove_response_header(struct sc_exchange *x, const char *name)
{
    if (!is_ours(str_of(name)))
        headers_remove_name(&x->response.headers, str_of(name));
}

/* ---- replies ---- */

void sc_reply(struct sc_exchange *x, unsigned status, const char *code, const char *detail, ...)
{
    struct buf b = BUF_INIT;
    va_list ap;

    va_start(ap, detail);
    buf_vprintf(&b, detail, ap);
    va_end(ap);
    reply_error(x, problem_find(str_of(code)), arena_dupz(&x->arena, buf_view(&b)));
    buf_fini(&b);
    x->res.code = arena_dupz(&x->arena, str_of(code));
    x->res.status = status;
    reply_render(x);
}

void sc_reply_with(struct sc_exchange *x, unsigned status, const char *content_type, struct sc_str body)
{
    reply_error(x, ERR_NONE, NULL);
    x->res.status = status;
    x->res.custom = true;
    x->res.content_type = content_type == NULL ? STR_NONE : arena_dup(&x->arena, str_of(content_type));
    x->res.body = arena_dup(&x->arena, body);
    reply_render(x);
}

void sc_resume(struct sc_exchange *x, enum sc_verdict verdict)
{
    x->resumed = verdict;
    x->facts |= FACT_RESUMED;
    flow_run(x);
}

/* ---- the rest ---- */

struct sc_str sc_request_id(const struct sc_exchange *x)
{
    return x->req.id;
}

void sc_set_request_id(struct sc_exchange *x, struct sc_str id)
{
    x->req.id = arena_dup(&x->arena, id);
}

void *sc_alloc(struct sc_exchange *x, size_t n)
{
    return arena_alloc(&x->arena, n);
}

void sc_log(struct sc_exchange *x, enum sc_level level, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    switch (level) {
    case SC_LOG_ERROR:
        log_limited(LOG_ERROR_, "route %s, request %s: %s", sc_route(x).p, log_safe(x->req.id), log_safe(str_of(text)));
        break;
    case SC_LOG_WARN:
        log_limited(LOG_WARN_, "route %s, request %s: %s", sc_route(x).p, log_safe(x->req.id), log_safe(str_of(text)));
        break;
    case SC_LOG_INFO:
        log_limited(LOG_INFO_, "route %s, request %s: %s", sc_route(x).p, log_safe(x->req.id), log_safe(str_of(text)));
        break;
    default:
        log_debug("route %s, request %s: %s", sc_route(x).p, log_safe(x->req.id), log_safe(str_of(text)));
    }
}

sc_msec sc_now(const struct sc_exchange *x)
{
    return loop_now(x->worker->loop);
}

sc_msec sc_wall(const struct sc_exchange *x)
{
    return worker_wall(x->worker);
}

/* ---- timers ---- */

static void unlink_timer(struct sc_timer *t)
{
    for (struct sc_timer **at = &t->x->timers; *at != NULL; at = &(*at)->next)
        if (*at == t) {
            *at = t->next;
            return;
        }
}

static void on_timer(struct timer *timer)
{
    struct sc_timer *t = list_entry(timer, struct sc_timer, timer);

    unlink_timer(t);
    t->fn(t->x, t->arg);
}

struct sc_timer *sc_timer_start(struct sc_exchange *x, sc_msec delay, void (*fn)(struct sc_exchange *x, void *arg),
                                void *arg)
{
    struct sc_timer *t = arena_zero(&x->arena, sizeof *t);

    t->x = x;
    t->fn = fn;
    t->arg = arg;
    t->timer.fn = on_timer;
    t->next = x->timers;
    x->timers = t;
    timer_start(x->worker->loop, &t->timer, delay);
    return t;
}

void sc_timer_cancel(struct sc_timer **tp)
{
    struct sc_timer *t = *tp;

    *tp = NULL;
    if (t == NULL)
        return;
    timer_stop(&t->timer);
    unlink_timer(t);
}

void api_stop_timers(struct sc_exchange *x)
{
    for (; x->timers != NULL; x->timers = x->timers->next)
        timer_stop(&x->timers->timer);
}

unsigned sc_worker_index(const struct sc_worker *w)
{
    return w->index;
}
