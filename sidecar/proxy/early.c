/* sidecar/proxy/early.c - an answer while the request's body is still coming.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/early.h"

#include "base/buf.h"
#include "http/trailer.h"
#include "http1/chunked.h"
#include "loop/mhdpump.h"
#include "loop/sys.h"
#include "proxy/answer.h"
#include "proxy/attempt.h"
#include "proxy/downstream.h"
#include "proxy/flow.h"
#include "proxy/limit.h"
#include "proxy/outlet.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

enum {
    ROUNDS = 16,                        /* pieces before others have their turn */
    REST_MAX = 1024 * 1024,             /* more of a body is not read for the sake of the connection */
    COPY_MAX = 4096,                    /* a body that is not longer goes with its head */
    QUIET_MS = 2000,                    /* of a client that is to end its connection */
    LINGER_MS = 30000,                  /* the longest that its body is read for nothing */
};

struct early {
    struct sc_exchange *x;
    struct answer_shape shape;
    struct outlet out;
    struct sc_str rest;                 /* of an answer that is here: what does not go with the head */
    bool closes;                        /* as the head says */
    bool body_given;                    /* all of it has gone into `out` */
    bool done;                          /* and out */
    bool shut;                          /* the client was told that nothing follows */
    uint64_t first, dropped;            /* bytes of the body, when it was done, and when the linger timer last looked */
    sc_msec until;
    struct timer linger;
    struct task more;
};

/* ---- what still comes ---- */

bool early_passes(const struct sc_exchange *x)
{
    return x->early != NULL && x->early->shape.streams && x->up.conn != NULL && !x->up.body_done && !x->early->done &&
           x->res.status / 100 == 2;
}

static bool rest_is_long(const struct sc_exchange *x)
{
    return !x->req.chunked && x->req.length - x->req.received - x->down.discarded > REST_MAX;
}

/* Somebody who waits for a 100 Continue does not send the body once this has been answered; too much is not read. */
static bool ends_connection(const struct sc_exchange *x)
{
    if (x->req.expects && x->req.received + x->down.discarded == 0)
        return true;
    if (early_passes(x))
        return false;
    return rest_is_long(x);
}

static void shut(struct early *e)
{
    if (e->shut)
        return;
    e->shut = true;
    e->x->client->closing = true;
    sys_shutdown(e->x->client->io.fd, SHUT_WR);
}

static void broken(struct early *e)
{
    struct sc_exchange *x = e->x;

    x->down.broken = true;
    upstream_cancel(x);
    client_end(x->client, true);                        /* nobody shall take what was sent for the whole */
}

static void on_linger(struct timer *t)
{
    struct early *e = list_entry(t, struct early, linger);
    struct sc_exchange *x = e->x;
    sc_msec now = loop_now(x->worker->loop);

    if (!e->done) {
        broken(e);
        return;
    }
    if (x->client->ended || now >= e->until || x->down.discarded == e->dropped) {
        client_end(x->client, false);
        return;
    }
    e->dropped = x->down.discarded;
    timer_start(x->worker->loop, t, QUIET_MS < e->until - now ? QUIET_MS : e->until - now);
}

void early_dropped(struct sc_exchange *x)
{
    struct early *e = x->early;

    if (e->done && x->down.discarded - e->first > REST_MAX)
        shut(e);
}

/* ---- the answer ---- */

/* Every byte of the answer is with the kernel. */
static void answered(struct early *e)
{
    struct sc_exchange *x = e->x;
    struct loop *l = x->worker->loop;

    e->done = true;
    x->down.finished = true;
    timer_stop(&x->timer);
    upstream_finish(x);
    attempt_drop(x);
    limit_leave(x);
    timer_stop(&e->linger);
    if (x->down.whole) {
        if (!x->client->parked)
            return;                                     /* the handler's final call looks */
        x->down.broken |= !answer_queue_nothing(x);
        client_resume(x->client);
        return;
    }
    if (x->client->ended) {
        client_end(x->client, false);
        return;
    }
    if (e->closes || rest_is_long(x))
        shut(e);
    downstream_room(x);                                 /* what the target has not taken is dropped */
    e->until = loop_now(l) + LINGER_MS;
    e->first = e->dropped = x->down.discarded;
    timer_start(l, &e->linger, QUIET_MS);
}

static enum outlet_result give_last(struct early *e)
{
    struct sc_exchange *x = e->x;
    struct buf text = BUF_INIT;
    struct header *h;
    struct sc_str last;

    e->body_given = true;
    if (e->shape.frame != FRAME_CHUNKED)
        return outlet_give(&e->out, e->rest.p, e->rest.n);
    buf_puts(&text, "0\r\n");
    if (x->response.body == BODY_CHUNKED && !x->res_hooked)
        for (unsigned i = 0; (h = headers_each(&x->trailers, &i)) != NULL;)
            if (!trailer_ends_here(&x->response.headers, h->name))
                buf_printf(&text, "%.*s: %.*s\r\n", STR_ARG(h->name), STR_ARG(h->value));
    buf_puts(&text, "\r\n");
    last = arena_dup(&x->arena, buf_view(&text));
    buf_fini(&text);
    return outlet_give(&e->out, last.p, last.n);
}

/* Whatever is read is read behind room for the size of a chunk. */
static enum outlet_result give_piece(struct early *e, char *p, size_t n)
{
    char size[CHUNKED_HEAD_MAX];
    size_t head;

    if (e->shape.frame != FRAME_CHUNKED)
        return outlet_give_read(&e->out, p, n);
    head = chunked_head(size, n);
    memcpy(p - head, size, head);
    memcpy(p + n, CHUNKED_CRLF, 2);
    return outlet_give_read(&e->out, p - head, head + n + 2);
}

/* One read's worth. True: there may be more. */
static bool move(struct early *e)
{
    struct sc_exchange *x = e->x;
    char *p = x->worker->read->bytes + CHUNKED_HEAD_MAX;
    enum outlet_result r = outlet_flush(&e->out);
    ssize_t n;

    if (r == OUTLET_EMPTY && !e->body_given) {
        n = e->shape.streams ? answer_read(x, p, WORKER_READ - CHUNKED_HEAD_MAX - 2) : UPSTREAM_END;
        if (n == UPSTREAM_WAIT)
            return false;
        if (n == UPSTREAM_BROKEN) {
            broken(e);
            return false;
        }
        r = n == UPSTREAM_END ? give_last(e) : give_piece(e, p, (size_t)n);
    }
    if (r == OUTLET_GONE)
        broken(e);
    else if (r == OUTLET_EMPTY && e->body_given)
        answered(e);
    return r == OUTLET_EMPTY && !e->done;
}

static void go(struct early *e)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        if (e->done || e->x->client->taken || !move(e))
            return;
    loop_task(e->x->worker->loop, &e->more);
}

static void on_more(struct task *t)
{
    go(list_entry(t, struct early, more));
}

bool early_may(const struct sc_exchange *x)
{
    return pump_has_seam() && x->req.has_body && !x->down.whole && x->early == NULL;
}

static void begin_with(struct early *e, struct sc_str head)
{
    struct sc_exchange *x = e->x;
    struct sc_str body = e->shape.streams || x->res.head_only ? STR_NONE : e->shape.body;
    char *both;

    e->out.held = head;
    e->rest = body;
    if (body.n == 0 || body.n > COPY_MAX)
        return;
    both = arena_alloc(&x->arena, head.n + body.n);
    memcpy(both, head.p, head.n);
    memcpy(both + head.n, body.p, body.n);
    e->out.held = (struct sc_str){ both, head.n + body.n };
    e->rest = STR_NONE;
}

void early_begin(struct sc_exchange *x)
{
    struct early *e = arena_zero(&x->arena, sizeof *e);

    x->early = e;
    x->tries.lost = true;                               /* nothing of the body needs to be kept any more */
    e->x = x;
    e->linger.fn = on_linger;
    e->more.fn = on_more;
    outlet_init(&e->out, x->worker, x->client->io.fd);
    answer_shape(x, &e->shape);
    x->down.close |= ends_connection(x);
    e->closes = answer_closes(x, e->shape.frame);
    x->down.close = e->closes;
    x->down.queued = x->down.apart = true;
    client_mute(x->client);
    flow_streaming(x);
    if (x->route == NULL)                               /* then nothing else says how long it may take */
        timer_start(x->worker->loop, &e->linger, LINGER_MS);
    begin_with(e, answer_head(x, e->shape.frame, e->shape.length, e->closes));
    go(e);
}

void early_go(struct sc_exchange *x)
{
    if (x->early != NULL)
        go(x->early);
}

void early_room(struct sc_exchange *x)
{
    if (x->early == NULL)
        return;
    x->early->out.writable = true;
    go(x->early);
}

enum early_end early_whole(struct sc_exchange *x)
{
    timer_stop(&x->early->linger);
    if (x->client->taken)
        return EARLY_TORN;
    if (!x->early->done)
        return EARLY_WAITS;
    return answer_queue_nothing(x) ? EARLY_ANSWERED : EARLY_TORN;
}

void early_cut(struct sc_exchange *x)
{
    if (!x->early->done)
        x->down.broken = true;
    client_end(x->client, !x->early->done);
}

void early_forget(struct sc_exchange *x)
{
    if (x->early == NULL)
        return;
    timer_stop(&x->early->linger);
    loop_task_cancel(x->worker->loop, &x->early->more);
    outlet_fini(&x->early->out);
}
