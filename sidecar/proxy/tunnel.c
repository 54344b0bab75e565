/* sidecar/proxy/tunnel.c - a client's connection after 101.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   client --> move_up   --> upconn (keeps what its socket does not take: at most one read)
 *   client <-- move_down <-- upconn
 *              (keeps what the client's socket does not take, in a buffer of the worker)
 *
 * Each side reads only once everything before was taken, so a slow reader holds up its writer and nothing else. Both
 * sockets are edge-triggered: what they can is remembered until a call says otherwise. */
#include "proxy/tunnel.h"

#include "base/rand.h"
#include "http/ws_frame.h"
#include "loop/mhdpump.h"
#include "loop/sys.h"
#include "proxy/flow.h"
#include "proxy/outlet.h"
#include "proxy/pool.h"
#include "proxy/upgrade.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

#include <errno.h>

enum {
    ROUNDS = 16,                        /* reads in one direction before others have their turn */
    LINGER_MS = 300,                    /* after the last word of a tunnel that is cut */
    DEAF_MS = 2000,                     /* for a client whose bytes the target takes no more */
    WASTE = 16 * 1024,
};

enum end { END_WELL, END_CLIENT_RESET, END_TARGET_RESET, END_TARGET_GONE };     /* gone: and the client has ended, too */

struct half {                           /* one direction */
    bool ended;                         /* nothing more comes from its source */
    bool shut;                          /* and its sink was told so */
    struct ws_frame frame;              /* of what was read */
};

struct tunnel {
    struct sc_exchange *x;
    struct half up, down;               /* to the target, to the client */
    bool readable;                      /* the client's socket */
    bool websocket, cut, over, deaf;    /* deaf: the target takes no more bytes */
    enum end end;
    struct outlet out;                  /* to the client */
    struct task more;                   /* there was more to do than one turn allows */
    struct timer linger;
};

static void over(struct tunnel *t, enum end end)
{
    if (t->over)
        return;
    t->over = true;
    t->end = end;
    t->x->facts |= FACT_ENDED;
    flow_run(t->x);
}

/* ---- to the client ---- */

/* True: nothing waits for the client. False: something does, or the client is gone. */
static bool went_down(struct tunnel *t, enum outlet_result r)
{
    if (r == OUTLET_GONE)
        over(t, END_CLIENT_RESET);
    return r == OUTLET_EMPTY;
}

static void count(struct tunnel *t, struct half *h, uint64_t *bytes, const char *p, size_t n)
{
    *bytes += n;
    t->x->stamp = loop_now(t->x->worker->loop);
    if (t->websocket)
        ws_frame_feed(&h->frame, p, n);
}

static void shut_down(struct tunnel *t)
{
    char bye[WS_CLOSE_MAX];

    if (t->down.shut)
        return;
    t->down.shut = true;
    if (t->cut && t->websocket && ws_frame_between(&t->down.frame))
        outlet_give(&t->out, bye, ws_frame_close(bye, WS_GOING_AWAY, NULL));
    outlet_fini(&t->out);
    sys_shutdown(t->x->client->io.fd, SHUT_WR);
}

/* One read's worth towards the client. True: there may be more. */
static bool move_down(struct tunnel *t)
{
    struct sc_exchange *x = t->x;
    struct upconn *c = x->up.conn;
    char *p = x->worker->read->bytes;
    ssize_t n;

    if (t->down.shut || !went_down(t, outlet_flush(&t->out)))
        return false;
    if (t->down.ended || t->cut) {
        shut_down(t);
        return false;
    }
    if (!c->readable)
        return false;
    n = upconn_recv(c, p, WORKER_READ);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n < 0) {
        over(t, END_TARGET_RESET);
        return false;
    }
    t->down.ended = n == 0;
    count(t, &t->down, &x->down.sent, p, (size_t)n);
    return n == 0 || went_down(t, outlet_give_read(&t->out, p, (size_t)n));
}

/* ---- to the target ---- */

static void shut_up(struct tunnel *t)
{
    struct upconn *c = t->x->up.conn;
    char bye[WS_CLOSE_MAX];
    unsigned char mask[4];
    struct iovec iov = { bye, 0 };

    if (t->up.shut || t->deaf)
        return;
    t->up.shut = true;
    if (t->cut && t->websocket && ws_frame_between(&t->up.frame)) {
        rand_secret(mask, sizeof mask);
        iov.iov_len = ws_frame_close(bye, WS_GOING_AWAY, mask);
        upconn_send(c, &iov, 1);
    }
    upconn_end(c);
}

/* The target takes no more bytes, but what it had said before may still have to be read, and to reach the client: a reset
 * now would destroy it. So the client's bytes are dropped for a while. */
static void go_deaf(struct tunnel *t)
{
    struct upconn *c = t->x->up.conn;

    t->deaf = true;
    c->readable = c->hup = true;
    timer_start(t->x->worker->loop, &t->linger, DEAF_MS);
}

static bool drop_up(struct tunnel *t)
{
    ssize_t n;

    if (!t->readable)
        return false;
    n = client_recv(t->x->client, t->x->worker->read->bytes, WORKER_READ);
    t->readable = n > 0;
    t->up.ended |= n == 0 || (n < 0 && errno != EAGAIN);
    return n > 0;
}

static bool move_up(struct tunnel *t)
{
    struct sc_exchange *x = t->x;
    struct upconn *c = x->up.conn;
    struct iovec iov = { x->worker->read->bytes, 0 };
    ssize_t n;

    if (c->broken && !t->deaf)
        go_deaf(t);
    if (t->deaf)
        return drop_up(t);
    if (c->out.n > 0 || t->up.shut)
        return false;
    if (t->up.ended || t->cut) {
        shut_up(t);
        return false;
    }
    if (!t->readable)
        return false;
    n = client_recv(x->client, iov.iov_base, WORKER_READ);
    if (n < 0 && errno == EAGAIN) {
        t->readable = false;
        buf_fini(&c->out);
        return false;
    }
    if (n < 0) {
        over(t, END_CLIENT_RESET);
        return false;
    }
    t->up.ended = n == 0;
    count(t, &t->up, &x->req.received, iov.iov_base, (size_t)n);
    iov.iov_len = (size_t)n;
    if (n > 0)
        upconn_send(c, &iov, 1);                        /* broken or not: the next round looks */
    return true;
}

/* ---- both ---- */

/* The last word was said on both sides: whoever hears it ends, and until then unread bytes must not make a reset of it. */
static void wait_for_ends(struct tunnel *t)
{
    char waste[WASTE];
    struct upconn *c = t->x->up.conn;

    while (t->readable) {
        ssize_t n = client_recv(t->x->client, waste, sizeof waste);

        t->readable = n > 0;
        t->up.ended |= n == 0 || (n < 0 && errno != EAGAIN);
    }
    while (c->readable && !t->down.ended) {
        ssize_t n = upconn_recv(c, waste, sizeof waste);

        t->down.ended |= n == 0 || (n < 0 && errno != EAGAIN);
    }
    if (t->up.ended && t->down.ended)
        over(t, END_WELL);
}

static void go(struct tunnel *t)
{
    bool up = true, down = true;

    for (unsigned i = 0; i < ROUNDS && (up || down) && !t->over; i++) {
        up = move_up(t);
        down = !t->over && move_down(t);
    }
    if (t->over)
        return;
    if (t->cut)
        wait_for_ends(t);
    else if (t->down.shut && t->deaf ? t->up.ended : t->down.shut && t->up.shut)
        over(t, t->deaf ? END_TARGET_GONE : END_WELL);
    else if (up || down)
        loop_task(t->x->worker->loop, &t->more);
}

static void on_more(struct task *task)
{
    go(list_entry(task, struct tunnel, more));
}

static void on_client_event(struct io *io, uint32_t events)
{
    struct client *c = list_entry(io, struct client, io);
    struct sc_exchange *x = c->request;
    struct tunnel *t;

    if (x == NULL)                                      /* completed, and about to be closed */
        return;
    t = x->tunnel;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        t->readable = true;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
        t->out.writable = true;
    if (t->over)
        return;
    go(t);
    if ((events & EPOLLERR) != 0)                       /* also when nothing can be read for it now */
        over(t, END_CLIENT_RESET);
}

static void on_linger_over(struct timer *timer)
{
    struct tunnel *t = list_entry(timer, struct tunnel, linger);

    over(t, t->cut ? END_WELL : END_TARGET_RESET);
}

void tunnel_open(struct sc_exchange *x, const char *head, size_t n)
{
    struct tunnel *t = arena_zero(&x->arena, sizeof *t);
    size_t early = x->up.in_n - x->up.in_at;
    char *first = arena_alloc(&x->arena, n + early + 1);

    x->tunnel = t;
    t->x = x;
    t->readable = true;
    outlet_init(&t->out, x->worker, x->client->io.fd);
    t->websocket = upgrade_is_websocket(x);
    t->more.fn = on_more;
    t->linger.fn = on_linger_over;
    if (n > 0)
        memcpy(first, head, n);
    if (early > 0)
        memcpy(first + n, x->up.in + x->up.in_at, early);
    x->up.in_at = x->up.in_n;
    t->out.held = (struct sc_str){ first, n + early };
    count(t, &t->down, &x->down.sent, first + n, early);
    if (!client_take(x->client, on_client_event))
        over(t, END_CLIENT_RESET);
    else if (pump_has_seam())
        go(t);
    else
        loop_task(x->worker->loop, &t->more);           /* the library does not like to be told that it is over now */
}

void tunnel_go(struct sc_exchange *x)
{
    if (x->tunnel != NULL && !x->tunnel->over)
        go(x->tunnel);
}

void tunnel_cut(struct sc_exchange *x)
{
    struct tunnel *t = x->tunnel;

    if (t == NULL || t->cut || t->over)
        return;
    t->cut = true;
    timer_start(x->worker->loop, &t->linger, LINGER_MS);
    go(t);
}

static void stop(struct tunnel *t)
{
    loop_task_cancel(t->x->worker->loop, &t->more);
    timer_stop(&t->linger);
    outlet_fini(&t->out);
}

void tunnel_close(struct sc_exchange *x)
{
    struct tunnel *t = x->tunnel;

    stop(t);
    x->down.finished = true;
    x->down.broken = t->end != END_WELL;
    if (t->end == END_CLIENT_RESET)
        upconn_reset(x->up.conn);
    if (t->end == END_TARGET_RESET || t->end == END_TARGET_GONE)
        x->up.failure = FAIL_RESET;
    upstream_cancel(x);
    client_drop(x->client, t->end == END_TARGET_RESET);
}

void tunnel_forget(struct sc_exchange *x)
{
    if (x->tunnel != NULL)
        stop(x->tunnel);
}
