/* sidecar/proxy/pool.c - connections to targets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/pool.h"

#include "base/alloc.h"
#include "discovery/target.h"
#include "loop/curlmux.h"
#include "loop/sys.h"
#include "loop/tls.h"
#include "proxy/pool_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { AGE_MS = 1000 };
enum { WARM_MS = 2 };                   /* used so lately that a look at it tells nothing new */
enum { PATIENCE_LEAST = 500 };          /* ms; what ends sooner ends for other reasons than its age */

static void on_aging(struct timer *t);

struct pool *pool_new(struct loop *loop, struct curlmux *curl, unsigned worker, const struct pool_ops *ops)
{
    struct pool *p = xnew(struct pool);

    p->loop = loop;
    p->curl = curl;
    p->ops = ops;
    p->worker = worker;
    p->openssl = tls_is_ours(curlmux_tls_version());
    p->aging.fn = on_aging;
    list_init(&p->age);
    return p;
}

void pool_free(struct pool **pp)
{
    struct pool *p = *pp;

    *pp = NULL;
    if (p == NULL)
        return;
    list_each(it, &p->age)
        pool_close(list_entry(it, struct upconn, age));
    timer_stop(&p->aging);
    for (unsigned i = 0; i < p->nhomes; i++)
        free(p->homes[i]);
    free(p->homes);
    free(p);
}

/* ---- homes ---- */

static struct pool_home *home_of(struct pool *p, const struct target *t)
{
    struct pool_home *h;

    if (__builtin_expect(t->slot >= p->nhomes, 0)) {
        unsigned n = p->nhomes == 0 ? 64 : p->nhomes;

        while (n <= t->slot)
            n *= 2;
        p->homes = xrealloc(p->homes, n * sizeof(struct pool_home *));
        memset(p->homes + p->nhomes, 0, (n - p->nhomes) * sizeof(struct pool_home *));
        p->nhomes = n;
    }
    h = p->homes[t->slot];
    if (__builtin_expect(h == NULL, 0)) {
        h = p->homes[t->slot] = xnew(struct pool_home);
        list_init(&h->idle);
        list_init(&h->resting);
    }
    if (__builtin_expect(h->id != t->id, 0)) {
        assert(h->nidle == 0);          /* a connection holds its target, and so the slot */
        h->id = t->id;
        h->patience = 0;
    }
    return h;
}

/* The target ended a connection that was idle. */
static void learn_patience(struct pool_home *h, sc_msec age)
{
    if (age < PATIENCE_LEAST)
        return;
    if (h->patience == 0 || age < h->patience)
        h->patience = age;
    else
        h->patience += (age - h->patience) / 8;
}

static bool may_end_soon(const struct pool_home *h, sc_msec age)
{
    return h->patience > 0 && age >= h->patience / 4 * 3;
}

static void wake_rested(struct pool *p, struct pool_home *h)
{
    if (h->since == loop_turn(p->loop))
        return;
    list_move_front(&h->idle, &h->resting);
    h->since = loop_turn(p->loop);
}

static void leave_home(struct upconn *c)
{
    list_remove(&c->idle);
    list_remove(&c->age);
    c->home->nidle--;
    limit_rests(c->counts, c->pool->worker, -1);
}

/* Connections that were opened in another way than the service says now are not used again: they were checked against
 * other names and authorities, or not at all. */
static struct pool_home *home_for(struct pool *p, const struct plan_service *s, struct target *t)
{
    struct pool_home *h = home_of(p, t);

    if (__builtin_expect(h->transport != s->transport, 0)) {
        while (!list_empty(&h->idle))
            pool_close(list_entry(h->idle.next, struct upconn, idle));
        while (!list_empty(&h->resting))
            pool_close(list_entry(h->resting.next, struct upconn, idle));
        h->transport = s->transport;
    }
    return h;
}

static void on_aging(struct timer *t)
{
    struct pool *p = list_entry(t, struct pool, aging);
    sc_msec now = loop_now(p->loop);

    list_each(it, &p->age) {
        struct upconn *c = list_entry(it, struct upconn, age);

        if (c->idle_until > now)
            continue;
        if (c->home->patience > 0 && now - c->idle_since > c->home->patience)
            c->home->patience = now - c->idle_since;
        pool_close(c);
    }
    if (!list_empty(&p->age))
        timer_start(p->loop, t, AGE_MS);
}

/* ---- room ---- */

void pool_count(const struct plan_service *s)
{
    atomic_fetch_add_explicit(&s->counts->connections, 1, memory_order_relaxed);
}

void pool_uncount(const struct plan_service *s)
{
    atomic_fetch_sub_explicit(&s->counts->connections, 1, memory_order_relaxed);
}

static enum pool_room count_one(const struct plan_service *s)
{
    if (atomic_fetch_add_explicit(&s->counts->connections, 1, memory_order_relaxed) <
        (int)s->conf->limits.max_connections)
        return POOL_COUNTED;
    pool_uncount(s);
    return POOL_FULL;
}

/* Whatever came on it before this turn was told of, and a target that has just answered seldom ends the connection in the
 * next millisecond: while it is busy, the look would be a call for nothing. */
static bool is_warm(const struct pool *p, const struct upconn *c)
{
    return loop_now(p->loop) - c->idle_since < WARM_MS;
}

/* The one that was used last: it ends last, too. NULL: none will do. */
static struct upconn *rested(struct pool *p, struct pool_home *h, enum pool_wish wish)
{
    struct upconn *c = list_entry(h->idle.next, struct upconn, idle);

    if (wish == POOL_FRESH || list_empty(&h->idle))
        return NULL;
    return wish == POOL_SURE && may_end_soon(h, loop_now(p->loop) - c->idle_since) ? NULL : c;
}

enum pool_room pool_reserve(struct pool *p, const struct plan_service *s, struct target *t, enum pool_wish wish)
{
    struct pool_home *h = home_for(p, s, t);
    enum pool_room room;

    wake_rested(p, h);
    if (rested(p, h, wish) != NULL)
        return POOL_KEPT;
    room = count_one(s);
    if (room != POOL_FULL)
        return room;
    if (wish != POOL_FRESH && !list_empty(&h->resting))
        return POOL_KEPT;
    list_each(it, &p->age) {            /* the one idle for longest */
        struct upconn *c = list_entry(it, struct upconn, age);

        if (c->counts == s->counts) {
            pool_close(c);
            return count_one(s);
        }
    }
    return POOL_FULL;
}

void pool_evict(struct pool *p, const struct limit_counts *counts)
{
    list_each(it, &p->age) {
        struct upconn *c = list_entry(it, struct upconn, age);

        if (c->counts == counts)
            pool_close(c);
    }
}

struct upconn *pool_connect(struct pool *p, const struct plan_service *s, struct target *t, sc_msec timeout,
                            struct sc_exchange *user)
{
    struct upconn *c = xnew(struct upconn);

    c->io = (struct io){ upconn_event, -1 };
    c->pool = p;
    c->home = home_for(p, s, t);
    c->transport = s->transport;
    c->target = target_ref(t);
    c->counts = limit_counts_ref(s->counts);
    list_init(&c->idle);
    list_init(&c->age);
    c->user = user;
    c->tls = s->conf->protocol == PROTOCOL_HTTPS || t->tls;
    dial_start(c, s, timeout);
    return c;
}

/* ---- keeping ---- */

static struct upconn *take(struct upconn *c, struct sc_exchange *user)
{
    leave_home(c);
    c->user = user;
    c->sent_any = false;
    return c;
}

struct upconn *pool_take(struct pool *p, const struct plan_service *s, struct target *t, enum pool_wish wish, bool tired,
                         struct sc_exchange *user)
{
    struct pool_home *h = home_for(p, s, t);
    struct upconn *c;

    wake_rested(p, h);
    while ((c = rested(p, h, wish)) != NULL) {
        if (wish == POOL_ANY || is_warm(p, c) || upconn_look(c) == 0)
            return take(c, user);
        pool_close(c);
    }
    while (tired && wish != POOL_FRESH && !list_empty(&h->resting)) {
        c = list_entry(h->resting.next, struct upconn, idle);
        if (upconn_look(c) == 0)
            return take(c, user);
        pool_close(c);
    }
    return NULL;
}

void pool_keep(struct upconn *c, const struct plan_service *s)
{
    struct pool *p = c->pool;

    c->user = NULL;
    c->served++;
    if (c->readable && !c->hup) {       /* the last read filled its buffer: only another one tells whether that was all */
        char more;

        if (upconn_recv(c, &more, 1) >= 0 || errno != EAGAIN)
            c->hup = true;
    }
    if (c->hup || c->out.n > 0 || c->transport != c->home->transport ||
        c->home->nidle >= (unsigned)s->conf->keep_alive.max_idle) {
        pool_close(c);
        return;
    }
    buf_fini(&c->out);
    c->idle_since = loop_now(p->loop);
    c->idle_until = c->idle_since + s->conf->keep_alive.idle_timeout;
    wake_rested(p, c->home);
    list_push_front(&c->home->resting, &c->idle);
    list_push(&p->age, &c->age);
    c->home->nidle++;
    limit_rests(c->counts, p->worker, 1);
    if (!p->aging.pending)
        timer_start(p->loop, &p->aging, AGE_MS);
}

void pool_close(struct upconn *c)
{
    struct pool *p = c->pool;

    if (!list_empty(&c->idle))
        leave_home(c);
    c->user = NULL;
    if (c->connected && c->easy != NULL)
        io_del(p->loop, &c->io);
    if (c->easy == NULL && c->io.fd >= 0) {
        io_forget(p->loop, &c->io);
        sys_close(c->io.fd);
    }
    dial_drop(c);
    buf_fini(&c->out);
    target_unref(&c->target);
    atomic_fetch_sub_explicit(&c->counts->connections, 1, memory_order_relaxed);
    limit_counts_unref(&c->counts);
    loop_free_later(p->loop, c);
}

void pool_lost(struct upconn *c)
{
    learn_patience(c->home, loop_now(c->pool->loop) - c->idle_since);
    pool_close(c);
}
