/* sidecar/loop/accept.c - new clients: accepting, limits, pauses, and which worker takes them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * All pumps of a listener watch its socket; one of them is woken. Its connections are counted in the listener, for all
 * workers, as soon as they are accepted: before the one who takes them knows of them. */
#include "loop/mhdpump.h"

#include "base/alloc.h"
#include "base/log.h"
#include "loop/pump_priv.h"
#include "loop/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    ACCEPT_BATCH = 16,
    ACCEPT_REST = 65536,            /* more than any queue of the kernel holds */
    OWN_FILES = 32,                 /* descriptors of the process's own: workers, listeners, logs */
    PAUSE_MS = 100,                 /* no descriptors, or too many connections: look again after this */
    UNEVEN_FROM = 16,               /* fewer connections than this are not worth moving to another worker */
};

struct handed {                     /* a socket that another worker accepted for us */
    struct mail mail;
    struct pump *pump;
    int fd;
    socklen_t n;
    struct sockaddr_storage from;
};

/* ---- limits and pauses ---- */

/* A client may need a connection to a target, too: if clients had the last descriptors, they would get errors. */
static struct {
    unsigned most;
    atomic_uint now;
} sharers;

void accept_setup(void)
{
    struct rlimit limit;
    rlim_t files = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1u << 20 ? limit.rlim_cur : 1u << 20;

    sharers.most = files < OWN_FILES + 4 ? 2 : (unsigned)(files - OWN_FILES) / 2;
}

static void count(struct pump *p)
{
    if (p->limits.shares)
        atomic_fetch_add_explicit(&sharers.now, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&p->listener->connections, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&p->listener->held[p->index], 1, memory_order_relaxed);
}

/* Who still waits when the socket is about to be closed would be reset: the limit does not hold for them, unless the socket
 * stays for another process. They are as many as the kernel's queue holds, and all of them are about to end. */
static bool is_full(const struct pump *p)
{
    if (!p->accepting && !p->listener->handed)
        return false;
    if (p->limits.shares && atomic_load_explicit(&sharers.now, memory_order_relaxed) >= sharers.most)
        return true;
    return atomic_load_explicit(&p->listener->connections, memory_order_relaxed) >= p->limits.max_connections;
}

static void pause_accepting(struct pump *p)
{
    if (p->watching)
        io_del(p->loop, &p->accept);
    p->watching = false;
    if (p->accepting)
        timer_start(p->loop, &p->pause, PAUSE_MS);
}

static void listen_again(struct pump *p)
{
    if (is_full(p))
        return;
    timer_stop(&p->pause);
    p->watching = io_add(p->loop, &p->accept, EPOLLIN | (p->listener->n > 1 ? EPOLLEXCLUSIVE : 0));
    if (!p->watching)
        timer_start(p->loop, &p->pause, PAUSE_MS);
}

static void on_pause_over(struct timer *t)
{
    struct pump *p = list_entry(t, struct pump, pause);

    if (!p->accepting || p->watching)
        return;
    listen_again(p);
    if (!p->watching)
        timer_start(p->loop, &p->pause, PAUSE_MS);
}

void accept_uncount(struct pump *p)
{
    if (p->limits.shares)
        atomic_fetch_sub_explicit(&sharers.now, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&p->listener->connections, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&p->listener->held[p->index], 1, memory_order_relaxed);
    if (p->accepting && !p->watching)
        listen_again(p);
}

/* ---- who takes it ---- */

static void adopt(struct pump *p, int fd, const struct sockaddr *from, socklen_t n)
{
    struct shard *s = shard_pick(p);
    struct client *c = s == NULL ? NULL : client_new(s, fd, from, n);

    if (c == NULL) {
        sys_close(fd);
        accept_uncount(p);
        return;
    }
    library_add(c);
}

static void on_handed(struct mail *m)
{
    struct handed *h = list_entry(m, struct handed, mail);

    adopt(h->pump, h->fd, (struct sockaddr *)&h->from, h->n);
    free(h);
}

/* The worker that was asleep longest accepts first, so one may collect them all: past 1.5 times its share it hands them
 * to the one that has the fewest. */
static struct pump *who_takes(struct pump *p)
{
    struct listener *l = p->listener;
    unsigned mine = atomic_load_explicit(&l->held[p->index], memory_order_relaxed), least = mine;
    struct pump *best = p;

    if (l->n < 2 || mine < UNEVEN_FROM ||
        mine * 2 * l->n <= 3 * atomic_load_explicit(&l->connections, memory_order_relaxed))
        return p;
    for (unsigned i = 0; i < l->n; i++) {
        unsigned held = atomic_load_explicit(&l->held[i], memory_order_relaxed);
        struct pump *other = atomic_load_explicit(&l->pumps[i], memory_order_acquire);

        if (other != NULL && held < least) {
            best = other;
            least = held;
        }
    }
    return best;
}

static void hand_over(struct pump *to, int fd, const struct sockaddr_storage *from, socklen_t n)
{
    struct handed *h = xnew(struct handed);

    *h = (struct handed){ { .fn = on_handed }, to, fd, n, *from };
    loop_post(to->loop, &h->mail);
}

/* ---- accepting ---- */

/* False: nothing waits, or nothing can be taken now. */
static bool accept_one(struct pump *p)
{
    struct listener *l = p->listener;
    struct sockaddr_storage from;
    socklen_t n = sizeof from;
    struct pump *to;
    int fd;

    if (is_full(p)) {
        log_limited(LOG_WARN_, "listener on %s: new clients wait: %u are here; max_connections is %u, descriptors suffice "
                               "for %u", l->text, atomic_load_explicit(&l->connections, memory_order_relaxed),
                    p->limits.max_connections, sharers.most);
        pause_accepting(p);
        if (p->ops->full != NULL)
            p->ops->full(p->arg);
        return false;
    }
    if (shard_pick(p) == NULL) {                /* it was short of descriptors, and said so */
        pause_accepting(p);
        return false;
    }
    fd = sys_accept4(l->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_limited(LOG_ERROR_, "listener on %s: cannot accept: %s", l->text, strerror(errno));
            pause_accepting(p);
        }
        return errno == ECONNABORTED || errno == EINTR;
    }
    to = who_takes(p);
    count(to);
    if (to == p)
        adopt(p, fd, (struct sockaddr *)&from, n);
    else
        hand_over(to, fd, &from, n);
    return true;
}

static void on_acceptable(struct io *io, uint32_t events)
{
    struct pump *p = list_entry(io, struct pump, accept);

    (void)events;
    for (int i = 0; i < ACCEPT_BATCH && accept_one(p); i++)
        ;
}

void accept_init(struct pump *p)
{
    p->accept = (struct io){ on_acceptable, p->listener->fd };
    p->pause.fn = on_pause_over;
}

void pump_start(struct pump *p)
{
    p->accepting = true;
    if (!p->watching)
        listen_again(p);
}

void pump_stop(struct pump *p)
{
    p->accepting = false;
    timer_stop(&p->pause);
    if (p->watching)
        io_del(p->loop, &p->accept);
    p->watching = false;
}

unsigned pump_accept_rest(struct pump *p)
{
    unsigned n = 0;

    if (listener_is_shut(p->listener))
        return 0;
    listener_refuse_new(p->listener);
    while (n < ACCEPT_REST && accept_one(p))
        n++;
    return n;
}
