/* sidecar/loop/mhdpump.c - libmicrohttpd's daemons on a loop.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The library from three sides: its daemons (shards) and when they run, the callbacks it makes, and the life of the pump
 * that owns them. What a connection does is in client.c, where it comes from in accept.c. */
#include "loop/mhdpump.h"

#include "base/alloc.h"
#include "base/log.h"
#include "loop/pump_priv.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHARD_CLIENTS = 128,            /* connections of one daemon; see the README for the measurement */
#ifdef HAVE_SEAM
    RUNS = 4,                       /* the library takes a run for each step of a request; a turn of the loop costs more */
#else
    RUNS = 1,                       /* it looks at its sockets itself, and would not see what else has happened */
#endif
};

/* ---- versions ---- */

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

bool mhdpump_reads_extensions(void)
{
    return !version_at_least(1, 0, 0);
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

bool pump_init(void)
{
    accept_setup();
#ifdef HAVE_SEAM
    if (!seam_init()) {
        log_error("no memory for the table of descriptors: %m");
        return false;
    }
#endif
    return true;
}

/* ---- the library's callbacks ---- */

static struct client *client_of(struct MHD_Connection *m)
{
    return MHD_get_connection_info(m, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Where the bytes do not come through our hands, the library's callbacks tell how far the client is. */
static void heard_without_seam(struct client *c, enum framing_phase phase)
{
#ifdef HAVE_SEAM
    (void)c;
    (void)phase;
#else
    c->phase = phase;
    client_heard(c);
#endif
}

void client_request_whole(struct client *c)
{
    heard_without_seam(c, FRAMING_IDLE);
}

static void *on_request_line(void *arg, const char *target, struct MHD_Connection *m)
{
    struct client *c = client_of(m);
    struct pump *p = arg;

    c->probed = c->answering = false;
    c->begun++;
    heard_without_seam(c, FRAMING_HEAD);
    c->request = p->ops->begin(p->arg, c, target);
    return c->request;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *m, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **request)
{
    struct pump *p = arg;
    struct client *c = client_of(m);

    (void)url;
    heard_without_seam(c, FRAMING_BODY);
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
    c->mute = c->ended = false;
    heard_without_seam(c, FRAMING_IDLE);
#ifdef HAVE_SEAM
    seam_answered(c);
#endif
    client_idles(c);
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
    client_closed(c);
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

    if (!pump_has_seam())
        f |= MHD_ALLOW_UPGRADE;                 /* with it, sockets are taken from the library: client_take */

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
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, s->pool_size,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u,
#if HAVE_DECL_MHD_OPTION_CLIENT_DISCIPLINE_LVL
        version_at_least(0, 9, 78) ? MHD_OPTION_CLIENT_DISCIPLINE_LVL : MHD_OPTION_STRICT_FOR_CLIENT, strict,
#else
        MHD_OPTION_STRICT_FOR_CLIENT, strict,
#endif
        MHD_OPTION_END);
}

/* The daemon's calls have to arrive at the seam. */
static bool connect_daemon(struct shard *s)
{
#ifdef HAVE_SEAM
    seam_bind(&s->queue);
    s->daemon = start_daemon(s);
    if (!seam_bound(&s->queue) && s->daemon != NULL) {
        log_error("libmicrohttpd's calls do not arrive at the transport seam: nothing would be checked");
        abort();
    }
    return s->daemon != NULL;
#else
    s->daemon = start_daemon(s);
    if (s->daemon == NULL)
        return false;
    s->io = (struct io){ on_library_event, MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd };
    if (io_add(s->pump->loop, &s->io, EPOLLIN))
        return true;
    MHD_stop_daemon(s->daemon);
    return false;
#endif
}

static struct shard *shard_new(struct pump *p)
{
    struct shard *s = xnew(struct shard);

    s->pump = p;
    s->run.fn = on_run;
    list_init(&s->queue.ready);
    s->queue.loop = p->loop;
    s->queue.poke = on_poke;
    s->pool_size = p->limits.pool_size;
    s->framing = p->limits.framing;
    if (!connect_daemon(s)) {
        log_limited(LOG_ERROR_, "listener on %s: libmicrohttpd does not start: %s", p->listener->text, strerror(errno));
        free(s);
        return NULL;
    }
    p->shards = xrealloc(p->shards, (p->nshards + 1) * sizeof *p->shards);
    p->shards[p->nshards++] = s;
    return s;
}

static void shard_free(struct shard *s)
{
#ifndef HAVE_SEAM
    io_del(s->pump->loop, &s->io);
#endif
    MHD_run(s->daemon);                         /* what was resumed has to come back before the end */
    MHD_stop_daemon(s->daemon);
    loop_task_cancel(s->pump->loop, &s->run);
    free(s);
}

/* The limits that a connection keeps from its beginning: its memory holds a head of that size. */
static bool same_heads(const struct shard *s, const struct pump_limits *l)
{
    const struct framing_limits *a = &s->framing, *b = &l->framing;

    return s->pool_size == l->pool_size && a->head_max == b->head_max && a->target_max == b->target_max &&
           a->fields_max == b->fields_max && a->extension_max == b->extension_max && a->extensions == b->extensions;
}

struct shard *shard_pick(struct pump *p)
{
    struct shard *best = p->current;

    if (best != NULL && best->clients < SHARD_CLIENTS)
        return best;
    for (unsigned i = 0; i < p->nshards; i++)
        if (same_heads(p->shards[i], &p->limits) && (best == NULL || p->shards[i]->clients < best->clients))
            best = p->shards[i];
    if (best == NULL || best->clients >= SHARD_CLIENTS / 2)
        best = shard_new(p);
    return p->current = best;
}

/* ---- the library's side of a client ---- */

void library_add(struct client *c)
{
    if (MHD_add_connection(c->shard->daemon, c->io.fd, &c->address.any, c->address_n) != MHD_YES) {
        log_limited(LOG_WARN_, "libmicrohttpd did not take a connection: %s", strerror(errno));
#ifndef HAVE_SEAM
        client_closed(c);                       /* with it, the seam has seen the library close the socket */
#endif
    }
    client_poke(c);
}

void library_suspend(struct client *c)
{
    MHD_suspend_connection(c->mhd);
}

void library_resume(struct client *c)
{
    MHD_resume_connection(c->mhd);
}

/* With the seam the handler is called again and refuses; in the handler's call it is about to. */
void library_drop(struct client *c)
{
    if (c->upgraded != NULL) {
        MHD_upgrade_action(c->upgraded, MHD_UPGRADE_ACTION_CLOSE);
    } else if (c->parked) {
        c->parked = false;
        library_resume(c);
    }
}

/* What the seam says of a socket the library hears in any case. */
void library_let_go(struct client *c)
{
    if (!pump_has_seam() && c->mhd != NULL && !c->taken)
        MHD_set_connection_option(c->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
}

/* ---- the pump ---- */

struct pump *pump_new(struct loop *loop, struct listener *listener, unsigned index, const struct pump_limits *limits,
                      const struct pump_ops *ops, void *arg)
{
    struct pump *p = xnew(struct pump);

    p->loop = loop;
    p->listener = listener_ref(listener);
    p->index = index;
    p->limits = *limits;
    p->ops = ops;
    p->arg = arg;
    accept_init(p);
    slack_init(p);
    list_init(&p->clients);
    atomic_store_explicit(&listener->pumps[index], p, memory_order_release);
    return p;
}

bool pump_ready(struct pump *p)
{
    return shard_pick(p) != NULL;
}

void pump_free(struct pump **pp)
{
    struct pump *p = *pp;

    *pp = NULL;
    if (p == NULL)
        return;
    pump_stop(p);
    for (unsigned i = 0; i < p->nshards; i++)
        shard_free(p->shards[i]);
    free(p->shards);
    slack_stop(p);
    listener_unref(&p->listener);
    free(p);
}

/* Daemons whose limits are not in force any more, and that have nobody left. */
static void drop_old_shards(struct pump *p)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < p->nshards; i++) {
        struct shard *s = p->shards[i];

        if (s->clients == 0 && !same_heads(s, &p->limits))
            shard_free(s);
        else
            p->shards[kept++] = s;
    }
    p->nshards = kept;
}

void pump_set_limits(struct pump *p, const struct pump_limits *limits)
{
    const struct pump_limits was = p->limits;

    p->limits = *limits;
    if (p->current != NULL && !same_heads(p->current, limits))
        p->current = NULL;
    drop_old_shards(p);
    if (limits->header_timeout < was.header_timeout || limits->body_timeout < was.body_timeout ||
        limits->idle_timeout < was.idle_timeout)
        list_each(it, &p->clients)
            client_review(list_entry(it, struct client, all));
}

void pump_last_answers(struct pump *p)
{
    p->last_answers = true;
    list_each(it, &p->clients)
        list_entry(it, struct client, all)->closing = true;
}

void pump_drain(struct pump *p, sc_msec grace)
{
    pump_last_answers(p);
    p->draining = true;
    p->grace = grace;
    list_each(it, &p->clients)
        client_drain(list_entry(it, struct client, all));
}

bool pump_draining(const struct pump *p)
{
    return p->draining;
}

bool pump_is_over(const struct pump *p)
{
    return listener_is_shut(p->listener) &&
           atomic_load_explicit(&p->listener->held[p->index], memory_order_relaxed) == 0;
}

void pump_abort(struct pump *p)
{
    list_each(it, &p->clients) {
        struct client *c = list_entry(it, struct client, all);

        if ((c->taken || c->mute) && c->request != NULL) {
            p->ops->cut(p->arg, c, c->request);
            continue;
        }
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

void *pump_tag(const struct pump *p)
{
    return p->tag;
}

void pump_set_tag(struct pump *p, void *tag)
{
    p->tag = tag;
}
