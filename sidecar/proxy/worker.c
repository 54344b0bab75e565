/* sidecar/proxy/worker.c - one event loop with all it carries.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/worker.h"

#include "base/alloc.h"
#include "base/log.h"
#include "loop/curlmux.h"
#include "proxy/upstream.h"
#include "telemetry/access_log.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { TICK_MS = 1000, DRAIN_LOOK_MS = 10, ABORT_MS = 500 };

/* ---- time ---- */

struct sc_str worker_date(struct sc_worker *w)
{
    sc_msec now = loop_now(w->loop) / 1000;

    if (now != w->date_at) {
        time_t t = time(NULL);
        struct tm tm;

        gmtime_r(&t, &tm);
        strftime(w->date, sizeof w->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        w->date_at = now;
    }
    return (struct sc_str){ w->date, 29 };
}

sc_msec worker_wall(struct sc_worker *w)
{
    return loop_now(w->loop) + w->wall_offset;
}

struct read_buffer *worker_take_read(struct sc_worker *w)
{
    struct read_buffer *b = w->read;

    w->read = w->reads;
    if (w->read == NULL) {
        w->read = xmalloc(sizeof *w->read);
    } else {
        w->reads = w->read->next;
        w->nreads--;
    }
    return b;
}

void worker_give_read(struct sc_worker *w, struct read_buffer *b)
{
    if (w->nreads >= WORKER_FREE_READS) {
        free(b);
        return;
    }
    b->next = w->reads;
    w->reads = b;
    w->nreads++;
}

/* ---- views ---- */

struct view *view_ref(struct view *v)
{
    v->refs++;
    return v;
}

void view_unref(struct view **vp)
{
    struct view *v = *vp;

    *vp = NULL;
    if (v == NULL || --v->refs > 0)
        return;
    if (--v->plan_views->n == 0) {
        chain_set_worker_close(v->snapshot->plan->chains, v->worker->index, v->worker);
        free(v->plan_views);
    }
    snapshot_unref(&v->snapshot);
    free(v);
}

/* The policies' states of this worker go on with their plan. */
static struct view *view_new(struct sc_worker *w, struct snapshot *s)
{
    struct view *v = xnew(struct view), *was = w->view;
    bool same = was != NULL && was->snapshot->plan == s->plan;

    v->refs = 1;
    v->worker = w;
    v->snapshot = s;
    if (same) {
        v->plan_views = was->plan_views;
        v->plan_views->n++;
        return v;
    }
    v->plan_views = xnew(struct plan_views);
    v->plan_views->n = 1;
    chain_set_worker_open(s->plan->chains, w->index, w);
    return v;
}

static void adopt(struct sc_worker *w, struct snapshot *s)
{
    struct view *v, *was = w->view;
    bool is_new = was == NULL || was->snapshot->plan != s->plan;

    if (is_new && w->quiet) {
        snapshot_unref(&s);
        return;
    }
    v = view_new(w, s);
    w->view = v;
    if (is_new && !entrances_adopt(w, was))
        abort();
    view_unref(&was);
    if (is_new)
        w->events.adopted(w->events.arg, w->index, s);
    naming_wake(w);
}

static void on_adopt(struct mail *m)
{
    struct sc_worker *w = list_entry(m, struct sc_worker, adopt);
    struct snapshot *s;

    atomic_store(&w->adopting, false);
    s = atomic_exchange(&w->inbox, NULL);
    if (s != NULL)
        adopt(w, s);
}

void worker_post(struct sc_worker *w, struct snapshot *s)
{
    struct snapshot *unread = atomic_exchange(&w->inbox, s);

    snapshot_unref(&unread);
    if (!atomic_exchange(&w->adopting, true))
        loop_post(w->loop, &w->adopt);
}

struct refusal {
    struct mail mail;
    struct sc_worker *worker;
    enum naming why;
    char key[];
};

static void on_refusal(struct mail *m)
{
    struct refusal *r = list_entry(m, struct refusal, mail);

    naming_refuse(r->worker, r->key, r->why);
    free(r);
}

void worker_refuse(struct sc_worker *w, const char *key, enum naming why)
{
    size_t n = strlen(key) + 1;
    struct refusal *r = xmalloc(sizeof *r + n);

    *r = (struct refusal){ { .fn = on_refusal }, w, why };
    memcpy(r->key, key, n);
    loop_post(w->loop, &r->mail);
}

/* ---- the thread ---- */

static void on_tick(struct timer *t)
{
    struct sc_worker *w = list_entry(t, struct sc_worker, tick);

    atomic_store_explicit(&w->turned_ms, loop_now(w->loop), memory_order_relaxed);
    w->wall_offset = clock_wall_ms() - clock_mono_ms();
    entrances_sweep(&w->entrances);
    timer_start(w->loop, t, TICK_MS);
}

static void *thread_main(void *arg)
{
    struct sc_worker *w = arg;
    char name[16];

    snprintf(name, sizeof name, "worker-%u", w->index);
    pthread_setname_np(pthread_self(), name);
    loop_run(w->loop);
    return NULL;
}

struct sc_worker *worker_new(unsigned index, unsigned nworkers, struct sc_worker *const *peers, struct writer *writer,
                             const struct worker_events *events)
{
    struct sc_worker *w = aligned_alloc(64, (sizeof *w + 63) & ~(size_t)63);

    memset(w, 0, sizeof *w);
    w->index = index;
    w->nworkers = nworkers;
    w->peers = peers;
    w->events = *events;
    w->loop = loop_new();
    w->curl = curlmux_new(w->loop);
    w->pool = pool_new(w->loop, w->curl, index, &upstream_ops);
    w->log = access_port_new(writer);
    limit_queue_init(&w->queue);
    list_init(&w->naming);
    w->adopt.fn = on_adopt;
    w->tick.fn = on_tick;
    w->scratch = xmalloc(WORKER_SCRATCH);
    w->read = xmalloc(sizeof *w->read);
    w->wall_offset = clock_wall_ms() - clock_mono_ms();
    atomic_init(&w->turned_ms, loop_now(w->loop));
    timer_start(w->loop, &w->tick, TICK_MS);
    return w;
}

bool worker_start(struct sc_worker *w)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);        /* signals are control's */
    r = pthread_create(&w->thread, NULL, thread_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    w->running = r == 0;
    if (r != 0)
        log_error("no thread for worker %u: %s", w->index, strerror(r));
    return w->running;
}

/* ---- room ---- */

struct room_letter {
    struct mail mail;
    struct sc_worker *worker;
    struct limit_counts *counts;
};

static void on_room_wanted(struct mail *m)
{
    struct room_letter *r = list_entry(m, struct room_letter, mail);

    if (r->worker->pool != NULL)
        pool_evict(r->worker->pool, r->counts);
    limit_counts_unref(&r->counts);
    free(r);
}

void worker_ask_for_room(struct sc_worker *w, struct limit_counts *counts)
{
    if (w->asked_at == loop_now(w->loop))
        return;
    w->asked_at = loop_now(w->loop);
    for (unsigned i = 0; i < w->nworkers; i++) {
        struct room_letter *r;

        if (w->peers[i] == w)
            continue;
        r = xnew(struct room_letter);
        *r = (struct room_letter){ { .fn = on_room_wanted }, w->peers[i], limit_counts_ref(counts) };
        loop_post(w->peers[i]->loop, &r->mail);
    }
}

/* ---- draining ---- */

struct shut_letter {
    struct mail mail;
    struct sc_worker *worker;
    struct listener *listener;
    enum drain stage;
};

static void on_shut(struct mail *m)
{
    struct shut_letter *l = list_entry(m, struct shut_letter, mail);
    struct sc_worker *w = l->worker;

    entrances_shut(&w->entrances, l->listener, l->stage == DRAIN_SHUT);
    listener_unref(&l->listener);
    w->events.shut(w->events.arg, w->index);
    free(l);
}

void worker_shut(struct sc_worker *w, struct listener *listener, enum drain stage)
{
    struct shut_letter *l = xnew(struct shut_letter);

    *l = (struct shut_letter){ { .fn = on_shut }, w, listener, stage };
    loop_post(w->loop, &l->mail);
}

static void on_drain_look(struct timer *t)
{
    struct sc_worker *w = list_entry(t, struct sc_worker, drain);
    sc_msec now = loop_now(w->loop);
    unsigned left = entrances_clients(&w->entrances);

    if (left == 0) {
        w->events.drained(w->events.arg, w->index, DRAIN_END);
        return;
    }
    if (now >= w->drain_until && !w->aborting) {
        log_warn("worker %u: %u connections are cut at the deadline of the drain", w->index, left);
        w->aborting = true;
        entrances_each(&w->entrances, pump_abort);
    }
    if (now >= w->drain_until + ABORT_MS) {
        log_error("worker %u: %u connections do not end", w->index, left);
        w->events.drained(w->events.arg, w->index, DRAIN_END);
        return;
    }
    timer_start(w->loop, t, DRAIN_LOOK_MS);
}

struct drain_letter {
    struct mail mail;
    struct sc_worker *worker;
    enum drain stage;
    sc_msec deadline;
};

static void accept_rest(struct pump *p)
{
    pump_accept_rest(p);
}

static void accept_and_shut(struct pump *p)
{
    pump_accept_rest(p);
    listener_shut(pump_listener(p));
}

/* All of it within the deadline: half of it is for those who are quiet. */
static void begin_end(struct sc_worker *w, sc_msec deadline)
{
    sc_msec grace = deadline / 2 < ENTRANCE_GRACE_MS ? deadline / 2 : ENTRANCE_GRACE_MS;

    w->drain_until = loop_now(w->loop) + deadline;
    if (w->draining)
        return;
    w->draining = true;
    entrances_drain(&w->entrances, grace);
    w->drain.fn = on_drain_look;
    timer_start(w->loop, &w->drain, 0);
}

static void on_drain(struct mail *m)
{
    struct drain_letter *d = list_entry(m, struct drain_letter, mail);
    struct sc_worker *w = d->worker;

    switch (d->stage) {
    case DRAIN_LAST_ANSWERS:
        w->last_answers = true;
        entrances_each(&w->entrances, pump_last_answers);
        break;
    case DRAIN_QUIET:
        w->quiet = true;
        entrances_each(&w->entrances, pump_stop);
        break;
    case DRAIN_REST:
        entrances_each(&w->entrances, accept_rest);
        break;
    case DRAIN_SHUT:
        entrances_each(&w->entrances, accept_and_shut);
        break;
    case DRAIN_END:
        begin_end(w, d->deadline);
        break;
    }
    if (d->stage == DRAIN_QUIET || d->stage == DRAIN_REST || d->stage == DRAIN_SHUT)
        w->events.drained(w->events.arg, w->index, d->stage);
    free(d);
}

void worker_drain(struct sc_worker *w, enum drain stage, sc_msec deadline)
{
    struct drain_letter *d = xnew(struct drain_letter);

    *d = (struct drain_letter){ { .fn = on_drain }, w, stage, deadline };
    loop_post(w->loop, &d->mail);
}

struct stop_letter {
    struct mail mail;
    struct sc_worker *worker;
};

static void on_stop(struct mail *m)
{
    struct stop_letter *s = list_entry(m, struct stop_letter, mail);
    struct sc_worker *w = s->worker;

    free(s);
    timer_stop(&w->tick);
    timer_stop(&w->drain);
    limit_queue_fini(&w->queue);
    entrances_fini(&w->entrances);
    pool_free(&w->pool);
    curlmux_free(&w->curl);
    view_unref(&w->view);
    loop_stop(w->loop);
}

void worker_stop(struct sc_worker *w)
{
    struct stop_letter *s;

    if (!w->running)
        return;
    s = xnew(struct stop_letter);
    *s = (struct stop_letter){ { .fn = on_stop }, w };
    loop_post(w->loop, &s->mail);
    pthread_join(w->thread, NULL);
    w->running = false;
}

void worker_free(struct sc_worker **wp)
{
    struct sc_worker *w = *wp;
    struct snapshot *unread;

    *wp = NULL;
    if (w == NULL)
        return;
    assert(!w->running);
    loop_read_mail(w->loop);
    unread = atomic_exchange(&w->inbox, NULL);
    snapshot_unref(&unread);
    while (w->free != NULL) {
        struct sc_exchange *x = w->free;

        w->free = x->next_free;
        arena_fini(&x->arena);
        free(x);
    }
    if (w->pool != NULL)
        pool_free(&w->pool);
    if (w->curl != NULL)
        curlmux_free(&w->curl);
    access_port_free(&w->log);
    loop_free(&w->loop);
    free(w->scratch);
    free(w->read);
    while (w->reads != NULL) {
        struct read_buffer *next = w->reads->next;

        free(w->reads);
        w->reads = next;
    }
    free(w);
}
