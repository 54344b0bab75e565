/* sidecar/loop/loop.c - one thread's event loop.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A turn: sleep until a descriptor, a timer or a letter; letters; descriptors; timers; tasks; free what was let go. */
#include "loop/loop.h"

#include "base/alloc.h"
#include "base/log.h"
#include "loop/sys.h"
#include "loop/wheel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

enum { BATCH = 256 };

struct freed {
    struct freed *next;
};

struct loop {
    int epoll;
    bool stop;
    sc_msec now;
    struct wheel wheel;
    struct task *tasks, **tasks_end;
    unsigned ntasks;
    struct freed *freed;
    int at, n;                                  /* of the batch being dealt with */
    uint32_t turn;
    struct epoll_event batch[BATCH];
    struct io wake;
    _Alignas(64) _Atomic(struct mail *) mail;   /* newest first */
};

static __thread struct loop *here;

static void read_mail(struct loop *l);

/* A letter put between read_mail and here has its wake-up taken away by this read: so the box is looked at once more. */
static void on_wake(struct io *io, uint32_t events)
{
    struct loop *l = list_entry(io, struct loop, wake);
    uint64_t count;

    (void)events;
    while (read(io->fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    read_mail(l);
}

struct loop *loop_new(void)
{
    struct loop *l = xnew(struct loop);

    l->epoll = sys_epoll_create(EPOLL_CLOEXEC);
    l->wake = (struct io){ on_wake, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
    if (l->epoll < 0 || l->wake.fd < 0 || !io_add(l, &l->wake, EPOLLIN)) {
        log_error("no event loop: %m");
        abort();
    }
    l->now = clock_mono_ms();
    wheel_init(&l->wheel, l->now);
    l->tasks_end = &l->tasks;
    return l;
}

static void free_later_now(struct loop *l)
{
    while (l->freed != NULL) {
        struct freed *f = l->freed;

        l->freed = f->next;
        free(f);
    }
}

void loop_free(struct loop **lp)
{
    struct loop *l = *lp;

    *lp = NULL;
    if (l == NULL)
        return;
    free_later_now(l);
    sys_close(l->epoll);
    sys_close(l->wake.fd);
    if (here == l)
        here = NULL;
    free(l);
}

struct loop *loop_here(void)
{
    return here;
}

sc_msec loop_now(const struct loop *l)
{
    return l->now;
}

int64_t loop_now_ns(struct loop *l)
{
    int64_t ns = clock_mono_ns();

    l->now = ns / 1000000;
    return ns;
}

bool io_add(struct loop *l, struct io *io, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = io };

    return sys_epoll_ctl(l->epoll, EPOLL_CTL_ADD, io->fd, &e) == 0;
}

bool io_mod(struct loop *l, struct io *io, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = io };

    return sys_epoll_ctl(l->epoll, EPOLL_CTL_MOD, io->fd, &e) == 0;
}

void io_del(struct loop *l, struct io *io)
{
    sys_epoll_ctl(l->epoll, EPOLL_CTL_DEL, io->fd, NULL);
    io_forget(l, io);
}

void io_forget(struct loop *l, struct io *io)
{
    for (int i = l->at; i < l->n; i++)
        if (l->batch[i].data.ptr == io)
            l->batch[i].data.ptr = NULL;
}

void timer_start(struct loop *l, struct timer *t, sc_msec delay)
{
    if (t->pending)
        wheel_remove(&l->wheel, t);
    t->at = l->now + (delay < 0 ? 0 : delay);
    wheel_add(&l->wheel, t);
}

void timer_stop(struct timer *t)
{
    if (t->pending)
        wheel_remove(t->in, t);
}

void loop_task(struct loop *l, struct task *t)
{
    if (t->queued)
        return;
    t->queued = true;
    t->next = NULL;
    *l->tasks_end = t;
    l->tasks_end = &t->next;
    l->ntasks++;
}

void loop_task_cancel(struct loop *l, struct task *t)
{
    if (!t->queued)
        return;
    t->queued = false;
    for (struct task **at = &l->tasks; *at != NULL; at = &(*at)->next)
        if (*at == t) {
            *at = t->next;
            if (l->tasks_end == &t->next)
                l->tasks_end = at;
            l->ntasks--;
            return;
        }
}

/* As many as were queued when we began; what these queue comes in the next turn, which does not sleep. */
static void run_tasks(struct loop *l)
{
    for (unsigned n = l->ntasks; n > 0 && l->tasks != NULL; n--) {
        struct task *t = l->tasks;

        l->tasks = t->next;
        if (l->tasks == NULL)
            l->tasks_end = &l->tasks;
        l->ntasks--;
        t->queued = false;
        t->fn(t);
    }
}

void loop_free_later(struct loop *l, void *p)
{
    struct freed *f = p;

    f->next = l->freed;
    l->freed = f;
}

void loop_post(struct loop *l, struct mail *m)
{
    static const uint64_t one = 1;
    struct mail *was = atomic_load_explicit(&l->mail, memory_order_relaxed);

    do
        m->next = was;
    while (!atomic_compare_exchange_weak_explicit(&l->mail, &was, m, memory_order_release, memory_order_relaxed));
    if (was == NULL)                            /* the box was empty: its owner may be asleep */
        while (write(l->wake.fd, &one, sizeof one) < 0 && errno == EINTR)
            ;
}

static void read_mail(struct loop *l)
{
    struct mail *m, *ordered = NULL;

    if (atomic_load_explicit(&l->mail, memory_order_relaxed) == NULL)
        return;
    m = atomic_exchange_explicit(&l->mail, NULL, memory_order_acquire);
    while (m != NULL) {
        struct mail *next = m->next;

        m->next = ordered;
        ordered = m;
        m = next;
    }
    while (ordered != NULL) {
        m = ordered;
        ordered = m->next;
        m->fn(m);
    }
}

void loop_read_mail(struct loop *l)
{
    read_mail(l);
}

static int how_long(struct loop *l)
{
    sc_msec wait;

    if (l->tasks != NULL || l->stop)
        return 0;
    wait = wheel_wait(&l->wheel, l->now);
    return wait > 3600 * 1000 ? 3600 * 1000 : (int)wait;
}

static void turn(struct loop *l)
{
    int n = sys_epoll_wait(l->epoll, l->batch, BATCH, how_long(l));

    assert(n >= 0 || errno == EINTR);
    l->now = clock_mono_ms();
    l->turn++;
    l->n = n < 0 ? 0 : n;
    read_mail(l);
    for (l->at = 0; l->at < l->n;) {
        struct epoll_event *e = &l->batch[l->at++];
        struct io *io = e->data.ptr;

        if (io != NULL)
            io->fn(io, e->events);
    }
    l->at = l->n = 0;
    wheel_run(&l->wheel, l->now);
    run_tasks(l);
    if (l->freed != NULL)
        free_later_now(l);
}

void loop_run(struct loop *l)
{
    here = l;
    while (!l->stop)
        turn(l);
    l->stop = false;
}

uint32_t loop_turn(const struct loop *l)
{
    return l->turn;
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}
