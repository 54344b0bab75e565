/* sidecar/loop/client.c - the connection of one client: its deadlines, its parking, its end.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the pump holds of a client is counted here, from client_new() to client_closed(). Nothing here knows the library:
 * bytes and events come from the seam, or from the loop where there is no seam. */
#include "loop/client.h"

#include "base/alloc.h"
#include "loop/pump_priv.h"
#include "loop/sys.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>

enum {
    QUICKACK_FROM = 64 * 1024,      /* of a body that is still to come */
    LOOK_AGAIN_MS = 100,            /* a client that was about to end, and from which something had just come */
    STUCK_MS = 1000,                /* without the seam: a body of which nothing came is looked at */
};

/* ---- what it sends ---- */

/* How long the timer may sleep in the middle of a body. */
static sc_msec next_look(const struct client *c, sc_msec due)
{
    if (pump_has_seam() || c->parked || c->phase != FRAMING_BODY || due < STUCK_MS)
        return due;
    return c->full_at == c->stamp ? LOOK_AGAIN_MS : STUCK_MS;
}

/* A sender with a small buffer waits for our acknowledgement, and the kernel holds it back for 40 ms when pieces are
 * smaller than its segments (on loopback 64 KiB): measured, an upload of 64 MiB took 32 s instead of 0.3 s. */
static void body_goes_on(struct client *c)
{
    static const int one = 1;
    sc_msec timeout = next_look(c, c->pump->limits.body_timeout);

    if (c->timer.at > c->stamp + timeout)
        timer_start(c->loop, &c->timer, timeout);
    if (c->drained && c->framing.left > QUICKACK_FROM && c->address.any.sa_family != AF_UNIX)
        setsockopt(c->io.fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
}

void client_heard(struct client *c)
{
    const struct pump_limits *limits = &c->pump->limits;

    c->stamp = loop_now(c->loop);
    if (__builtin_expect(c->phase == FRAMING_HEAD, 0)) {
        if (c->head_since == 0) {
            c->head_since = c->stamp;
            timer_start(c->loop, &c->timer, limits->header_timeout);
        }
        return;
    }
    c->head_since = 0;
    if (c->phase == FRAMING_BODY)
        body_goes_on(c);
}

size_t client_refusal(struct client *c, char *to, size_t room)
{
    int status = c->late ? 408 : c->framing.verdict;

    return c->pump->ops->refuse(c->pump->arg, c, status, to, room);
}

/* ---- deadlines ---- */

/* Answers a head that does not come to its end, and closes. */
static void head_late(struct client *c)
{
    char text[2048];
    size_t n;

    c->late = true;
    c->closing = true;
    n = client_refusal(c, text, sizeof text);
    if (n > 0 && sys_send(c->io.fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        errno = 0;
    client_kill(c);
}

/* In the head of the request that is next; not in one that was sent ahead while the answer to another is awaited. */
static bool in_head(const struct client *c)
{
    return c->head_since != 0 && (c->request == NULL || c->begun > c->framing.requests);
}

/* Between requests; before the first one nobody needs to be waited for any longer than for a head. */
static sc_msec idle_limit(const struct client *c)
{
    const struct pump_limits *limits = &c->pump->limits;

    if (c->pump->draining)
        return c->pump->grace;
    if (c->begun > 0)
        return limits->idle_timeout;
    return limits->idle_timeout < limits->header_timeout ? limits->idle_timeout : limits->header_timeout;
}

void client_idles(struct client *c)
{
    sc_msec idle = idle_limit(c);

    c->stamp = loop_now(c->loop);
    if (!c->timer.pending || c->timer.at > c->stamp + idle)
        timer_start(c->loop, &c->timer, idle);
}

/* A request has begun to come, or waits to be read, and whoever sent it shall have an answer. What the library has read
 * and not begun is the check's count ahead of the library's; without the seam it is gone through within this turn. */
static bool is_on_its_way(const struct client *c)
{
    char first;

    return c->stash != NULL || c->phase == FRAMING_HEAD || c->phase == FRAMING_BODY ||
           c->framing.requests > c->begun || sys_recv(c->io.fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void end_idle(struct client *c)
{
    sc_msec longest = c->stamp + idle_limit(c) + c->pump->limits.header_timeout;

    if (loop_now(c->loop) > longest || !is_on_its_way(c)) {
        client_kill(c);
        return;
    }
    timer_start(c->loop, &c->timer, LOOK_AGAIN_MS);
    client_poke(c);
}

/* Without the seam: the library's memory is full of what is no piece of a body, as an extension of a chunk may be. Then it
 * reads no more, not even the end, and runs all the time. It may also be about to read, so there are two looks. */
static bool is_stuck(struct client *c, sc_msec now)
{
    char first;
    bool looked = c->full_at == c->stamp;

    if (pump_has_seam() || c->request == NULL || c->parked || c->phase != FRAMING_BODY || now - c->stamp < STUCK_MS)
        return false;
    c->full_at = sys_recv(c->io.fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN ? c->stamp : 0;
    c->full = looked && c->full_at != 0;
    return c->full;
}

/* One timer for all deadlines of a client: when it fires, look which one applies now and how far off it is. */
static void on_timer(struct timer *t)
{
    struct client *c = list_entry(t, struct client, timer);
    const struct pump_limits *limits = &c->pump->limits;
    sc_msec now = loop_now(c->loop), due;

    if (in_head(c))
        due = c->head_since + limits->header_timeout;
    else if (c->request != NULL && (c->parked || c->phase != FRAMING_BODY))
        due = now + limits->body_timeout;               /* the exchange has deadlines of its own */
    else if (c->request != NULL)
        due = c->stamp + limits->body_timeout;
    else
        due = c->stamp + idle_limit(c);
    if (due > now && !is_stuck(c, now))
        timer_start(c->loop, t, next_look(c, due - now));
    else if (in_head(c))
        head_late(c);
    else if (c->mute)
        timer_start(c->loop, t, limits->body_timeout);  /* who answers already says how long that may take */
    else if (c->request != NULL)
        c->pump->ops->body_late(c->pump->arg, c, c->request);
    else
        end_idle(c);
}

void client_drain(struct client *c)
{
    if (c->request == NULL && c->head_since == 0)
        client_idles(c);
}

void client_review(struct client *c)
{
    if (!c->taken)
        timer_start(c->loop, &c->timer, 0);
}

/* ---- parking ---- */

void client_hangup(struct client *c, uint32_t events)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (!c->parked || c->taken || c->request == NULL)
        return;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        c->pump->ops->gone(c->pump->arg, c, c->request);
        return;
    }
    /* Only the client's sending side has ended. Closed, or half-closed and waiting for the answer? An interim answer
     * (RFC 9110 15.2: any number of them, and clients ignore what they did not ask for) brings a reset if nobody is
     * there. HTTP/1.0 knows no interim answers. */
    if (!c->probed && !c->answering && c->minor) {
        c->probed = true;
        c->asking = false;
        if (sys_send(c->io.fd, interim, sizeof interim - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
            c->pump->ops->gone(c->pump->arg, c, c->request);
    }
}

#ifndef HAVE_SEAM
static void on_parked_event(struct io *io, uint32_t events)
{
    struct client *c = list_entry(io, struct client, io);

    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        io_del(c->loop, io);                            /* level-triggered: once is enough */
        c->registered = false;
    } else {
        io_mod(c->loop, io, 0);                         /* from now on only what is always reported: the true end */
    }
    client_hangup(c, events);
}

static void unwatch(struct client *c)
{
    if (c->registered)
        io_del(c->loop, &c->io);
    c->registered = false;
}
#endif

void client_park(struct client *c)
{
    assert(!c->parked);
    c->parked = true;
    library_suspend(c);
#ifdef HAVE_SEAM
    seam_watch(c);
    if (c->hup)
        client_hangup(c, 0);
#else
    c->registered = io_add(c->loop, &c->io, EPOLLRDHUP);
#endif
}

void client_resume(struct client *c)
{
    assert(c->parked);
    c->parked = c->asking = false;
    c->stamp = loop_now(c->loop);
#ifndef HAVE_SEAM
    unwatch(c);
#endif
    library_resume(c);
    client_poke(c);
}

bool client_listen(struct client *c)
{
#ifdef HAVE_SEAM
    c->asking = !framing_body_begun(&c->framing) && (c->pending & EPOLLIN) == 0 && !c->hup;
    return c->asking;
#else
    (void)c;
    return true;
#endif
}

/* ---- what users may do to it ---- */

/* A client that does not read has more waiting for it than this. */
static bool has_room(const struct client *c, size_t n)
{
    int waiting = 0, room = 0;
    socklen_t size = sizeof room;

    return ioctl(c->io.fd, SIOCOUTQ, &waiting) == 0 && getsockopt(c->io.fd, SOL_SOCKET, SO_SNDBUF, &room, &size) == 0 &&
           n + (size_t)waiting <= (size_t)room / 2;
}

/* Cut short it could not be taken back, and what comes behind it would be read as the rest of it. */
bool client_interim(struct client *c, const char *text, size_t n)
{
    ssize_t sent;

    if (!c->parked || c->answering || c->taken || !c->minor || !has_room(c, n))
        return false;
    sent = sys_send(c->io.fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0 && (size_t)sent < n)
        client_kill(c);
    return sent == (ssize_t)n;
}

void client_set_head(struct client *c, struct sc_str head)
{
    assert(pump_has_seam());
    c->head = head.p;
    c->head_n = head.n;
    c->head_at = 0;
}

void client_mute(struct client *c)
{
    assert(pump_has_seam());
    c->head = "";                                       /* what the library sends is looked at */
    c->mute = c->answering = true;
#ifdef HAVE_SEAM
    seam_watch(c);
#endif
}

void client_end(struct client *c, bool reset)
{
    assert(c->mute);
    if (c->taken)
        return;
    c->taken = true;
    c->refused = 3;
#ifdef HAVE_SEAM
    if (!c->parked)
        seam_again(c);                                  /* the library reads, and finds the end */
#endif
    client_drop(c, reset);
}

void client_poke(struct client *c)
{
    loop_task(c->loop, &c->shard->run);
}

static void set_linger(struct client *c, bool reset)
{
    const struct linger l = { reset, 0 };

    setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    c->by_close = reset;
}

void client_by_close(struct client *c)
{
    set_linger(c, true);
}

void client_whole(struct client *c)
{
    if (c->by_close)
        set_linger(c, false);
}

/* A shutdown sends FIN. To connect with nobody (connect(2)) sends RST, and leaves the descriptor to its owner. */
void client_cut(struct client *c)
{
    static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

    if (!c->by_close || connect(c->io.fd, &nobody, sizeof nobody) != 0)
        sys_shutdown(c->io.fd, SHUT_RDWR);
}

void client_kill(struct client *c)
{
    client_cut(c);
    library_let_go(c);
    client_poke(c);
}

/* ---- a socket taken over ---- */

bool client_take(struct client *c, void (*fn)(struct io *io, uint32_t events))
{
    assert(!c->taken);
    c->taken = true;
    c->io.fn = fn;
    timer_stop(&c->timer);
#ifdef HAVE_SEAM
    c->refused = 3;
    seam_watch(c);
#else
    c->registered = io_add(c->loop, &c->io, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
#endif
    return c->registered;
}

size_t client_unstash(struct client *c, char *to, size_t n)
{
    size_t have = c->stash_n - c->stash_at;

    if (have > n)
        have = n;
    memcpy(to, c->stash + c->stash_at, have);
    c->stash_at += have;
    if (c->stash_at == c->stash_n) {
        free(c->stash);
        c->stash = NULL;
        c->stash_n = c->stash_at = 0;
    }
    return have;
}

ssize_t client_recv(struct client *c, void *to, size_t n)
{
    assert(c->taken);
    return c->stash != NULL ? (ssize_t)client_unstash(c, to, n) : sys_recv(c->io.fd, to, n, 0);
}

void client_drop(struct client *c, bool reset)
{
    static const struct linger at_once = { 1, 0 };

    assert(c->taken);
    if (reset)
        setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    library_drop(c);
    client_poke(c);
}

/* ---- birth and end ---- */

static void describe(struct client *c)
{
    const char *text = "unix";

    if (c->address.any.sa_family == AF_INET)
        text = inet_ntop(AF_INET, &c->address.v4.sin_addr, c->text, sizeof c->text);
    else if (c->address.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&c->address.v6.sin6_addr))
        text = inet_ntop(AF_INET, (char *)&c->address.v6.sin6_addr + 12, c->text, sizeof c->text);
    else if (c->address.any.sa_family == AF_INET6)
        text = inet_ntop(AF_INET6, &c->address.v6.sin6_addr, c->text, sizeof c->text);
    else
        memcpy(c->text, text, 5);
    c->text_n = (uint8_t)strlen(c->text);
}

struct client *client_new(struct shard *s, int fd, const struct sockaddr *from, socklen_t n)
{
    struct pump *p = s->pump;
    struct client *c = xcalloc(1, sizeof *c);

    c->io.fd = fd;
#ifdef HAVE_SEAM
    c->io.fn = seam_event;
    if (!seam_add(c)) {
        free(c);
        return NULL;
    }
#else
    c->io.fn = on_parked_event;
#endif
    c->loop = p->loop;
    c->pump = p;
    c->shard = s;
    c->address_n = n;
    memcpy(&c->address, from, n < sizeof c->address ? n : sizeof c->address);
    describe(c);
    framing_init(&c->framing, &s->framing);
    c->closing = p->last_answers;
    c->stamp = loop_now(p->loop);
    c->timer.fn = on_timer;
    timer_start(p->loop, &c->timer, idle_limit(c));
    list_init(&c->ready);
    list_push(&p->clients, &c->all);
    p->nclients++;
    slack_more(p);
    s->clients++;
    return c;
}

void client_closed(struct client *c)
{
    struct pump *p = c->pump;

#ifdef HAVE_SEAM
    if (c->registered)
        io_forget(c->loop, &c->io);
    c->registered = false;
#else
    unwatch(c);
#endif
    if (p->ops->closed != NULL)
        p->ops->closed(p->arg, c);
    timer_stop(&c->timer);
    list_remove(&c->all);
    if (c->queued)
        list_remove(&c->ready);
    p->nclients--;
    slack_less(p);
    c->shard->clients--;
    free(c->stash);
    c->stash = NULL;
    loop_free_later(p->loop, c);
    accept_uncount(p);
}
