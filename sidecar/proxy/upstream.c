/* sidecar/proxy/upstream.c - one try: a request to a target and its answer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request with a body waits for the first piece, so that both leave in one packet; if none comes in this
 * turn of the loop it goes alone. */
#include "proxy/upstream.h"

#include "discovery/target.h"
#include "proxy/attempt.h"
#include "proxy/downstream.h"
#include "proxy/flow.h"
#include "proxy/tally.h"
#include "proxy/tunnel.h"
#include "proxy/upgrade.h"
#include "proxy/worker.h"

#include <errno.h>

enum { GATHER_PIECE = 2048, GATHER_MOST = 16 * 1024 };
enum { KEEP_BUFFER = 2048 };            /* shorter first pieces of an answer are copied: that is cheaper */

static void let_go(struct sc_exchange *x)
{
    loop_task_cancel(x->worker->loop, &x->up.flush);
    x->up.conn = NULL;
    x->holds &= ~(unsigned)HOLD_UP;
}

static void fail(struct sc_exchange *x, enum failure f, enum err e, const char *detail)
{
    struct upconn *c = x->up.conn;

    tally_outcome(x, tally_outcome_of(f));
    let_go(x);
    if (c != NULL)
        pool_close(c);
    if (x->step > FLOW_AWAIT) {         /* the head is out: only the body can tell */
        x->up.failure = f;
        flow_body_ready(x);
        return;
    }
    x->up.failure = f;
    x->up.error = e;
    x->up.detail = detail;
    x->facts |= FACT_FAILED;
    flow_run(x);
}

static void connection_ended(struct sc_exchange *x, ssize_t n)
{
    bool kept = x->up.reused && !x->up.got_bytes;
    enum failure f = !x->up.conn->sent_any ? FAIL_UNSENT : kept ? FAIL_KEPT : FAIL_RESET;

    fail(x, f, ERR_UPSTREAM_RESET,
         kept ? "the target closed a kept connection" : n == 0 ? "the target closed the connection before it answered"
                                                               : "the connection to the target broke");
}

/* ---- the request ---- */

/* A connection that broke while we were sending: its answer may be there all the same (413 and the like). */
static void broken_send(struct sc_exchange *x)
{
    struct upconn *c = x->up.conn;

    c->hup = c->readable = true;
    x->up.blocked = false;
    upstream_ops.readable(c);
}

static unsigned put(struct iovec *iov, unsigned n, const void *p, size_t size)
{
    if (size == 0)
        return n;
    iov[n] = (struct iovec){ (void *)p, size };
    return n + 1;
}

/* The head if it was not sent, a piece of the body, the end of a chunked one. Small chunks that come in one turn of the loop
 * leave together. */
static bool send_piece(struct sc_exchange *x, const char *p, size_t n, bool last)
{
    struct iovec iov[6];
    char size[CHUNKED_HEAD_MAX];
    unsigned used = 0;
    bool chunked = x->req.chunked || x->req_hooked;

    if (!x->up.sent_head)
        used = put(iov, used, x->up.head, x->up.head_n);
    x->up.sent_head = true;
    if (n > 0 && chunked)
        used = put(iov, used, size, chunked_head(size, n));
    used = put(iov, used, p, n);
    if (n > 0 && chunked)
        used = put(iov, used, CHUNKED_CRLF, 2);
    if (last && chunked)
        used = x->req.last.n > 0 ? put(iov, used, x->req.last.p, x->req.last.n)
                                 : put(iov, used, CHUNKED_LAST, sizeof CHUNKED_LAST - 1);
    if (chunked && !last && n > 0 && n < GATHER_PIECE && x->up.conn->writable) {
        upconn_gather(x->up.conn, iov, used);
        loop_task(x->worker->loop, &x->up.flush);
        return true;
    }
    loop_task_cancel(x->worker->loop, &x->up.flush);
    if (!upconn_send(x->up.conn, iov, used)) {
        broken_send(x);
        return false;
    }
    if (last) {
        x->up.request_done = true;
        x->up.sent_us = loop_now_ns(x->worker->loop) / 1000;
    }
    return true;
}

/* Room for a piece: nothing waits for the socket, or only small chunks that are being gathered. */
static bool takes(const struct upconn *c)
{
    return c->connected && (c->out.n == 0 || (c->writable && c->out.n < GATHER_MOST));
}

/* Body bytes wait that could go now. */
static void unblock(struct sc_exchange *x)
{
    if (x->up.conn != NULL && x->up.blocked && takes(x->up.conn)) {
        x->up.blocked = false;
        flow_body_room(x);
    }
}

static void on_flush(struct task *t)
{
    struct sc_exchange *x = list_entry(t, struct sc_exchange, up.flush);

    if (x->up.conn == NULL || !x->up.conn->connected)
        return;
    if (send_piece(x, NULL, 0, false))
        unblock(x);
}

/* The connection is there: everything that is known of the request goes out. */
static void begin_sending(struct sc_exchange *x)
{
    if (!x->req.has_body) {
        struct iovec iov = { x->up.head, x->up.head_n };

        x->up.sent_head = x->up.request_done = true;
        x->up.sent_us = x->began_us;
        if (!upconn_send(x->up.conn, &iov, 1))
            broken_send(x);
        return;
    }
    if (x->kept_n > 0 || x->down.whole) {
        send_piece(x, x->kept, x->kept_n, x->down.whole);
        return;
    }
    loop_task(x->worker->loop, &x->up.flush);
}

static void keep_head(struct sc_exchange *x, const char *head, size_t n)
{
    x->up.head = arena_alloc(&x->arena, n);
    memcpy(x->up.head, head, n);
    x->up.head_n = n;
}

void upstream_start(struct sc_exchange *x, struct target *t, const char *head, size_t n)
{
    struct sc_worker *w = x->worker;
    struct pool *pool = w->pool;

    response_init(&x->response, &x->arena, x->res_fields, EXCHANGE_FIELDS, x->req.method == METHOD_HEAD,
                  x->req.upgrade.n > 0);
    x->up.in_n = x->up.in_at = x->up.in_cap = 0;
    x->up.in = NULL;
    x->up.flush.fn = on_flush;
    x->up.failure = FAIL_NONE;
    x->up.sent_head = x->up.request_done = x->up.got_bytes = x->up.body_done = false;
    x->up.head_us = -1;
    x->up.connect_us = -1;
    x->holds |= HOLD_UP;
    tally_try(x);
    x->up.conn = pool_take(pool, x->service, t, attempt_wish(x), x->up.room == POOL_KEPT, x);
    x->up.reused = x->up.conn != NULL;
    if (x->up.reused && x->up.room == POOL_COUNTED)     /* a policy took its time, and the world went on */
        pool_uncount(x->service);
    else if (!x->up.reused && x->up.room != POOL_COUNTED)
        pool_count(x->service);
    x->up.room = POOL_FULL;
    if (x->up.reused && !x->req.has_body) {             /* the usual case: straight from where it was written */
        struct iovec iov = { (void *)head, n };

        x->up.sent_head = x->up.request_done = true;
        x->up.sent_us = x->began_us;
        if (!upconn_send(x->up.conn, &iov, 1))
            broken_send(x);
        return;
    }
    keep_head(x, head, n);
    if (x->up.reused) {
        begin_sending(x);
        unblock(x);
        return;
    }
    x->up.connect_us = loop_now_ns(w->loop) / 1000;
    x->up.conn = pool_connect(pool, x->service, t, x->route->timeout.connect, x);
}

bool upstream_takes(struct sc_exchange *x)
{
    struct upconn *c = x->up.conn;

    if (c != NULL && takes(c))
        return true;
    x->up.blocked = true;
    return false;
}

size_t upstream_push(struct sc_exchange *x, const char *p, size_t n)
{
    if (!upstream_takes(x))
        return 0;
    send_piece(x, p, n, false);
    return n;
}

void upstream_end(struct sc_exchange *x)
{
    if (x->up.conn != NULL && x->up.conn->connected && !x->up.request_done)
        send_piece(x, NULL, 0, true);
}

/* What comes before the request was sent is not its answer (RFC 9112 9.2), and perhaps somebody else's. */
static bool spoke_first(struct sc_exchange *x)
{
    int what = upconn_look(x->up.conn);

    if (what == 0)
        return false;
    if (what < 0 || x->up.reused)
        connection_ended(x, 0);
    else
        fail(x, FAIL_PROTOCOL, ERR_UPSTREAM_PROTOCOL, "the target spoke before it was asked");
    return true;
}

static void on_connected(struct upconn *c)
{
    struct sc_exchange *x = c->user;

    if (spoke_first(x))
        return;
    x->up.connect_us = loop_now_ns(x->worker->loop) / 1000 - x->up.connect_us;
    flow_connected(x);
    begin_sending(x);
    unblock(x);
}

static void on_failed(struct upconn *c, enum err e, const char *detail)
{
    struct sc_exchange *x = c->user;

    x->up.connect_us = -1;
    let_go(x);
    x->up.failure = e == ERR_CONNECT_TIMEOUT || e == ERR_CONNECT_REFUSED ? FAIL_CONNECT : FAIL_PROTOCOL;
    x->up.error = e;
    x->up.detail = detail;
    tally_outcome(x, tally_outcome_of(x->up.failure));
    x->facts |= FACT_FAILED;
    flow_run(x);
}

static void on_writable(struct upconn *c)
{
    struct sc_exchange *x = c->user;

    if (x->step == FLOW_TUNNEL)
        tunnel_go(x);                   /* perhaps to its end */
    else
        unblock(x);
}

/* ---- the head of the answer ---- */

/* What was read joins what is there already, in memory of the exchange. The room doubles: a head that comes byte by byte
 * must not cost its square. */
static void take_in(struct sc_exchange *x, size_t n)
{
    const char *p = x->worker->read->bytes;

    if (n > KEEP_BUFFER && x->up.in_n == 0 && x->up.buffer == NULL) {
        x->up.buffer = worker_take_read(x->worker);
        x->up.in = x->up.buffer->bytes;
        x->up.in_n = x->up.in_cap = n;
        return;
    }
    if (x->up.in_n + n > x->up.in_cap) {
        size_t cap = x->up.in_n == 0 ? n : (x->up.in_n + n) * 2;
        char *all = arena_alloc(&x->arena, cap);

        if (x->up.in_n > 0)
            memcpy(all, x->up.in, x->up.in_n);
        x->up.in = all;
        x->up.in_cap = cap;
    }
    memcpy(x->up.in + x->up.in_n, p, n);
    x->up.in_n += n;
}

static void bad_answer(struct sc_exchange *x, int error)
{
    fail(x, FAIL_PROTOCOL, error == RESPONSE_TOO_LARGE ? ERR_RESPONSE_HEADER_TOO_LARGE : ERR_UPSTREAM_PROTOCOL,
         response_error_text(error));
}

/* What a target speaks is seen by its answers. */
static void note_version(struct sc_exchange *x)
{
    bool old = x->response.minor == 0;

    if (atomic_load_explicit(&x->up.target->http10, memory_order_relaxed) != old)
        atomic_store_explicit(&x->up.target->http10, old, memory_order_relaxed);
}

static enum tally_outcome outcome_of(unsigned status)
{
    return status >= 600 || status < 100 ? OUTCOME_5XX : (enum tally_outcome)(OUTCOME_1XX + status / 100 - 1);
}

static void head_complete(struct sc_exchange *x)
{
    struct response *r = &x->response;
    const char *wrong = r->status == 101 ? upgrade_granted(x) : NULL;

    if (wrong != NULL) {
        fail(x, FAIL_PROTOCOL, ERR_UPSTREAM_PROTOCOL, wrong);
        return;
    }
    x->up.head_us = loop_now_ns(x->worker->loop) / 1000;
    note_version(x);
    x->up.left = r->body == BODY_LENGTH ? r->content_length : 0;
    if (r->body == BODY_CHUNKED) {
        headers_init(&x->trailers, &x->arena, NULL, 0);
        chunked_init(&x->up.chunked, &x->trailers, &x->arena);
    }
    if (r->body == BODY_NONE) {
        x->up.body_done = true;
        if (x->up.in_at < x->up.in_n && r->status != 101) {
            fail(x, FAIL_PROTOCOL, ERR_UPSTREAM_PROTOCOL, "bytes behind an answer without a body");
            return;
        }
    } else if (r->body == BODY_LENGTH && x->up.in_n - x->up.in_at > x->up.left) {
        fail(x, FAIL_PROTOCOL, ERR_UPSTREAM_PROTOCOL, "more bytes than Content-Length says");
        return;
    }
    tally_outcome(x, outcome_of(r->status));
    x->facts |= FACT_HEAD;
    flow_run(x);
}

/* RFC 9110 15.2: 100 only means something while the client waits for it; 102 and what nobody knows is dropped. */
static void interim(struct sc_exchange *x)
{
    if (x->response.status == 100)
        flow_invite(x);
    else if (x->response.status == 103 && x->service->conf->early_hints == EARLY_HINTS_PASS)
        downstream_hint(x);
}

/* Parses what is there. */
static void parse_head(struct sc_exchange *x)
{
    for (;;) {
        int n = response_parse(&x->response, x->up.in + x->up.in_at, x->up.in_n - x->up.in_at, &x->service->response);

        if (n == RESPONSE_MORE)
            return;
        if (n < 0) {
            bad_answer(x, n);
            return;
        }
        x->up.in_at += (size_t)n;
        if (!response_is_interim(&x->response)) {
            head_complete(x);
            return;
        }
        interim(x);
        if (!response_next(&x->response, &x->service->response)) {
            bad_answer(x, RESPONSE_TOO_MANY);
            return;
        }
    }
}

static void on_readable(struct upconn *c)
{
    struct sc_exchange *x = c->user;
    ssize_t n;

    if (x->step == FLOW_TUNNEL) {
        tunnel_go(x);
        return;
    }
    if (x->step > FLOW_AWAIT || (x->facts & FACT_HEAD) != 0) {
        flow_body_ready(x);
        return;
    }
    if (!c->sent_any) {                                 /* not even when the head could not be sent any more */
        spoke_first(x);
        return;
    }
    while (x->up.conn == c && c->readable && (x->facts & FACT_HEAD) == 0 && x->step <= FLOW_AWAIT) {
        n = upconn_recv(c, x->worker->read->bytes, WORKER_READ);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            connection_ended(x, n);
            return;
        }
        x->up.got_bytes = true;
        take_in(x, (size_t)n);
        parse_head(x);
    }
}

const struct pool_ops upstream_ops = { on_connected, on_failed, on_readable, on_writable };

/* ---- the end ---- */

void upstream_finish(struct sc_exchange *x)
{
    struct upconn *c = x->up.conn;

    if (c == NULL)
        return;
    let_go(x);
    if (x->up.body_done && x->up.request_done && x->response.keep_alive && x->response.body != BODY_CLOSE &&
        x->up.in_at == x->up.in_n)
        pool_keep(c, x->service);
    else
        pool_close(c);
}

void upstream_cancel(struct sc_exchange *x)
{
    struct upconn *c = x->up.conn;

    if (c == NULL)
        return;
    tally_outcome(x, OUTCOME_CANCELLED);
    let_go(x);
    pool_close(c);
}
