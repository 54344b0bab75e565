/* sidecar/loop/seam.c - the transport seam.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rules learnt the hard way, each with a test:
 *  - the library reads a new connection before it registers it with epoll: the table is keyed when we accept;
 *  - "a short read means empty" is wrong once the end of the stream was reported, which is reported once;
 *  - a readiness that came before EPOLL_CTL_ADD must survive it;
 *  - descriptors are process-wide and reused: the entry goes before the real close. */
#include "loop/seam.h"

#ifdef HAVE_SEAM

#include "base/alloc.h"
#include "loop/pump_priv.h"
#include "loop/sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>

/* What a descriptor is: a client, a daemon's epoll (tagged by the lowest bit), or nothing of ours. */
static _Atomic(uintptr_t) *table;
static unsigned table_n;
static __thread struct seam_queue *binding;

bool seam_init(void)
{
    struct rlimit limit;
    void *p;

    if (table != NULL)
        return true;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    table_n = limit.rlim_max > 1u << 20 ? 1u << 20 : (unsigned)limit.rlim_max;
    p = mmap(NULL, table_n * sizeof *table, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return false;
    table = p;
    return true;
}

static inline uintptr_t entry(int fd)
{
    return __builtin_expect((unsigned)fd < table_n, 1)
               ? atomic_load_explicit(&table[fd], memory_order_acquire) : 0;
}

static inline struct client *client_of(int fd)
{
    uintptr_t e = entry(fd);

    return (e & 1) != 0 ? NULL : (struct client *)e;
}

static inline struct seam_queue *queue_of(int fd)
{
    uintptr_t e = entry(fd);

    return (e & 1) == 0 ? NULL : (struct seam_queue *)(e & ~(uintptr_t)1);
}

static void set_entry(int fd, uintptr_t e)
{
    atomic_store_explicit(&table[fd], e, memory_order_release);
}

void seam_bind(struct seam_queue *q)
{
    list_init(&q->ready);
    q->epoll = -1;
    binding = q;
}

bool seam_bound(struct seam_queue *q)
{
    binding = NULL;
    return q->epoll >= 0;
}

bool seam_add(struct client *c)
{
    if ((unsigned)c->io.fd >= table_n) {
        errno = EMFILE;
        return false;
    }
    set_entry(c->io.fd, (uintptr_t)c);
    return true;
}

struct client *seam_client(int fd)
{
    return client_of(fd);
}

/* ---- readiness ---- */

void seam_watch(struct client *c)
{
    if (!c->registered)
        c->registered = io_add(c->loop, &c->io, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

static void offer(struct client *c)
{
    struct seam_queue *q = &c->shard->queue;

    if (c->queued || !c->active)
        return;
    c->queued = true;
    list_push(&q->ready, &c->ready);
    q->poke(q);
}

void seam_event(struct io *io, uint32_t events)
{
    struct client *c = list_entry(io, struct client, io);

    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        c->drained = false;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        c->hup = true;
    c->pending |= events;
    if (c->active)
        offer(c);
    else if (c->hup)
        client_hangup(c, events);
    else if (c->asking && c->parked && (events & EPOLLIN) != 0)
        c->pump->ops->ahead(c->pump->arg, c, c->request);
    if (__builtin_expect(c->mute, 0) && c->request != NULL && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
        c->pump->ops->room(c->pump->arg, c, c->request);
}

int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags)
{
    int fd = __real_epoll_create1(flags);

    if (fd >= 0 && binding != NULL && binding->epoll < 0) {
        if ((unsigned)fd >= table_n) {
            __real_close(fd);
            errno = EMFILE;
            return -1;
        }
        binding->epoll = fd;
        set_entry(fd, (uintptr_t)binding | 1);
    }
    return fd;
}

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e)
{
    struct seam_queue *q = queue_of(epoll);
    struct client *c;

    if (q == NULL)
        return __real_epoll_ctl(epoll, op, fd, e);
    c = client_of(fd);
    if (c == NULL)                      /* the library's own wake-up descriptor: nobody writes to it here */
        return 0;
    if (op == EPOLL_CTL_DEL) {
        c->active = false;
        return 0;
    }
    c->library = e->data.ptr;
    c->active = true;
    if (c->pending != 0)
        offer(c);
    seam_watch(c);
    return c->registered ? 0 : -1;
}

int __wrap_epoll_wait(int epoll, struct epoll_event *e, int max, int timeout);
int __wrap_epoll_wait(int epoll, struct epoll_event *e, int max, int timeout)
{
    struct seam_queue *q = queue_of(epoll);
    struct link *l;
    int n = 0;

    if (q == NULL)
        return __real_epoll_wait(epoll, e, max, timeout);
    while (n < max && (l = list_pop(&q->ready)) != NULL) {
        struct client *c = list_entry(l, struct client, ready);

        c->queued = false;
        if (!c->active)
            continue;
        e[n].events = c->pending;
        e[n++].data.ptr = c->library;
        c->pending = 0;
    }
    return n;
}

/* ---- bytes in ---- */

/* Look again in this turn of the daemon. */
static void again(struct client *c)
{
    c->pending |= EPOLLIN;
    offer(c);
}

void seam_answered(struct client *c)
{
    if (!c->taken && (c->refused == 1 || c->stash != NULL))
        again(c);
}

void seam_again(struct client *c)
{
    again(c);
}

static ssize_t read_socket(struct client *c, void *p, size_t n, int flags)
{
    ssize_t got;

    if (c->drained) {
        errno = EAGAIN;
        return -1;
    }
    got = __real_recv(c->io.fd, p, n, flags);
    if (got < 0) {
        if (errno == EAGAIN)
            c->drained = true;
        return -1;
    }
    if (got > 0 && (size_t)got < n) {
        if (!c->hup)
            c->drained = true;
        else
            again(c);
    }
    return got;
}

/* The library reads ahead now and then: a whole request was delivered, and has not been answered yet. */
static bool awaits_answer(const struct client *c)
{
    return c->begun < c->framing.requests || (c->begun == c->framing.requests && c->request != NULL);
}

static ssize_t not_yet(void)
{
    errno = EAGAIN;
    return -1;
}

/* Everything before was answered: now the violation gets its answer. (Of a client that was taken the library has been told
 * to let go: what it reads is the end.) */
static ssize_t refuse(struct client *c)
{
    char text[2048];

    if (c->refused == 1 && c->mute) {
        c->refused = 2;                 /* another answer is under way */
    } else if (c->refused == 1) {
        size_t n = client_refusal(c, text, sizeof text);

        c->refused = 2;
        c->closing = true;
        if (n > 0 && __real_send(c->io.fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            errno = 0;                  /* it is on its way out either way */
        __real_shutdown(c->io.fd, SHUT_WR);
    }
    return 0;
}

static ssize_t from_stash(struct client *c, char *p, size_t n)
{
    size_t got = client_unstash(c, p, n);

    if (c->stash != NULL)
        again(c);
    return (ssize_t)got;
}

static void to_stash(struct client *c, const char *p, size_t n)
{
    size_t rest = c->stash_n - c->stash_at;
    char *all = xmalloc(n + rest);

    memcpy(all, p, n);
    if (rest > 0)
        memcpy(all + n, c->stash + c->stash_at, rest);
    free(c->stash);
    c->stash = all;
    c->stash_n = n + rest;
    c->stash_at = 0;
    again(c);
}

/* The strict check stopped at byte `fine` of n. */
static ssize_t stopped(struct client *c, char *p, size_t fine, size_t n)
{
    if (c->phase == FRAMING_HELD) {
        to_stash(c, p + fine, n - fine);
        if (fine > 0)
            return (ssize_t)fine;
        errno = EAGAIN;
        return -1;
    }
    free(c->stash);
    c->stash = NULL;
    c->stash_n = c->stash_at = 0;
    if (c->framing.verdict > 0)
        c->refused = 1;
    else
        c->closing = true;              /* bytes behind the last request: dropped */
    if (fine > 0) {
        if (c->refused != 0)
            again(c);
        return (ssize_t)fine;
    }
    if (c->refused == 0)
        return 0;
    return awaits_answer(c) ? not_yet() : refuse(c);
}

/* The client will not send the rest of its request. The library would close, but an answer is under way, and whoever has
 * half-closed reads it. */
static ssize_t ended_early(struct client *c)
{
    c->ended = true;
    return not_yet();
}

static void veil_cookies(const struct framing *f, char *p)
{
    for (unsigned i = 0; i < f->cookies; i++)
        p[f->cookie[i]] = CLIENT_VEIL;
}

ssize_t __wrap_recv(int fd, void *p, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *p, size_t n, int flags)
{
    struct client *c = client_of(fd);
    ssize_t got;
    size_t fine;

    if (__builtin_expect(c == NULL, 0))
        return __real_recv(fd, p, n, flags);
    c->pending &= ~(uint32_t)EPOLLIN;
    if (__builtin_expect(c->refused != 0, 0))
        return c->refused == 1 && awaits_answer(c) ? not_yet() : refuse(c);
    if (__builtin_expect(c->phase == FRAMING_HELD, 0)) {
        if (awaits_answer(c))
            return not_yet();
        framing_release(&c->framing);   /* the answer was not a 101: it goes on as HTTP/1 */
    }
    got = __builtin_expect(c->stash != NULL, 0) ? from_stash(c, p, n) : read_socket(c, p, n, flags);
    if (got <= 0)
        return got == 0 && c->mute ? ended_early(c) : got;
    fine = framing_feed(&c->framing, p, (size_t)got);
    if (c->framing.cookies > 0)
        veil_cookies(&c->framing, p);
    c->phase = framing_phase(&c->framing);
    client_heard(c);
    return __builtin_expect(fine == (size_t)got, 1) ? got : stopped(c, p, fine, (size_t)got);
}

/* ---- bytes out ---- */

/* The user answers himself. */
static ssize_t nowhere(const struct iovec *iov, size_t n)
{
    size_t all = 0;

    while (n-- > 0)
        all += iov[n].iov_len;
    return (ssize_t)all;
}

/* Sends our head in place of the library's, which is the first piece of what it sends: whole, since it builds it in one
 * run. What the library gets told is what it would have been told for its own. */
static ssize_t send_own_head(struct client *c, const struct iovec *iov, size_t n, int flags)
{
    struct iovec mine[4] = { { (char *)c->head + c->head_at, c->head_n - c->head_at } };
    struct msghdr m = { .msg_iov = mine, .msg_iovlen = n < 4 ? n : 4 };
    size_t left = mine[0].iov_len;
    ssize_t sent;

    if (c->mute)
        return nowhere(iov, n);
    for (size_t i = 1; i < m.msg_iovlen; i++)
        mine[i] = iov[i];
    sent = __real_sendmsg(c->io.fd, &m, flags);
    if (sent < 0)
        return -1;
    if ((size_t)sent < left) {
        c->head_at += (size_t)sent;
        errno = EAGAIN;
        return -1;
    }
    c->head = NULL;
    return (ssize_t)iov[0].iov_len + sent - (ssize_t)left;
}

/* Nobody was asked for this answer: the library refuses what it makes of a request. It is refused in our words; 0.9.75 would
 * say its own head twice. */
static bool is_library_refusing(const struct client *c, const struct iovec *iov)
{
    const char *p = iov->iov_base;

    return c->request != NULL && !c->answering && !c->taken && c->refused < 2 && iov->iov_len > 12 &&
           memcmp(p, "HTTP/1.", 7) == 0 && (p[9] == '4' || p[9] == '5');
}

static ssize_t refuse_for_library(struct client *c, const struct iovec *iov, size_t n)
{
    const char *status = (const char *)iov->iov_base + 9;
    size_t all = 0;

    c->framing.verdict = (int16_t)((status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0'));
    c->refused = 1;
    refuse(c);
    for (size_t i = 0; i < n; i++)
        all += iov[i].iov_len;
    return (ssize_t)all;
}

static ssize_t send_pieces(struct client *c, const struct iovec *iov, size_t n, int flags, bool *ours)
{
    *ours = true;
    if (c->head != NULL)
        return send_own_head(c, iov, n, flags);
    if (__builtin_expect(is_library_refusing(c, iov), 0))
        return refuse_for_library(c, iov, n);
    *ours = false;
    return -1;
}

ssize_t __wrap_send(int fd, const void *p, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t n, int flags)
{
    struct client *c = client_of(fd);
    struct iovec iov = { (void *)p, n };
    bool ours = false;
    ssize_t sent = c != NULL ? send_pieces(c, &iov, 1, flags, &ours) : -1;

    return ours ? sent : __real_send(fd, p, n, flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
    struct client *c = client_of(fd);
    bool ours = false;
    ssize_t sent = c != NULL ? send_pieces(c, m->msg_iov, m->msg_iovlen, flags, &ours) : -1;

    return ours ? sent : __real_sendmsg(fd, m, flags);
}

ssize_t __wrap_sendfile64(int out, int in, off_t *offset, size_t n);
ssize_t __wrap_sendfile64(int out, int in, off_t *offset, size_t n)
{
    return __real_sendfile64(out, in, offset, n);
}

/* ---- the end ---- */

int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags)
{
    return __real_accept4(fd, sa, n, flags);
}

int __wrap_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how)
{
    struct client *c = client_of(fd);

    return c != NULL && c->taken ? 0 : __real_shutdown(fd, how);
}

/* Unread bytes would turn the close into a reset, which may destroy the answer on its way. Bounded. */
static void linger(int fd)
{
    char waste[16384];

    for (int i = 0; i < 16; i++)
        if (__real_recv(fd, waste, sizeof waste, MSG_DONTWAIT) <= 0)
            return;
}

int __wrap_close(int fd);
int __wrap_close(int fd)
{
    uintptr_t e = entry(fd);

    if (e != 0) {
        set_entry(fd, 0);
        if ((e & 1) == 0) {
            struct client *c = (struct client *)e;

            if (!c->drained && !c->taken)
                linger(fd);
            client_closed(c);
        }
    }
    return __real_close(fd);
}

#endif
