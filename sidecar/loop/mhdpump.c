/* sidecar/loop/mhdpump.c - libmicrohttpd's daemons on a loop.
 * SPDX-License-Identifier: Apache-2.0 */
#include "loop/mhdpump.h"

#include "base/alloc.h"
#include "base/log.h"
#include "loop/pump_priv.h"
#include "loop/sys.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SHARD_CLIENTS = 128,            /* connections of one daemon; see the README for the measurement */
    ACCEPT_BATCH = 16,
    RUNS = 4,                       /* the library takes a run for each step of a request; a turn of the loop costs more */
    QUICKACK_FROM = 64 * 1024,      /* of a body that is still to come */
    PAUSE_MS = 100,                 /* no descriptors, or too many connections: look again after this */
    DRAIN_FRESH_MS = 500,           /* what a new connection has left for its request when the listener drains */
    UNEVEN_FROM = 16,               /* fewer connections than this are not worth moving to another worker */
};

struct shard {
    struct seam_queue queue;
    struct MHD_Daemon *daemon;
    struct pump *pump;
    struct task run;
    struct io io;                   /* without the seam: the library's epoll descriptor */
    unsigned clients;
};

struct pump {
    struct loop *loop;
    struct listener *listener;
    unsigned index, position;
    struct pump_limits limits;      /* a copy: connections outlive the plan that it came from */
    const struct pump_ops *ops;
    void *arg;
    struct shard **shards;
    unsigned nshards;
    struct shard *current;          /* where the next connection goes, as long as there is room */
    struct io accept;
    bool accepting, watching, last_answers, draining;
    struct timer pause;
    struct link clients;
    unsigned nclients;
};

struct handed {                     /* a socket that another worker accepted for us */
    struct mail mail;
    struct pump *pump;
    int fd;
    socklen_t n;
    struct sockaddr_storage from;
};

/* ---- versions ---- */

bool pump_has_seam(void)
{
#ifdef HAVE_SEAM
    return true;
#else
    return false;
#endif
}

const char *mhdpump_version(void)
{
    return MHD_get_version();
}

static bool version_at_least(unsigned major, unsigned minor, unsigned patch)
{
    unsigned a = 0, b = 0, c = 0;

    sscanf(MHD_get_version(), "%u.%u.%u", &a, &b, &c);
    return a != major ? a > major : b != minor ? b > minor : c >= patch;
}

const char *mhdpump_degraded(void)
{
    if (pump_has_seam())
        return NULL;
    return version_at_least(1, 0, 10)
               ? "requests are checked after the library's parser (no transport seam in this build)"
               : "requests are checked after the library's parser (no transport seam in this build), and this version "
                 "of it hides some malformed ones: trusted networks only";
}

/* Whether the library answers requests to its socket calls here: see seam_bound(). */
bool pump_init(void)
{
#ifdef HAVE_SEAM
    if (!seam_init()) {
        log_error("no memory for the table of descriptors: %m");
        return false;
    }
#endif
    return true;
}

/* ---- clients ---- */

struct seam_queue *shard_queue(struct shard *s)
{
    return &s->queue;
}

const struct pump_limits *pump_limits(const struct client *c)
{
    return &c->pump->limits;
}

static void listen_again(struct pump *p);

static void client_gone_now(struct client *c)
{
    struct pump *p = c->pump;

    if (p->ops->closed != NULL)
        p->ops->closed(p->arg, c);
    timer_stop(&c->timer);
    list_remove(&c->all);
    if (c->queued)
        list_remove(&c->ready);
    p->nclients--;
    c->shard->clients--;
    atomic_fetch_sub_explicit(&p->listener->connections, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&p->listener->held[p->index], 1, memory_order_relaxed);
    free(c->stash);
    c->stash = NULL;
    loop_free_later(p->loop, c);
    if (p->accepting && !p->watching)
        listen_again(p);
}

void pump_closed(struct client *c)
{
    if (c->registered) {
        c->registered = false;
        io_forget(c->loop, &c->io);
    }
    client_gone_now(c);
}

void pump_hangup(struct client *c, uint32_t events)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (!c->parked || c->request == NULL)
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
        if (sys_send(c->io.fd, interim, sizeof interim - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
            c->pump->ops->gone(c->pump->arg, c, c->request);
    }
}

size_t pump_refusal(struct client *c, char *to, size_t room)
{
    int status = c->late ? 408 : c->framing.verdict;

    return c->pump->ops->refuse(c->pump->arg, c, status, to, room);
}

/* A sender with a small buffer waits for our acknowledgement, and the kernel holds it back for 40 ms when pieces are
 * smaller than its segments (on loopback 64 KiB): measured, an upload of 64 MiB took 32 s instead of 0.3 s. */
static void body_goes_on(struct client *c)
{
    static const int one = 1;
    sc_msec timeout = c->pump->limits.body_timeout;

    if (c->timer.at > c->stamp + timeout)
        timer_start(c->loop, &c->timer, timeout);
    if (c->drained && c->framing.left > QUICKACK_FROM && c->address.any.sa_family != AF_UNIX)
        setsockopt(c->io.fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
}

void pump_heard(struct client *c)
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

/* Answers a head that does not come to its end, and closes. */
static void head_late(struct client *c)
{
    char text[2048];
    size_t n;

    c->late = true;
    c->closing = true;
    n = pump_refusal(c, text, sizeof text);
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

    if (c->framing.requests > 0)
        return limits->idle_timeout;
    if (c->pump->draining)
        return DRAIN_FRESH_MS;
    return limits->idle_timeout < limits->header_timeout ? limits->idle_timeout : limits->header_timeout;
}

/* One timer for all deadlines of a client: when it fires, look which one applies now and how far off it is. */
static void on_client_timer(struct timer *t)
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
    if (due > now)
        timer_start(c->loop, t, due - now);
    else if (in_head(c))
        head_late(c);
    else if (c->request != NULL)
        c->pump->ops->body_late(c->pump->arg, c, c->request);
    else
        client_kill(c);
}

void client_park(struct client *c)
{
    assert(!c->parked);
    c->parked = true;
    MHD_suspend_connection(c->mhd);
#ifdef HAVE_SEAM
    seam_watch(c);
    if (c->hup)
        pump_hangup(c, 0);
#else
    c->registered = io_add(c->loop, &c->io, EPOLLRDHUP);
#endif
}

void client_resume(struct client *c)
{
    assert(c->parked);
    c->parked = false;
    c->stamp = loop_now(c->loop);
#ifndef HAVE_SEAM
    if (c->registered)
        io_del(c->loop, &c->io);
    c->registered = false;
#endif
    MHD_resume_connection(c->mhd);
    client_poke(c);
}

void client_set_head(struct client *c, const char *text, size_t n)
{
    assert(pump_has_seam());
    c->head = text;
    c->head_n = n;
    c->head_at = 0;
}

void client_poke(struct client *c)
{
    loop_task(c->loop, &c->shard->run);
}

void client_kill(struct client *c)
{
    sys_shutdown(c->io.fd, SHUT_RDWR);
    client_poke(c);
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
    pump_hangup(c, events);
}
#endif

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

/* ---- the library's callbacks ---- */

static struct client *client_of(struct MHD_Connection *m)
{
    return MHD_get_connection_info(m, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void *on_request_line(void *arg, const char *target, struct MHD_Connection *m)
{
    struct client *c = client_of(m);
    struct pump *p = arg;

    c->probed = c->answering = false;
    c->begun++;
    c->request = p->ops->begin(p->arg, c, target);
    return c->request;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *m, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **request)
{
    struct pump *p = arg;
    struct client *c = client_of(m);

    (void)url;
    return p->ops->handle(p->arg, c, *request, method, version, data, size) != 0 ? MHD_YES : MHD_NO;
}

static void on_completed(void *arg, struct MHD_Connection *m, void **request, enum MHD_RequestTerminationCode why)
{
    struct pump *p = arg;
    struct client *c = client_of(m);
    bool clean = why == MHD_REQUEST_TERMINATED_COMPLETED_OK;

    if (*request == NULL)
        return;
    p->ops->completed(p->arg, c, *request, clean);
    *request = c->request = NULL;
    c->head = NULL;
    c->stamp = loop_now(p->loop);
    if (p->draining && clean)               /* its head may have gone out before the end had begun */
        client_kill(c);
}

/* The library says in the next MHD_run (0.9.75), or at once (1.0), which connection it made of a socket of ours. */
static struct client *by_socket(struct pump *p, int fd)
{
#ifdef HAVE_SEAM
    (void)p;
    return seam_client(fd);
#else
    for (struct link *l = p->clients.prev; l != &p->clients; l = l->prev) {         /* the newest come last */
        struct client *c = list_entry(l, struct client, all);

        if (c->io.fd == fd)
            return c;
    }
    return NULL;
#endif
}

static void on_connection(void *arg, struct MHD_Connection *m, void **context, enum MHD_ConnectionNotificationCode what)
{
    struct client *c;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        c = by_socket(arg, MHD_get_connection_info(m, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
        c->mhd = m;
        *context = c;
        return;
    }
    c = *context;
    c->mhd = NULL;
#ifndef HAVE_SEAM
    if (c->registered)
        io_del(c->loop, &c->io);
    c->registered = false;
    client_gone_now(c);
#endif
}

static size_t keep_escapes(void *arg, struct MHD_Connection *m, char *s)
{
    (void)arg;
    (void)m;
    return strlen(s);                       /* paths are normalised by us, from the raw target */
}

static void on_log(void *arg, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void on_log(void *arg, const char *fmt, va_list ap)
{
    char text[512];
    int n;

    (void)arg;
    if (log_level_now() < LOG_DEBUG_)
        return;
    n = vsnprintf(text, sizeof text, fmt, ap);
    if (n > 0)
        log_limited(LOG_DEBUG_, "libmicrohttpd: %s", log_safe(str_trim((struct sc_str){
            text, (size_t)n < sizeof text ? (size_t)n - (text[n - 1] == '\n') : sizeof text - 1 })));
}

/* ---- shards ---- */

static bool wants_more(struct shard *s)
{
    MHD_UNSIGNED_LONG_LONG ms;

    return MHD_get_timeout(s->daemon, &ms) == MHD_YES && ms == 0;
}

static void on_run(struct task *t)
{
    struct shard *s = list_entry(t, struct shard, run);

    for (unsigned i = 0; i < RUNS; i++) {
        MHD_run(s->daemon);
        if (list_empty(&s->queue.ready) && !wants_more(s))
            return;
    }
    loop_task(s->pump->loop, t);
}

static void on_poke(struct seam_queue *q)
{
    struct shard *s = list_entry(q, struct shard, queue);

    loop_task(s->pump->loop, &s->run);
}

#ifndef HAVE_SEAM
static void on_library_event(struct io *io, uint32_t events)
{
    struct shard *s = list_entry(io, struct shard, io);

    (void)events;
    loop_task(s->pump->loop, &s->run);
}
#endif

static unsigned flags(void)
{
    unsigned f = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
                 MHD_USE_SUPPRESS_DATE_NO_CLOCK | MHD_USE_ERROR_LOG;

#if HAVE_DECL_MHD_USE_NO_THREAD_SAFETY
    if (version_at_least(1, 0, 0))
        f |= MHD_USE_NO_THREAD_SAFETY;
#endif
    return f;
}

static struct MHD_Daemon *start_daemon(struct shard *s)
{
    struct pump *p = s->pump;
    int strict = pump_has_seam() ? 0 : 1;

    return MHD_start_daemon(
        flags(), 0, NULL, NULL, on_request, p,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, p,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, p,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, p,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)SHARD_CLIENTS + 8,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, p->limits.pool_size,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u,
#if HAVE_DECL_MHD_OPTION_CLIENT_DISCIPLINE_LVL
        version_at_least(0, 9, 78) ? MHD_OPTION_CLIENT_DISCIPLINE_LVL : MHD_OPTION_STRICT_FOR_CLIENT, strict,
#else
        MHD_OPTION_STRICT_FOR_CLIENT, strict,
#endif
        MHD_OPTION_END);
}

static struct shard *shard_new(struct pump *p)
{
    struct shard *s = xnew(struct shard);

    s->pump = p;
    s->run.fn = on_run;
    list_init(&s->queue.ready);
    s->queue.loop = p->loop;
    s->queue.poke = on_poke;
#ifdef HAVE_SEAM
    seam_bind(&s->queue);
    s->daemon = start_daemon(s);
    if (!seam_bound(&s->queue) && s->daemon != NULL) {
        log_error("libmicrohttpd's calls do not arrive at the transport seam: nothing would be checked");
        abort();
    }
    if (s->daemon == NULL) {
        free(s);
        return NULL;
    }
#else
    s->daemon = start_daemon(s);
    if (s->daemon == NULL) {
        free(s);
        return NULL;
    }
    s->io = (struct io){ on_library_event, MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd };
    if (!io_add(p->loop, &s->io, EPOLLIN)) {
        MHD_stop_daemon(s->daemon);
        free(s);
        return NULL;
    }
#endif
    p->shards = xrealloc(p->shards, (p->nshards + 1) * sizeof *p->shards);
    p->shards[p->nshards++] = s;
    return s;
}

static struct shard *pick_shard(struct pump *p)
{
    struct shard *best = p->current;

    if (best != NULL && best->clients < SHARD_CLIENTS)
        return best;
    for (unsigned i = 0; i < p->nshards; i++)
        if (best == NULL || p->shards[i]->clients < best->clients)
            best = p->shards[i];
    if (best == NULL || best->clients >= SHARD_CLIENTS / 2)
        best = shard_new(p);
    return p->current = best;
}

/* ---- accepting ---- */

static void adopt(struct pump *p, int fd, const struct sockaddr *from, socklen_t n)
{
    struct shard *s = pick_shard(p);
    struct client *c;

    if (s == NULL) {
        sys_close(fd);
        atomic_fetch_sub_explicit(&p->listener->connections, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&p->listener->held[p->index], 1, memory_order_relaxed);
        return;
    }
    c = xcalloc(1, sizeof *c);
    c->io.fd = fd;
    c->loop = p->loop;
    c->pump = p;
    c->shard = s;
    c->address_n = n;
    memcpy(&c->address, from, n < sizeof c->address ? n : sizeof c->address);
    describe(c);
    framing_init(&c->framing, &p->limits.framing);
    c->closing = p->last_answers;
    c->stamp = loop_now(p->loop);
    c->timer.fn = on_client_timer;
    timer_start(p->loop, &c->timer, idle_limit(c));
    list_init(&c->ready);
    list_push(&p->clients, &c->all);
    p->nclients++;
    s->clients++;
#ifdef HAVE_SEAM
    c->io.fn = seam_event;
    if (!seam_add(c)) {
        client_gone_now(c);
        sys_close(fd);
        return;
    }
#else
    c->io.fn = on_parked_event;
#endif
    if (MHD_add_connection(s->daemon, fd, &c->address.any, c->address_n) != MHD_YES) {
        log_limited(LOG_WARN_, "libmicrohttpd did not take a connection: %s", strerror(errno));
#ifndef HAVE_SEAM
        client_gone_now(c);
#endif
    }
    loop_task(p->loop, &s->run);
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
    if (atomic_load_explicit(&p->listener->connections, memory_order_relaxed) >= p->limits.max_connections)
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

/* False: nothing waits, or nothing can be taken now. */
static bool accept_one(struct pump *p)
{
    struct listener *l = p->listener;
    struct sockaddr_storage from;
    socklen_t n = sizeof from;
    struct pump *to;
    int fd;

    if (atomic_load_explicit(&l->connections, memory_order_relaxed) >= p->limits.max_connections) {
        log_limited(LOG_WARN_, "listener %s: at max_connections (%u): new clients wait", l->name,
                    p->limits.max_connections);
        pause_accepting(p);
        return false;
    }
    fd = sys_accept4(l->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_limited(LOG_ERROR_, "listener %s: cannot accept: %s", l->name, strerror(errno));
            pause_accepting(p);
        }
        return errno == ECONNABORTED || errno == EINTR;
    }
    to = who_takes(p);
    atomic_fetch_add_explicit(&l->connections, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&l->held[to->index], 1, memory_order_relaxed);
    if (to == p) {
        adopt(p, fd, (struct sockaddr *)&from, n);
    } else {
        struct handed *h = xnew(struct handed);

        *h = (struct handed){ { .fn = on_handed }, to, fd, n, from };
        loop_post(to->loop, &h->mail);
    }
    return true;
}

static void on_acceptable(struct io *io, uint32_t events)
{
    struct pump *p = list_entry(io, struct pump, accept);

    (void)events;
    for (int i = 0; i < ACCEPT_BATCH && accept_one(p); i++)
        ;
}

/* ---- the pump ---- */

struct pump *pump_new(struct loop *loop, struct listener *listener, unsigned index, const struct pump_limits *limits,
                      const struct pump_ops *ops, void *arg)
{
    struct pump *p = xnew(struct pump);

    p->loop = loop;
    p->listener = listener;
    p->index = index;
    p->limits = *limits;
    p->ops = ops;
    p->arg = arg;
    p->accept = (struct io){ on_acceptable, listener->fd };
    p->pause.fn = on_pause_over;
    list_init(&p->clients);
    if (shard_new(p) == NULL) {
        free(p->shards);
        free(p);
        return NULL;
    }
    atomic_store_explicit(&listener->pumps[index], p, memory_order_release);
    return p;
}

void pump_free(struct pump **pp)
{
    struct pump *p = *pp;

    *pp = NULL;
    if (p == NULL)
        return;
    pump_stop(p);
    for (unsigned i = 0; i < p->nshards; i++) {
        struct shard *s = p->shards[i];

#ifndef HAVE_SEAM
        io_del(p->loop, &s->io);
#endif
        MHD_run(s->daemon);                     /* what was resumed has to come back before the end */
        MHD_stop_daemon(s->daemon);
        loop_task_cancel(p->loop, &s->run);
        free(s);
    }
    free(p->shards);
    free(p);
}

void pump_set_limits(struct pump *p, const struct pump_limits *limits)
{
    p->limits = *limits;
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

void pump_close_listener(struct pump *p)
{
    sys_close(p->listener->fd);
    p->listener->fd = -1;
}

unsigned pump_accept_rest(struct pump *p)
{
    unsigned n = 0;

    while (n < 65536 && accept_one(p))
        n++;
    return n;
}

void pump_last_answers(struct pump *p)
{
    p->last_answers = true;
    list_each(it, &p->clients)
        list_entry(it, struct client, all)->closing = true;
}

void pump_drain(struct pump *p)
{
    pump_last_answers(p);
    p->draining = true;
    list_each(it, &p->clients) {
        struct client *c = list_entry(it, struct client, all);

        if (c->request != NULL || c->head_since != 0)
            continue;
        if (c->framing.requests > 0)
            client_kill(c);
        else
            timer_start(p->loop, &c->timer, DRAIN_FRESH_MS);
    }
}

bool pump_draining(const struct pump *p)
{
    return p->draining;
}

void pump_abort(struct pump *p)
{
    list_each(it, &p->clients) {
        struct client *c = list_entry(it, struct client, all);

        if (c->parked && c->request != NULL)
            p->ops->gone(p->arg, c, c->request);
        client_kill(c);
    }
}

unsigned pump_connections(const struct pump *p)
{
    return p->nclients;
}

struct listener *pump_listener(const struct pump *p)
{
    return p->listener;
}

unsigned pump_position(const struct pump *p)
{
    return p->position;
}

void pump_set_position(struct pump *p, unsigned position)
{
    p->position = position;
}
