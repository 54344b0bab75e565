/* sidecar/telemetry/writer.c - the thread that writes every log.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   worker 0 -- port (ring) --\                       /-- batch -- stdout
 *   worker 1 -- port (ring) ---+--- writer thread ---+---- batch -- file:/var/log/...
 *   the rest - port (ring) ---/                       \-- batch -- journal
 *
 * It is awake while it gathers and writes; then it rests for 20 ms, whatever comes, so that a busy producer pays for no
 * wake-up; after a rest in which nothing came it is idle until the next line. A producer wakes it when it is idle, or
 * when a port is more than a quarter full. */
#include "telemetry/writer.h"

#include "base/alloc.h"
#include "base/list.h"
#include "telemetry/ring.h"
#include "telemetry/sink.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define REST_MS 20

enum writer_state { AWAKE, RESTING, IDLE };

struct writer_port {
    struct link link;               /* under the writer's lock */
    struct writer *writer;
    atomic_bool closing;
    struct ring ring;
};

struct writer {
    _Alignas(64) atomic_int state;  /* enum writer_state */
    atomic_bool stopping, reopening;
    atomic_bool changed;            /* the lists are not what the thread knows */
    int wake;                       /* eventfd */
    pthread_t thread;

    pthread_mutex_t lock;           /* the lists; members are freed by the writer thread alone */
    struct link ports, sinks;

    /* The writer thread's. */
    struct writer_port **port;
    struct writer_sink **sink;
    struct pollfd *polled;          /* 0: wake; then sinks that are full */
    unsigned nports, nsinks, cap;
    atomic_llong deadline;          /* monotonic ms; set before stopping */
};

static void wake(struct writer *w)
{
    uint64_t one = 1;

    if (atomic_exchange(&w->state, AWAKE) == AWAKE)
        return;
    while (write(w->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* ---- the writer thread ---- */

static unsigned count(const struct link *head)
{
    unsigned n = 0;

    for (const struct link *it = head->next; it != head; it = it->next)
        n++;
    return n;
}

/* Makes private arrays of the lists, so that nobody waits for a disk at the lock. */
static void learn(struct writer *w)
{
    unsigned need;

    if (!atomic_exchange(&w->changed, false))
        return;
    pthread_mutex_lock(&w->lock);
    need = count(&w->ports) + count(&w->sinks) + 1;
    if (need > w->cap) {
        w->cap = need * 2;
        w->port = xrealloc(w->port, w->cap * sizeof *w->port);
        w->sink = xrealloc(w->sink, w->cap * sizeof *w->sink);
        w->polled = xrealloc(w->polled, w->cap * sizeof *w->polled);
    }
    w->nports = w->nsinks = 0;
    list_each (it, &w->ports)
        w->port[w->nports++] = list_entry(it, struct writer_port, link);
    list_each (it, &w->sinks)
        w->sink[w->nsinks++] = list_entry(it, struct writer_sink, link);
    pthread_mutex_unlock(&w->lock);
}

/* What was there when this began; what comes meanwhile is for the next time. */
static bool gather(struct writer_port *p)
{
    size_t at = ring_tail(&p->ring), head = ring_head(&p->ring), released = at;

    if (at == head)
        return false;
    while (at != head) {
        struct ring_record r = ring_at(&p->ring, at);

        sink_add(r.to, r.part);
        at = r.next;
        if (at - released >= p->ring.size / 4) {
            ring_release(&p->ring, at);
            released = at;
        }
    }
    ring_release(&p->ring, at);
    return true;
}

static void remove_sink(struct writer *w, struct writer_sink *s)
{
    pthread_mutex_lock(&w->lock);
    list_remove(&s->link);
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->changed, true);
    sink_free(&s);
}

static void remove_port(struct writer *w, struct writer_port *p)
{
    pthread_mutex_lock(&w->lock);
    list_remove(&p->link);
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->changed, true);
    ring_fini(&p->ring);
    free(p);
}

/* One pass over everything. What was closing before it has nothing left after it. True when there were lines. */
static bool pass(struct writer *w)
{
    bool some = false;

    /* First this, then learn(): a port that was made before the sink was closed is known then. */
    for (unsigned i = 0; i < w->nsinks; i++)
        w->sink[i]->leaving = atomic_load(&w->sink[i]->closing);
    learn(w);
    for (unsigned i = 0; i < w->nports; i++) {
        struct writer_port *p = w->port[i];
        bool leaving = atomic_load(&p->closing);

        some |= gather(p);
        if (leaving)
            remove_port(w, p);
    }
    for (unsigned i = 0; i < w->nsinks; i++) {
        struct writer_sink *s = w->sink[i];

        sink_flush(s);
        if (s->leaving && !(sink_pending(s) && s->blocked))
            remove_sink(w, s);
    }
    learn(w);
    return some;
}

static void reopen(struct writer *w)
{
    learn(w);
    for (unsigned i = 0; i < w->nsinks; i++)
        sink_reopen(w->sink[i]);
}

/* Until a wake-up, room in a sink that was full, or the time is over; timeout in ms, -1: none. */
static void wait_for(struct writer *w, int timeout)
{
    unsigned n = 1;
    uint64_t wakes;

    w->polled[0] = (struct pollfd){ .fd = w->wake, .events = POLLIN };
    for (unsigned i = 0; i < w->nsinks; i++)
        if (w->sink[i]->blocked)
            w->polled[n++] = (struct pollfd){ .fd = w->sink[i]->fd, .events = POLLOUT };
    if (poll(w->polled, n, timeout) <= 0)
        return;
    if (w->polled[0].revents != 0 && read(w->wake, &wakes, sizeof wakes) < 0)
        assert(errno == EAGAIN || errno == EINTR);
    n = 1;
    for (unsigned i = 0; i < w->nsinks; i++)
        if (w->sink[i]->blocked && w->polled[n++].revents != 0)
            w->sink[i]->blocked = false;
}

static bool anything(struct writer *w)
{
    for (unsigned i = 0; i < w->nports; i++)
        if (ring_tail(&w->port[i]->ring) != ring_head(&w->port[i]->ring))
            return true;
    return atomic_load(&w->changed) || atomic_load(&w->stopping) || atomic_load(&w->reopening);
}

static void idle(struct writer *w)
{
    for (unsigned i = 0; i < w->nsinks; i++)
        sink_rest(w->sink[i]);
    /* A producer stores its head and then reads the state; this stores the state and then reads the heads: one of the
     * two sees the other (all four are sequentially consistent). */
    atomic_store(&w->state, IDLE);
    if (!anything(w))
        wait_for(w, -1);
    atomic_store(&w->state, AWAKE);
}

static void rest(struct writer *w)
{
    atomic_store(&w->state, RESTING);
    if (!atomic_load(&w->stopping))
        wait_for(w, REST_MS);
    atomic_store(&w->state, AWAKE);
}

static bool pending(const struct writer *w)
{
    for (unsigned i = 0; i < w->nsinks; i++)
        if (w->sink[i]->blocked && sink_pending(w->sink[i]))
            return true;
    return false;
}

/* The producers have ended: everything is in the ports. */
static void finish(struct writer *w)
{
    pass(w);
    while (pending(w)) {
        sc_msec left = atomic_load(&w->deadline) - clock_mono_ms();

        if (left <= 0)
            return;
        wait_for(w, left < REST_MS ? (int)left : REST_MS);
        pass(w);
    }
}

static void *run(void *arg)
{
    struct writer *w = arg;

    learn(w);
    while (!atomic_load(&w->stopping)) {
        bool some;

        if (atomic_exchange(&w->reopening, false))
            reopen(w);
        some = pass(w);
        if (some)
            rest(w);
        else
            idle(w);
    }
    finish(w);
    return NULL;
}

/* ---- what control calls ---- */

struct writer *writer_start(void)
{
    struct writer *w = aligned_alloc(64, (sizeof *w + 63) & ~(size_t)63);
    sigset_t all, before;
    int failed;

    assert(w != NULL);
    memset(w, 0, sizeof *w);
    atomic_init(&w->changed, true);
    list_init(&w->ports);
    list_init(&w->sinks);
    pthread_mutex_init(&w->lock, NULL);
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(w->wake >= 0);
    /* Signals are control's; SIGPIPE and SIGXFSZ become errors of write. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(failed == 0);
    pthread_setname_np(w->thread, "writer");
    return w;
}

/* A disk that hangs cannot be waited for: the thread is left behind, and its memory with it. */
static bool join(struct writer *w, sc_msec limit)
{
    struct timespec until;
    sc_msec at = clock_wall_ms() + limit + 1000;

    until.tv_sec = at / 1000;
    until.tv_nsec = at % 1000 * 1000000;
    return pthread_timedjoin_np(w->thread, NULL, &until) == 0;
}

void writer_stop(struct writer **wp, sc_msec limit)
{
    struct writer *w = *wp;

    *wp = NULL;
    atomic_store(&w->deadline, clock_mono_ms() + limit);
    atomic_store(&w->stopping, true);
    wake(w);
    if (!join(w, limit))
        return;
    list_each (it, &w->ports)
        remove_port(w, list_entry(it, struct writer_port, link));
    list_each (it, &w->sinks)
        remove_sink(w, list_entry(it, struct writer_sink, link));
    close(w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w->port);
    free(w->sink);
    free(w->polled);
    free(w);
}

void writer_reopen(struct writer *w)
{
    atomic_store(&w->reopening, true);
    wake(w);
}

static struct writer_sink *find_sink(struct writer *w, const char *output)
{
    list_each (it, &w->sinks) {
        struct writer_sink *s = list_entry(it, struct writer_sink, link);

        if (!atomic_load(&s->closing) && strcmp(s->output, output) == 0)
            return s;
    }
    return NULL;
}

struct writer_sink *writer_open(struct writer *w, const char *output, struct sc_error *e)
{
    struct writer_sink *s;

    pthread_mutex_lock(&w->lock);
    s = find_sink(w, output);
    if (s != NULL)
        s->refs++;
    pthread_mutex_unlock(&w->lock);
    if (s != NULL)
        return s;
    s = sink_new(output, e);
    if (s == NULL)
        return NULL;
    pthread_mutex_lock(&w->lock);
    list_push(&w->sinks, &s->link);
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->changed, true);
    wake(w);
    return s;
}

void writer_close(struct writer *w, struct writer_sink **sp)
{
    struct writer_sink *s = *sp;

    *sp = NULL;
    if (s == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    if (--s->refs == 0)
        atomic_store(&s->closing, true);
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->changed, true);
    wake(w);
}

enum writer_style writer_style(const struct writer_sink *s)
{
    return s->style;
}

struct writer_port *writer_port_new(struct writer *w, size_t size)
{
    struct writer_port *p = aligned_alloc(64, (sizeof *p + 63) & ~(size_t)63);

    assert(p != NULL);
    memset(p, 0, sizeof *p);
    list_init(&p->link);
    p->writer = w;
    ring_init(&p->ring, size);
    pthread_mutex_lock(&w->lock);
    list_push(&w->ports, &p->link);
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->changed, true);
    wake(w);
    return p;
}

void writer_port_free(struct writer_port **pp)
{
    struct writer_port *p = *pp;
    struct writer *w;

    *pp = NULL;
    if (p == NULL)
        return;
    w = p->writer;              /* the port may be gone as soon as it is marked */
    atomic_store(&p->closing, true);
    atomic_store(&w->changed, true);
    wake(w);
}

void writer_each(struct writer *w, void (*fn)(void *, const struct writer_stats *), void *arg)
{
    pthread_mutex_lock(&w->lock);
    list_each (it, &w->sinks) {
        struct writer_sink *s = list_entry(it, struct writer_sink, link);

        if (!atomic_load(&s->closing))      /* its output may be open once more already */
            fn(arg, &(struct writer_stats){ s->output, s->lines, s->bytes, s->dropped, s->failing });
    }
    pthread_mutex_unlock(&w->lock);
}

/* ---- what producers call ---- */

bool writer_put(struct writer_port *p, struct writer_sink *s, const char *line, size_t n)
{
    struct writer *w = p->writer;
    size_t used;
    int state;

    if (n > WRITER_LINE_MAX || !ring_put(&p->ring, s, line, n, &used)) {
        sink_drop(s, 1);
        return false;
    }
    state = atomic_load(&w->state);
    if (state == IDLE || (state == RESTING && used > p->ring.size / 4))
        wake(w);
    return true;
}
