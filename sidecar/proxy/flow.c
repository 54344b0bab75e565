/* sidecar/proxy/flow.c - the one place that decides what comes next.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The life of a request:
 *
 *   client          downstream.c, answer.c    flow.c, flow_body.c   upstream.c            target
 *     | head  --------> first call ------> ROUTE -> ADMIT
 *     |                                              |  policies, by rank
 *     |                                           ATTEMPT ----------> start ------------> | head
 *     | body  --------> body calls ------> flow_body ---------------> push -------------> | body
 *     |                 final call ------> flow_body_end -----------> end  -------------> |
 *     |                 (parked)            AWAIT                      .                  |
 *     |                                       | <-- FACT_HEAD --------- head complete <-- | head
 *     |                                    RESPOND   policies, in reverse                 |
 *     | <---------- answer_queue <-------- DELIVER                                        |
 *     | <------------- on_wanted <------------------------------------ read <------------ | body
 *     |                completed --------> FINISH    done hooks, log line
 *
 *     | <---------------- tunnel.c ----- DELIVER (101) -> TUNNEL ------- tunnel.c -------> |
 *
 * Decisions and bytes are kept apart: callbacks record a fact and call flow_run(), and only here is decided what comes
 * next; bytes of bodies go from source to sink without passing here (flow_body.c has the request's, answer.c asks for the
 * answer's). deadline.c says when something has taken too long, which is one more fact.
 *
 * The other days: a policy answers (ADMIT -> RESPOND); the admin thread does (ROUTE -> RESERVED -> RESPOND); no route, no
 * target (-> RESPOND with an answer of our own); a try fails before its head (AWAIT -> ATTEMPT or RESPOND); a deadline (->
 * RESPOND 504); the client goes while we wait (-> the try is cancelled, the library is told, FINISH); the answer is there
 * before the body is (DELIVER by early.c, past the library; without the seam it waits for the library, which waits for the
 * body). */
#include "proxy/flow_priv.h"

#include "discovery/freshness.h"
#include "http/trailer.h"
#include "proxy/attempt.h"
#include "proxy/deadline.h"
#include "proxy/downstream.h"
#include "proxy/early.h"
#include "proxy/forward.h"
#include "proxy/intake.h"
#include "proxy/limit.h"
#include "proxy/record.h"
#include "proxy/reply.h"
#include "proxy/reserved.h"
#include "proxy/tally.h"
#include "proxy/tunnel.h"
#include "proxy/upgrade.h"
#include "proxy/upstream.h"
#include "proxy/view.h"

enum flow_next { FLOW_MORE, FLOW_PARK };

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

/* ---- steps ---- */

void flow_fail(struct sc_exchange *x, enum err e, const char *detail)
{
    upstream_cancel(x);
    attempt_drop(x);
    limit_leave(x);
    naming_leave(x);
    reply_error(x, e, detail);
    x->step = FLOW_RESPOND;
}

static enum flow_next fail(struct sc_exchange *x, enum err e, const char *detail)
{
    flow_fail(x, e, detail);
    return FLOW_MORE;
}

static enum flow_next route(struct sc_exchange *x)
{
    const struct plan *plan = exchange_plan(x);
    struct route_request q;
    uint16_t port;

    if (!intake(x))
        return go(x, FLOW_RESPOND);
    if (plan->reserved != NULL && reserved_has(plan->reserved, x->req.uri.path))
        return go(x, FLOW_RESERVED);
    q = (struct route_request){ x->req.method_name, uri_host(x->req.host, &port), x->req.uri.path, x->req.uri.query,
                                &x->headers, x->listener->index };
    if (!router_find(plan->router, &q, &x->found))
        return fail(x, x->found.status == 405 ? ERR_METHOD_NOT_ALLOWED : ERR_NO_ROUTE, NULL);
    x->route = &plan->routes[x->found.rule];
    x->service = x->route->service;
    if (x->route->conf->naming != NULL && !naming_begin(x))
        return fail(x, ERR_NO_ROUTE, NULL);
    x->total_at = loop_now(x->worker->loop) + x->route->timeout.total;
    if (x->req.has_body)
        deadline_pause(x);
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

static enum flow_next reserved(struct sc_exchange *x)
{
    if (x->reserved == NULL)
        return reserved_begin(x) ? FLOW_PARK : go(x, FLOW_RESPOND);
    return reserved_take(x) ? go(x, FLOW_RESPOND) : FLOW_PARK;
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
        deadline_arm(x);
    if (v != SC_CONTINUE)
        return by_verdict(x, v, FLOW_ADMIT);
    x->req_hooked = x->req.has_body && chain_has_body(&x->chain, CHAIN_REQUEST_BODY);
    if (x->req_hooked)
        flow_hook_request(x);
    return go(x, x->route->conf->naming != NULL ? FLOW_NAME : FLOW_ATTEMPT);
}

/* After the policies: whom they refuse makes us watch nothing. */
static enum flow_next name(struct sc_exchange *x)
{
    if (take(x, FACT_DEADLINE))
        return fail(x, ERR_NO_TARGET, "the registry has not said in time where the service is");
    switch (naming_enter(x)) {
    case NAMING_WAIT:
        deadline_arm(x);
        return FLOW_PARK;
    case NAMING_FULL:
        return fail(x, ERR_OVERLOADED, "as many services are in use as paths may name");
    case NAMING_REFUSED:
        return fail(x, ERR_NO_ROUTE, NULL);
    case NAMING_KNOWN:
        break;
    }
    return go(x, FLOW_ATTEMPT);
}

/* RFC 9110 10.1.1: some targets answer 100 to nobody, so nobody waits for ever. */
enum { PATIENCE_MS = 1000 };

void flow_invite(struct sc_exchange *x)
{
    if (!x->down.asking)
        return;
    x->down.asking = false;
    timer_stop(&x->down.patience);
    downstream_go_on(x);
}

static void on_patience(struct timer *t)
{
    flow_invite(list_entry(t, struct sc_exchange, down.patience));
}

/* The target decides whether the client shall send its body, if it is one that can. */
static void ask_target(struct sc_exchange *x)
{
    if (atomic_load_explicit(&x->up.target->http10, memory_order_relaxed)) {
        flow_invite(x);
    } else if (!x->down.patience.pending) {
        x->down.patience.fn = on_patience;
        timer_start(x->worker->loop, &x->down.patience, PATIENCE_MS);
    }
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
    deadline_arm(x);
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
        deadline_arm(x);
        return FLOW_PARK;
    }
    if (v != SC_CONTINUE) {
        give_room_back(x);
        return by_verdict(x, v, FLOW_AWAIT);
    }
    if (x->down.asking)
        ask_target(x);
    n = forward_write(x, x->up.target, w->scratch, WORKER_SCRATCH);
    if (n <= 0) {
        give_room_back(x);
        return fail(x, n == 0 ? ERR_HEADER_TOO_LARGE : ERR_BAD_REQUEST, "the head cannot be sent on as it is");
    }
    x->step = FLOW_AWAIT;
    x->try_at = retry->per_try_timeout > 0 ? loop_now(w->loop) + retry->per_try_timeout : 0;
    x->response_at = x->req.has_body && !x->down.whole ? 0 : loop_now(w->loop) + x->route->timeout.response;
    upstream_start(x, x->up.target, w->scratch, (size_t)n);
    deadline_arm(x);
    return FLOW_MORE;
}

/* What the route says that it takes, if it says so. */
static struct sc_str methods_of(struct sc_exchange *x)
{
    const struct sc_strings *list = &x->route->conf->match.methods;
    bool get = false, head = false;
    const char *all = "";

    for (unsigned i = 0; i < list->n; i++) {
        all = arena_printf(&x->arena, i == 0 ? "%s%s" : "%s, %s", all, list->at[i]);
        get |= strcmp(list->at[i], "GET") == 0;
        head |= strcmp(list->at[i], "HEAD") == 0;
    }
    return str_of(get && !head ? arena_printf(&x->arena, "%s, HEAD", all) : all);
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
    if (x->req.last_hop) {                              /* Max-Forwards: 0: we speak for the target */
        reply_options(x, methods_of(x));
        return go(x, FLOW_RESPOND);
    }
    if (take(x, FACT_RESUMED))
        return send_attempt(x, chain_resume(&x->chain, x->resumed, &replaced));
    if (x->tries.backoff.pending || x->chain.waits_for != 0)
        return FLOW_PARK;
    switch (limit_enter(x)) {
    case LIMIT_PASS:
        break;
    case LIMIT_WAIT:
        deadline_arm(x);
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
    x->up.room = pool_reserve(x->worker->pool, x->service, t, attempt_wish(x));
    if (x->up.room == POOL_FULL)
        return wait_for_room(x);
    if (x->tries.n == 1) {
        exchange_local(x)->retry_balance += x->service->conf->retry.budget.ratio;
        if (!x->down.asking)
            downstream_go_on(x);
    }
    return send_attempt(x, chain_attempt(&x->chain));
}

static enum flow_next try_again(struct sc_exchange *x, enum tally_reason reason)
{
    sc_msec wait = attempt_backoff(x);

    tally_retry(x, reason);
    upstream_cancel(x);
    attempt_drop(x);
    x->tries.at_once = false;
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
        return try_again(x, tally_reason_of(x->up.failure));
    return fail(x, e, detail);
}

static enum flow_next deadline_passed(struct sc_exchange *x)
{
    bool connecting = x->up.conn != NULL && !x->up.conn->connected;
    enum deadline d = x->deadline;

    timer_stop(&x->tries.backoff);
    tally_outcome(x, connecting ? OUTCOME_CONNECT : OUTCOME_TIMEOUT);
    upstream_cancel(x);
    x->up.failure = FAIL_TIMEOUT;
    x->up.error = connecting ? ERR_CONNECT_TIMEOUT : ERR_UPSTREAM_TIMEOUT;
    x->up.detail = d == DEADLINE_TOTAL ? "the total time of the request is over"
                 : connecting ? "the connection was not there in time" : "no answer in time";
    if (d != DEADLINE_TOTAL && attempt_again(x, connecting ? FAIL_CONNECT : FAIL_TIMEOUT))
        return try_again(x, connecting ? REASON_CONNECT : REASON_TIMEOUT);
    return fail(x, x->up.error, x->up.detail);
}

/* Clients that ask with an absolute form take us for their proxy, and a proxy says so in its answers; a gateway need not
 * (RFC 9110 7.6.3). */
static void add_via(struct sc_exchange *x)
{
    char *via = arena_printf(&x->arena, "1.%u %s", x->response.minor, x->listener->via);

    headers_add_id(&x->response.headers, HDR_VIA, str_of(via));
}

/* What the registry behind the targets cannot vouch for is said. */
static void say_freshness(struct sc_exchange *x)
{
    uint64_t word = atomic_load_explicit(&x->tries.set->service->freshness, memory_order_relaxed);
    char *text;
    size_t n;

    if (__builtin_expect(word == 0, 1))
        return;
    text = arena_alloc(&x->arena, FRESHNESS_MAX);
    n = freshness_print(text, word, loop_now(x->worker->loop));
    headers_add(&x->response.headers, STR("Outrider-Discovery"), (struct sc_str){ text, n });
}

static void render_own(struct sc_exchange *x)
{
    reply_render(x);
    if (x->tries.set != NULL)
        say_freshness(x);
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
        return try_again(x, REASON_STATUS);
    x->res.own = false;
    x->res.status = x->response.status;
    if (x->res.status == 426)
        upgrade_required(x);
    hop_strip(&x->response.headers, &hop);
    say_freshness(x);
    if (x->req.uri.form == URI_ABSOLUTE)
        add_via(x);
    return go(x, FLOW_RESPOND);
}

static enum flow_next respond(struct sc_exchange *x)
{
    bool replaced = false;
    enum sc_verdict v = SC_CONTINUE;

    if (x->res.own && (x->facts & FACT_RESUMED) == 0 && !x->res.ready)
        render_own(x);
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

/* From here on only the silence of both sides is timed. */
static enum flow_next change_protocol(struct sc_exchange *x)
{
    x->step = FLOW_TUNNEL;
    flow_streaming(x);
    downstream_switch(x);
    return FLOW_MORE;
}

static enum flow_next tunnel(struct sc_exchange *x)
{
    bool late = take(x, FACT_DEADLINE);

    if (!take(x, FACT_ENDED) && !late)
        return FLOW_PARK;
    x->step = FLOW_FINISH;
    if (x->tunnel != NULL)
        tunnel_close(x);
    else
        downstream_break(x);
    return FLOW_MORE;
}

static enum flow_next deliver(struct sc_exchange *x)
{
    if (!x->res.ready) {
        x->res.ready = true;
        timer_stop(&x->down.patience);
        x->stamp = loop_now(x->worker->loop);
        x->res.head_only = x->req.method == METHOD_HEAD || x->res.status == 304 || x->res.status == 204 ||
                           x->res.status == 205;
        x->try_at = x->response_at = 0;
        x->facts &= ~(unsigned)(FACT_DEADLINE | FACT_FAILED);
        if (!x->res.own && x->res.status == 101)
            return change_protocol(x);
        if (!x->res.own && !x->res.head_only && x->started && chain_has_body(&x->chain, CHAIN_RESPONSE_BODY))
            flow_hook_response(x);
        else if (!x->res.own && x->response.body == BODY_CHUNKED && x->req.minor != 0)
            trailer_announce(&x->response.headers, &x->arena);
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
    timer_stop(&x->down.patience);
    tunnel_forget(x);
    early_forget(x);
    upstream_cancel(x);
    attempt_drop(x);
    limit_leave(x);
    naming_leave(x);
    record_exchange(x);
    reserved_forget(x);
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
    naming_leave(x);
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

    x->view = x->served = view_ref(entrance_view(w, x->client));
    x->listener = entrance_listener(w, x->client);
    x->began_us = loop_now_ns(w->loop) / 1000;
    x->began_wall = worker_wall(w);
    x->timer.fn = deadline_fired;
    tally_begin(x);
    x->step = FLOW_ROUTE;
    flow_run(x);
}

void flow_connected(struct sc_exchange *x)
{
    if (x->req.has_body && !x->down.whole)
        return;
    x->response_at = loop_now(x->worker->loop) + x->route->timeout.response;
}

void flow_streaming(struct sc_exchange *x)
{
    if (x->route == NULL)
        return;
    x->stamp = loop_now(x->worker->loop);
    timer_stop(&x->timer);
    deadline_arm(x);
}

void flow_body_late(struct sc_exchange *x)
{
    if (x->step >= FLOW_RESPOND)                        /* an answer is under way */
        return;
    timer_stop(&x->tries.backoff);
    give_room_back(x);
    if (x->chain.waits_for != 0)
        chain_cancel(&x->chain);
    x->down.close = true;
    flow_fail(x, ERR_REQUEST_TIMEOUT, "the body stopped coming");
    flow_run(x);
}

void flow_over(struct sc_exchange *x, bool clean)
{
    if ((!clean && !x->down.apart) || (x->down.queued && !x->down.finished))
        x->down.broken = true;
    x->facts |= FACT_OVER;
    flow_run(x);
}
