/* sidecar/proxy/flow.c - the one place that decides what comes next.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The life of a request:
 *
 *   client          downstream.c              flow.c                upstream.c            target
 *     | head  --------> first call ------> ROUTE -> ADMIT
 *     |                                              |  policies, by rank
 *     |                                           ATTEMPT ----------> start ------------> | head
 *     | body  --------> body calls ------> flow_body ---------------> push -------------> | body
 *     |                 final call ------> flow_body_end -----------> end  -------------> |
 *     |                 (parked)            AWAIT                      .                  |
 *     |                                       | <-- FACT_HEAD --------- head complete <-- | head
 *     |                                    RESPOND   policies, in reverse                 |
 *     | <------------- queue <------------ DELIVER                                        |
 *     | <------------- on_wanted <------------------------------------ read <------------ | body
 *     |                completed --------> FINISH    done hooks, log line
 *
 * Decisions and bytes are kept apart: callbacks record a fact and call flow_run(), and only here is decided what comes
 * next; bytes of bodies go from source to sink without passing here.
 *
 * The other days: a policy answers (ADMIT -> RESPOND); no route, no target (-> RESPOND with an answer of our own); a try
 * fails before its head (AWAIT -> ATTEMPT or RESPOND); a deadline (-> RESPOND 504); the client goes while we wait (->
 * the try is cancelled, the library is told, FINISH); the target answers early (DELIVER waits for the library, which
 * waits for the body). */
#include "proxy/flow.h"

#include "base/log.h"
#include "proxy/attempt.h"
#include "proxy/downstream.h"
#include "proxy/forward.h"
#include "proxy/limit.h"
#include "proxy/record.h"
#include "proxy/reply.h"
#include "proxy/upstream.h"
#include "proxy/view.h"

#include <assert.h>
#include <stdlib.h>

enum flow_next { FLOW_MORE, FLOW_PARK };

const char *flow_step_name(enum flow_step s)
{
    static const char *const names[] = {
#define FLOW_NAME(id, fn, doc) #fn,
        FLOW_STEPS(FLOW_NAME)
#undef FLOW_NAME
    };

    return names[s];
}

static enum flow_next go(struct sc_exchange *x, enum flow_step s)
{
    x->step = s;
    return FLOW_MORE;
}

static enum flow_next park(struct sc_exchange *x, enum flow_step s)
{
    x->step = s;
    return FLOW_PARK;
}

static bool take(struct sc_exchange *x, unsigned fact)
{
    bool had = (x->facts & fact) != 0;

    x->facts &= ~fact;
    return had;
}

/* ---- deadlines ---- */

static void on_timer(struct timer *t);

static void sooner(sc_msec *at, enum deadline *which, sc_msec other, enum deadline d)
{
    if (other != 0 && (*at == 0 || other < *at)) {
        *at = other;
        *which = d;
    }
}

/* The timer is lazy: it may fire early, and is then set anew. */
static void arm(struct sc_exchange *x)
{
    struct loop *l = x->worker->loop;
    enum deadline which = DEADLINE_NONE;
    sc_msec at = 0, now = loop_now(l);

    if (x->step >= FLOW_DELIVER) {
        sooner(&at, &which, x->stamp + x->route->timeout.idle_stream, DEADLINE_IDLE);
    } else {
        if (x->paused_since == 0)
            sooner(&at, &which, x->total_at, DEADLINE_TOTAL);
        sooner(&at, &which, x->try_at, DEADLINE_TRY);
        sooner(&at, &which, x->response_at, DEADLINE_RESPONSE);
    }
    if (at == 0)
        return;
    x->deadline = which;
    if (!x->timer.pending || x->timer.at > at)
        timer_start(l, &x->timer, at - now);
}

static void on_timer(struct timer *t)
{
    struct sc_exchange *x = list_entry(t, struct sc_exchange, timer);
    sc_msec now = loop_now(x->worker->loop);
    bool due;

    if (x->step >= FLOW_DELIVER)
        due = x->stamp + x->route->timeout.idle_stream <= now;
    else
        due = (x->paused_since == 0 && x->total_at != 0 && x->total_at <= now) ||
              (x->try_at != 0 && x->try_at <= now) || (x->response_at != 0 && x->response_at <= now);
    if (!due) {
        arm(x);
        return;
    }
    if (x->step >= FLOW_DELIVER)
        x->deadline = DEADLINE_IDLE;
    else if (x->paused_since == 0 && x->total_at != 0 && x->total_at <= now)
        x->deadline = DEADLINE_TOTAL;
    else if (x->try_at != 0 && x->try_at <= now)
        x->deadline = DEADLINE_TRY;
    else
        x->deadline = DEADLINE_RESPONSE;
    x->facts |= FACT_DEADLINE;
    flow_run(x);
}

/* Time that the client takes to send its body is not counted in the total, unless it is us who do not take it. */
static void pause_total(struct sc_exchange *x)
{
    if (x->paused_since == 0)
        x->paused_since = loop_now(x->worker->loop);
}

static void resume_total(struct sc_exchange *x)
{
    if (x->paused_since == 0)
        return;
    if (x->total_at != 0)
        x->total_at += loop_now(x->worker->loop) - x->paused_since;
    x->paused_since = 0;
    if (x->route != NULL && x->step < FLOW_DELIVER)
        arm(x);
}

static void hook_request(struct sc_exchange *x);
static void hook_response(struct sc_exchange *x);

/* ---- steps ---- */

void flow_fail(struct sc_exchange *x, enum err e, const char *detail)
{
    upstream_cancel(x);
    attempt_drop(x);
    limit_leave(x);
    reply_error(x, e, detail);
    x->step = FLOW_RESPOND;
}

static enum flow_next fail(struct sc_exchange *x, enum err e, const char *detail)
{
    flow_fail(x, e, detail);
    return FLOW_MORE;
}

static const char *read_target(struct sc_exchange *x)
{
    const struct header *host = headers_first(&x->headers, HDR_HOST);
    const char *wrong = uri_parse(&x->req.uri, x->req.target, &x->listener->uri, &x->arena);

    if (wrong != NULL)
        return wrong;
    if (x->req.uri.form == URI_ASTERISK && x->req.method != METHOD_OPTIONS)
        return "only OPTIONS may ask for \"*\"";
    if (x->req.uri.no_path && x->req.method == METHOD_OPTIONS)
        x->req.uri.path = STR("*");
    /* The authority of an absolute form replaces a Host that differs (RFC 9112 3.2.2). */
    x->req.host = x->req.uri.authority.n > 0 ? x->req.uri.authority : host != NULL ? host->value : STR_NONE;
    if (x->req.host.n > 0 && !uri_is_authority(x->req.host))
        return "the Host is not a name or address";
    if (x->req.host.n == 0 && x->req.minor > 0 && host == NULL)
        return "no Host";
    return NULL;
}

/* Without the seam nobody stood before the library's parser: what can still be seen is checked now. */
static unsigned check_late(const struct sc_exchange *x)
{
    const struct framing_limits *limits = &x->listener->limits.framing;
    size_t n = x->req.method_name.n + x->req.target.n + sizeof " HTTP/1.1\r\n\r\n";

    if (x->req.target.n > limits->target_max)
        return 414;
    for (unsigned i = 0; i < x->headers.n; i++)
        n += x->headers.at[i].name.n + x->headers.at[i].value.n + sizeof ": \r\n" - 1;
    if (n > limits->head_max || x->headers.n > limits->fields_max)
        return 431;
    return framing_check_parsed(x->req.method_name, x->req.target, x->req.minor != 0 ? STR("HTTP/1.1") : STR("HTTP/1.0"),
                                &x->headers);
}

static enum flow_next route(struct sc_exchange *x)
{
    const struct plan *plan = exchange_plan(x);
    struct route_request q;
    const char *wrong;
    unsigned status = 0;
    uint16_t port;

    if (!pump_has_seam())
        status = check_late(x);
    if (status != 0) {
        x->down.close = true;
        return fail(x, problem_of_verdict(status), NULL);
    }
    wrong = read_target(x);
    if (wrong != NULL)
        return fail(x, ERR_BAD_REQUEST, wrong);
    if (x->req.method == METHOD_CONNECT || x->req.method == METHOD_TRACE)
        return fail(x, x->req.method == METHOD_CONNECT ? ERR_NOT_IMPLEMENTED : ERR_METHOD_NOT_ALLOWED,
                    "the sidecar passes on neither TRACE nor CONNECT");
    q = (struct route_request){ x->req.method_name, uri_host(x->req.host, &port), x->req.uri.path, x->req.uri.query,
                                &x->headers, x->listener->index };
    if (!router_find(plan->router, &q, &x->found))
        return fail(x, x->found.status == 405 ? ERR_METHOD_NOT_ALLOWED : ERR_NO_ROUTE, NULL);
    x->route = &plan->routes[x->found.rule];
    x->service = x->route->service;
    x->total_at = loop_now(x->worker->loop) + x->route->timeout.total;
    if (x->req.has_body)
        pause_total(x);
    forward_identify(x);
    forward_prepare(x);
    chain_start(&x->chain, x->route->chain, x, x->worker->index, &x->arena);
    x->started = true;
    return go(x, FLOW_ADMIT);
}

static enum flow_next by_verdict(struct sc_exchange *x, enum sc_verdict v, enum flow_step next)
{
    switch (v) {
    case SC_CONTINUE:
        return go(x, next);
    case SC_RESPOND:
        upstream_cancel(x);
        attempt_drop(x);
        return go(x, FLOW_RESPOND);
    case SC_SUSPEND:
        return FLOW_PARK;
    default:
        x->aborted = true;
        upstream_cancel(x);
        attempt_drop(x);
        downstream_abort(x);
        return park(x, FLOW_FINISH);
    }
}

static enum flow_next admit(struct sc_exchange *x)
{
    bool replaced = false;
    enum sc_verdict v;

    if ((x->facts & FACT_DEADLINE) != 0) {
        chain_cancel(&x->chain);
        x->facts &= ~(unsigned)FACT_DEADLINE;
        return fail(x, ERR_UPSTREAM_TIMEOUT, "a policy took longer than the total time of the route");
    }
    if (take(x, FACT_RESUMED))
        v = chain_resume(&x->chain, x->resumed, &replaced);
    else if (x->chain.waits_for != 0)
        return FLOW_PARK;
    else
        v = chain_request(&x->chain);
    if (v == SC_SUSPEND)
        arm(x);
    if (v != SC_CONTINUE)
        return by_verdict(x, v, FLOW_ATTEMPT);
    x->req_hooked = x->req.has_body && chain_has_body(&x->chain, CHAIN_REQUEST_BODY);
    if (x->req_hooked)
        hook_request(x);
    return go(x, FLOW_ATTEMPT);
}

static void on_backoff(struct timer *t)
{
    flow_run(list_entry(t, struct sc_exchange, tries.backoff));
}

enum { ROOM_MS = 2 };                   /* how soon to look again */

/* The service has all its connections, and the idle ones among them are another worker's. */
static enum flow_next wait_for_room(struct sc_exchange *x)
{
    worker_ask_for_room(x->worker, x->service->counts);
    attempt_drop(x);
    x->tries.n--;
    x->tries.backoff.fn = on_backoff;
    timer_start(x->worker->loop, &x->tries.backoff, ROOM_MS);
    arm(x);
    return park(x, FLOW_ATTEMPT);
}

/* A connection that was promised and will not be opened. */
static void give_room_back(struct sc_exchange *x)
{
    if (x->up.room == POOL_COUNTED)
        pool_uncount(x->service);
    x->up.room = POOL_FULL;
}

/* The attempt hooks have spoken: off it goes. */
static enum flow_next send_attempt(struct sc_exchange *x, enum sc_verdict v)
{
    struct sc_worker *w = x->worker;
    const struct retry_conf *retry = &x->service->conf->retry;
    ssize_t n;

    if (v == SC_SUSPEND) {
        arm(x);
        return FLOW_PARK;
    }
    if (v != SC_CONTINUE) {
        give_room_back(x);
        return by_verdict(x, v, FLOW_AWAIT);
    }
    n = forward_write(x, x->up.target, w->scratch, WORKER_SCRATCH);
    if (n <= 0) {
        give_room_back(x);
        return fail(x, n == 0 ? ERR_HEADER_TOO_LARGE : ERR_BAD_REQUEST, "the head cannot be sent on as it is");
    }
    x->step = FLOW_AWAIT;
    x->try_at = retry->per_try_timeout > 0 ? loop_now(w->loop) + retry->per_try_timeout : 0;
    x->response_at = x->req.has_body && !x->down.whole ? 0 : loop_now(w->loop) + x->route->timeout.response;
    upstream_start(x, x->up.target, w->scratch, (size_t)n);
    arm(x);
    return FLOW_MORE;
}

static enum flow_next attempt(struct sc_exchange *x)
{
    struct target *t;
    bool replaced;

    if ((x->facts & FACT_DEADLINE) != 0) {              /* while waiting for a policy, a place, or between two tries */
        chain_cancel(&x->chain);
        give_room_back(x);
        return go(x, FLOW_AWAIT);
    }
    if (take(x, FACT_RESUMED))
        return send_attempt(x, chain_resume(&x->chain, x->resumed, &replaced));
    if (x->tries.backoff.pending || x->chain.waits_for != 0)
        return FLOW_PARK;
    switch (limit_enter(x)) {
    case LIMIT_PASS:
        break;
    case LIMIT_WAIT:
        arm(x);
        return FLOW_PARK;
    case LIMIT_FULL:
        return fail(x, ERR_OVERLOADED, "the service has as many requests in flight and waiting as it may");
    case LIMIT_LATE:
        return fail(x, ERR_QUEUE_TIMEOUT, "the service had no place for the request in time");
    }
    t = attempt_pick(x);
    if (t == NULL)
        return fail(x, ERR_NO_TARGET, x->tries.set->n == 0 ? "the service has no targets"
                                                           : "no target of the service may be used now");
    x->up.room = pool_reserve(x->worker->pool, x->service, t);
    if (x->up.room == POOL_FULL)
        return wait_for_room(x);
    if (x->tries.n == 1) {
        exchange_local(x)->retry_balance += x->service->conf->retry.budget.ratio;
        downstream_go_on(x);
    }
    return send_attempt(x, chain_attempt(&x->chain));
}

static enum flow_next try_again(struct sc_exchange *x)
{
    sc_msec wait = attempt_backoff(x);

    upstream_cancel(x);
    attempt_drop(x);
    x->try_at = x->response_at = 0;
    if (wait == 0)
        return go(x, FLOW_ATTEMPT);
    x->tries.backoff.fn = on_backoff;
    timer_start(x->worker->loop, &x->tries.backoff, wait);
    return park(x, FLOW_ATTEMPT);
}

static enum flow_next try_failed(struct sc_exchange *x)
{
    enum err e = x->up.error;
    const char *detail = x->up.detail;

    if (attempt_again(x, x->up.failure))
        return try_again(x);
    return fail(x, e, detail);
}

static enum flow_next deadline_passed(struct sc_exchange *x)
{
    bool connecting = x->up.conn != NULL && !x->up.conn->connected;
    enum deadline d = x->deadline;

    timer_stop(&x->tries.backoff);
    upstream_cancel(x);
    x->up.failure = FAIL_TIMEOUT;
    x->up.error = connecting ? ERR_CONNECT_TIMEOUT : ERR_UPSTREAM_TIMEOUT;
    x->up.detail = d == DEADLINE_TOTAL ? "the total time of the request is over"
                 : connecting ? "the connection was not there in time" : "no answer in time";
    if (d != DEADLINE_TOTAL && attempt_again(x, connecting ? FAIL_CONNECT : FAIL_TIMEOUT))
        return try_again(x);
    return fail(x, x->up.error, x->up.detail);
}

static enum flow_next await(struct sc_exchange *x)
{
    struct hop hop;

    if (take(x, FACT_DEADLINE))
        return deadline_passed(x);
    if (take(x, FACT_FAILED))
        return try_failed(x);
    if (!take(x, FACT_HEAD))
        return FLOW_PARK;
    if (attempt_again_on_status(x))
        return try_again(x);
    x->res.own = false;
    x->res.status = x->response.status;
    hop_strip(&x->response.headers, &hop);
    return go(x, FLOW_RESPOND);
}

static enum flow_next respond(struct sc_exchange *x)
{
    bool replaced = false;
    enum sc_verdict v = SC_CONTINUE;

    if (x->res.own && (x->facts & FACT_RESUMED) == 0 && !x->res.ready)
        reply_render(x);
    if (take(x, FACT_RESUMED))
        v = chain_resume(&x->chain, x->resumed, &replaced);
    else if (x->started)
        v = chain_response(&x->chain, &replaced);
    if (replaced) {
        upstream_cancel(x);
        attempt_drop(x);
    }
    return by_verdict(x, v, FLOW_DELIVER);
}

static enum flow_next deliver(struct sc_exchange *x)
{
    if (!x->res.ready) {
        x->res.ready = true;
        x->stamp = loop_now(x->worker->loop);
        x->res.head_only = x->req.method == METHOD_HEAD || x->res.status == 304 || x->res.status == 204;
        x->try_at = x->response_at = 0;
        x->facts &= ~(unsigned)(FACT_DEADLINE | FACT_FAILED);
        if (!x->res.own && !x->res.head_only && x->started && chain_has_body(&x->chain, CHAIN_RESPONSE_BODY))
            hook_response(x);
        downstream_answer(x);
        return FLOW_PARK;
    }
    if (take(x, FACT_DEADLINE))
        downstream_break(x);
    return FLOW_PARK;
}

static enum flow_next finish(struct sc_exchange *x)
{
    if (!take(x, FACT_OVER))
        return FLOW_PARK;
    timer_stop(&x->timer);
    timer_stop(&x->tries.backoff);
    upstream_cancel(x);
    attempt_drop(x);
    limit_leave(x);
    record_exchange(x);
    if (x->req_queue != NULL)
        body_fini(x->req_queue);
    if (x->res_queue != NULL)
        body_fini(x->res_queue);
    x->holds &= ~(unsigned)HOLD_DOWN;
    return FLOW_PARK;
}

/* ---- running ---- */

static enum flow_next (*const steps[])(struct sc_exchange *) = {
#define FLOW_FN(id, fn, doc) fn,
    FLOW_STEPS(FLOW_FN)
#undef FLOW_FN
};

/* The client is gone: the try ends, the policy that waits is told, and the library shall notice. */
static void client_gone(struct sc_exchange *x)
{
    timer_stop(&x->tries.backoff);
    upstream_cancel(x);
    attempt_drop(x);
    limit_leave(x);
    give_room_back(x);
    if (x->started)
        chain_cancel(&x->chain);
    x->step = FLOW_FINISH;
    downstream_abort(x);
}

void flow_run(struct sc_exchange *x)
{
    if (x->running)
        return;
    x->running = true;
    do {
        if ((x->facts & (FACT_GONE | FACT_OVER)) == FACT_GONE && x->step != FLOW_FINISH)
            client_gone(x);
        if ((x->facts & FACT_OVER) != 0 && x->step != FLOW_FINISH) {
            give_room_back(x);
            if (x->started)
                chain_cancel(&x->chain);
            x->step = FLOW_FINISH;
        }
    } while (steps[x->step](x) == FLOW_MORE);
    x->running = false;
    if (x->holds == 0)
        exchange_free(x);
}

void flow_begin(struct sc_exchange *x)
{
    struct sc_worker *w = x->worker;

    x->view = view_ref(w->view);
    x->listener = &exchange_plan(x)->listeners[pump_position(x->client->pump)];
    x->began_us = loop_now_ns(w->loop) / 1000;
    x->began_wall = worker_wall(w);
    x->timer.fn = on_timer;
    x->step = FLOW_ROUTE;
    flow_run(x);
}

/* ---- bodies ---- */

static bool to_request_queue(void *arg, struct sc_str data, bool last)
{
    struct sc_exchange *x = arg;

    if (body_push(x->req_queue, data.p, data.n) < data.n)
        return false;
    if (last)
        body_end(x->req_queue);
    return true;
}

enum { HOOK_QUEUE = 256 * 1024 };       /* what body hooks may pile up before the body counts as broken */

static struct body *new_queue(struct sc_exchange *x)
{
    struct body *b = arena_zero(&x->arena, sizeof *b);

    body_init(b, HOOK_QUEUE);
    return b;
}

static void hook_request(struct sc_exchange *x)
{
    x->req_queue = new_queue(x);
    chain_body_open(&x->chain, CHAIN_REQUEST_BODY, to_request_queue, x, &x->arena);
}

static void hook_response(struct sc_exchange *x)
{
    x->res_hooked = true;
    x->res_queue = new_queue(x);
    downstream_open_hooks(x);
}

/* What the hooks have given goes on, as far as the target takes it. */
static void drain_request_queue(struct sc_exchange *x)
{
    for (;;) {
        struct sc_str run = body_peek(x->req_queue);
        size_t n;

        if (run.n == 0)
            break;
        n = upstream_push(x, run.p, run.n);
        body_pull(x->req_queue, n);
        if (n < run.n)
            return;
    }
    if (body_is_done(x->req_queue) && x->down.whole)
        upstream_end(x);
}

size_t flow_body(struct sc_exchange *x, const char *p, size_t n)
{
    size_t taken;

    if (x->step == FLOW_AWAIT && x->up.conn != NULL) {
        if (x->req_hooked) {
            if (x->req_queue->n > 0) {
                x->up.blocked = true;
                taken = 0;
            } else if (chain_body_write(&x->chain, CHAIN_REQUEST_BODY, (struct sc_str){ p, n }, false)) {
                taken = n;
                x->tries.lost = true;
                drain_request_queue(x);
            } else {
                flow_fail(x, ERR_BAD_REQUEST, "a policy refused the body");
                flow_run(x);
                return n;
            }
        } else {
            taken = upstream_takes(x) ? n : 0;
            if (taken > 0) {            /* kept first: should the try break now, the next one begins with it */
                attempt_keep_body(x, p, n);
                upstream_push(x, p, n);
            }
        }
    } else {
        taken = 0;                      /* between two tries */
        x->up.blocked = true;
    }
    x->req.received += taken;
    if (taken < n)
        resume_total(x);
    return taken;
}

void flow_body_room(struct sc_exchange *x)
{
    if (x->req_hooked && x->req_queue->n > 0) {
        drain_request_queue(x);
        if (x->req_queue->n > 0)
            return;
    }
    if (!x->down.whole)
        pause_total(x);
    downstream_room(x);
}

void flow_body_end(struct sc_exchange *x)
{
    if (!x->req.has_body) {
        flow_run(x);
        return;
    }
    resume_total(x);
    if (x->step == FLOW_AWAIT) {
        x->response_at = loop_now(x->worker->loop) + x->route->timeout.response;
        if (x->req_hooked) {
            if (chain_body_write(&x->chain, CHAIN_REQUEST_BODY, STR_NONE, true))
                drain_request_queue(x);
            else
                flow_fail(x, ERR_BAD_REQUEST, "a policy refused the body");
        } else {
            upstream_end(x);
        }
        if (x->step == FLOW_AWAIT)
            arm(x);
    }
    flow_run(x);
}

void flow_connected(struct sc_exchange *x)
{
    if (x->req.has_body && !x->down.whole)
        return;
    x->response_at = loop_now(x->worker->loop) + x->route->timeout.response;
}

void flow_body_ready(struct sc_exchange *x)
{
    downstream_more(x);
}

void flow_streaming(struct sc_exchange *x)
{
    if (x->route == NULL)
        return;
    x->stamp = loop_now(x->worker->loop);
    timer_stop(&x->timer);
    arm(x);
}

void flow_over(struct sc_exchange *x, bool clean)
{
    if (!clean || (x->down.queued && !x->down.finished))
        x->down.broken = true;
    x->facts |= FACT_OVER;
    flow_run(x);
}
