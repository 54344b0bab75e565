/* sidecar/proxy/limit.c - how much a service may have at once.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A place is one of min(max_requests, max_connections): over HTTP/1.1 a request in flight is a connection in use. Kept
 * connections above that are closed by the pool when a new one is needed. */
#include "proxy/limit.h"

#include "base/refs.h"
#include "proxy/flow.h"
#include "proxy/view.h"

#include <stdlib.h>

enum { LOOK_MS = 3 };

struct limit_counts *limit_counts_new(unsigned workers)
{
    size_t n = sizeof(struct limit_counts) + workers * sizeof(struct limit_local);
    struct limit_counts *c = aligned_alloc(64, n);

    if (c == NULL)
        abort();
    memset(c, 0, n);
    refs_init(&c->refs);
    c->workers = workers;
    return c;
}

struct limit_counts *limit_counts_ref(struct limit_counts *c)
{
    refs_get(&c->refs);
    return c;
}

void limit_counts_unref(struct limit_counts **cp)
{
    struct limit_counts *c = *cp;

    *cp = NULL;
    if (c != NULL && refs_put(&c->refs))
        free(c);
}

void limit_rests(struct limit_counts *c, unsigned worker, int change)
{
    _Atomic(int64_t) *idle = &c->local[worker].idle;

    atomic_store_explicit(idle, atomic_load_explicit(idle, memory_order_relaxed) + change, memory_order_relaxed);
}

uint64_t limit_resting(const struct limit_counts *c)
{
    int64_t sum = 0;

    for (unsigned i = 0; i < c->workers; i++)
        sum += atomic_load_explicit(&c->local[i].idle, memory_order_relaxed);
    return sum > 0 ? (uint64_t)sum : 0;
}

/* ---- places ---- */

static bool take_place(const struct plan_service *s)
{
    const struct limits_conf *l = &s->conf->limits;
    int most = (int)(l->max_requests < l->max_connections ? l->max_requests : l->max_connections);

    if (atomic_fetch_add_explicit(&s->counts->requests, 1, memory_order_relaxed) < most)
        return true;
    atomic_fetch_sub_explicit(&s->counts->requests, 1, memory_order_relaxed);
    return false;
}

static bool join_queue(const struct plan_service *s)
{
    if (atomic_fetch_add_explicit(&s->counts->pending, 1, memory_order_relaxed) < (int)s->conf->limits.max_pending)
        return true;
    atomic_fetch_sub_explicit(&s->counts->pending, 1, memory_order_relaxed);
    return false;
}

static void leave_queue(struct sc_exchange *x)
{
    list_remove(&x->queued.link);
    timer_stop(&x->queued.timer);
    x->queued.waits = false;
    atomic_fetch_sub_explicit(&x->service->counts->pending, 1, memory_order_relaxed);
}

/* ---- waiting ---- */

static void on_late(struct timer *t)
{
    flow_run(list_entry(t, struct sc_exchange, queued.timer));
}

/* The first ones of the list try again, as many as get through; each service for itself. */
static void on_look(struct timer *t)
{
    struct limit_queue *q = list_entry(t, struct limit_queue, look);

    list_each(it, &q->waiters) {
        struct sc_exchange *x = list_entry(it, struct sc_exchange, queued.link);

        if (take_place(x->service)) {
            x->queued.place = true;
            leave_queue(x);
            flow_run(x);
        }
    }
    if (!list_empty(&q->waiters) && !t->pending)
        timer_start(loop_here(), t, LOOK_MS);
}

void limit_queue_init(struct limit_queue *q)
{
    list_init(&q->waiters);
    q->look = (struct timer){ .fn = on_look };
}

void limit_queue_fini(struct limit_queue *q)
{
    timer_stop(&q->look);
}

/* Somebody of this worker waits for this service already: nobody overtakes. */
static bool is_behind(const struct sc_exchange *x)
{
    const struct link *head = &x->worker->queue.waiters;

    for (const struct link *l = head->next; l != head; l = l->next)
        if (list_entry(l, struct sc_exchange, queued.link)->service->counts == x->service->counts)
            return true;
    return false;
}

enum limit limit_enter(struct sc_exchange *x)
{
    struct limit_queue *q = &x->worker->queue;

    if (x->queued.place)
        return LIMIT_PASS;
    if (x->queued.waits) {
        if (x->queued.timer.pending)
            return LIMIT_WAIT;
        leave_queue(x);
        return LIMIT_LATE;
    }
    if ((list_empty(&q->waiters) || !is_behind(x)) && take_place(x->service)) {
        x->queued.place = true;
        return LIMIT_PASS;
    }
    if (!join_queue(x->service))
        return LIMIT_FULL;
    x->queued.waits = true;
    x->queued.timer.fn = on_late;
    timer_start(x->worker->loop, &x->queued.timer, x->service->conf->limits.queue_timeout);
    list_push(&q->waiters, &x->queued.link);
    if (!q->look.pending)
        timer_start(x->worker->loop, &q->look, LOOK_MS);
    return LIMIT_WAIT;
}

void limit_leave(struct sc_exchange *x)
{
    struct limit_queue *q = &x->worker->queue;

    if (x->queued.waits)
        leave_queue(x);
    if (!x->queued.place)
        return;
    x->queued.place = false;
    atomic_fetch_sub_explicit(&x->service->counts->requests, 1, memory_order_relaxed);
    if (!list_empty(&q->waiters))
        timer_start(x->worker->loop, &q->look, 0);
}
