/* sidecar/proxy/pool.c - connections to targets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/pool.h"

#include "base/alloc.h"
#include "base/log.h"
#include "discovery/target.h"
#include "loop/curlmux.h"
#include "loop/sys.h"
#include "loop/tls.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

enum { AGE_MS = 1000 };
enum { PATIENCE_LEAST = 500 };          /* ms; what ends sooner ends for other reasons than its age */
#define TLS_READ 16384L                 /* the most that one record holds */

/* All connections of this worker to one target; found by the target's slot. */
struct pool_home {
    uint64_t id;                        /* of the target; another one in the slot means a new home */
    uint64_t transport;                 /* of the service, as whoever came last knows it */
    struct link idle;                   /* the loop has looked at them since they were put back */
    struct link resting;                /* put back in turn `since` */
    uint32_t since;
    unsigned nidle;                     /* of both */
    sc_msec patience;                   /* how long the target seems to keep an idle connection; 0: not known */
};

struct connecting {                     /* what libcurl is busy with */
    struct curlmux_job job;
    struct upconn *conn;
    struct curl_slist *connect_to;
    int stolen;                         /* the socket that libcurl must not close; -1: none */
};

struct pool {
    struct loop *loop;
    struct curlmux *curl;
    const struct pool_ops *ops;
    bool openssl;                       /* is what libcurl speaks TLS with, the one we know */
    struct pool_home **homes;           /* by slot */
    unsigned nhomes;
    struct link age;
    struct timer aging;
};

static void on_aging(struct timer *t);

struct pool *pool_new(struct loop *loop, struct curlmux *curl, const struct pool_ops *ops)
{
    struct pool *p = xnew(struct pool);

    p->loop = loop;
    p->curl = curl;
    p->ops = ops;
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

/* ---- events ---- */

static ssize_t send_some(struct upconn *c, const struct iovec *iov, unsigned n)
{
    ssize_t sent;

    if (c->tls && !c->ending) {
        size_t k = 0;
        CURLcode r = curl_easy_send(c->easy, iov[0].iov_base, iov[0].iov_len, &k);

        errno = r == CURLE_AGAIN ? EAGAIN : EPIPE;
        sent = r == CURLE_OK ? (ssize_t)k : -1;
    } else if (n == 1) {
        sent = sys_send(c->io.fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL);
    } else {
        struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };

        sent = sys_sendmsg(c->io.fd, &m, MSG_NOSIGNAL);
    }
    if (sent > 0)
        c->sent_any = true;
    else if (sent < 0 && errno == EAGAIN)
        c->writable = false;
    else if (sent < 0)
        c->broken = true;
    return sent;
}

static bool flush(struct upconn *c)
{
    while (c->out.n > 0 && c->writable) {
        struct iovec iov = { c->out.p, c->out.n };
        ssize_t n = send_some(c, &iov, 1);

        if (n < 0)
            return errno == EAGAIN;
        buf_drop(&c->out, (size_t)n);
    }
    if (c->ending && c->out.n == 0)
        sys_shutdown(c->io.fd, SHUT_WR);
    return true;
}

void upconn_gather(struct upconn *c, const struct iovec *iov, unsigned n)
{
    for (; n > 0; n--, iov++)
        buf_add(&c->out, iov->iov_base, iov->iov_len);
}

bool upconn_send(struct upconn *c, struct iovec *iov, unsigned n)
{
    while (n > 0 && c->out.n == 0 && c->writable && !c->tls) {
        ssize_t sent = send_some(c, iov, n);

        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0)
            return false;
        while (n > 0 && (size_t)sent >= iov->iov_len) {
            sent -= (ssize_t)iov->iov_len;
            iov++;
            n--;
        }
        if (n > 0) {
            iov->iov_base = (char *)iov->iov_base + sent;
            iov->iov_len -= (size_t)sent;
        }
    }
    /* What was gathered goes first. A TLS write that was put off has to be done again with the same bytes: so those always
     * go from ours. */
    upconn_gather(c, iov, n);
    return c->writable ? flush(c) : true;
}

/* OpenSSL's connection, if it is the OpenSSL that we know. */
static void *ssl_of(const struct upconn *c)
{
    const struct curl_tlssessioninfo *info = NULL;

    return c->pool->openssl && curl_easy_getinfo((CURL *)c->easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK
               ? info->internals : NULL;
}

void upconn_end(struct upconn *c)
{
    char goodbye[TLS_GOODBYE_MAX];
    void *ssl = c->tls ? ssl_of(c) : NULL;

    assert(c->out.n == 0 && !c->ending);
    if (ssl != NULL)
        buf_add(&c->out, goodbye, tls_goodbye(ssl, goodbye));
    c->ending = true;
    if (!flush(c))
        c->hup = c->readable = true;
}

void upconn_reset(struct upconn *c)
{
    static const struct linger at_once = { 1, 0 };

    if (c != NULL)
        setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

bool upconn_quiet(struct upconn *c)
{
    char byte;

    return c->tls && upconn_recv(c, &byte, 1) < 0 && errno == EAGAIN;
}

int upconn_look(struct upconn *c)
{
    char byte;
    ssize_t n = c->tls ? upconn_recv(c, &byte, 1) : sys_recv(c->io.fd, &byte, 1, MSG_PEEK);

    return n > 0 ? 1 : n < 0 && errno == EAGAIN ? 0 : -1;
}

static void on_event(struct io *io, uint32_t events)
{
    struct upconn *c = list_entry(io, struct upconn, io);

    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        c->hup = true;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        c->readable = true;
    if (c->user == NULL) {
        if (c->readable && !upconn_quiet(c)) {  /* idle: whatever it is, nobody asked for it */
            learn_patience(c->home, loop_now(c->pool->loop) - c->idle_since);
            pool_close(c);
        }
        return;
    }
    if ((events & EPOLLOUT) != 0 && !c->writable) {
        c->writable = true;
        if (!flush(c)) {
            c->readable = true;         /* the reader finds out why */
            c->hup = true;
        } else if (c->out.n == 0) {
            c->pool->ops->writable(c);
        }
    }
    if (c->readable && c->user != NULL)
        c->pool->ops->readable(c);
}

/* TLS has messages of its own (tickets, new keys): so a read may wait for room to write, and a write for bytes. Each event
 * lets both go on. */
static void on_tls_event(struct io *io, uint32_t events)
{
    on_event(io, events | EPOLLIN | EPOLLOUT);
}

/* What libcurl takes for the end of the stream is one only if the peer said so; else somebody cut the connection. */
static bool is_cut(const struct upconn *c)
{
    void *ssl = ssl_of(c);

    return ssl != NULL && !tls_peer_closed(ssl);
}

/* libcurl may hold bytes of which the socket tells nothing: so c->readable stays until libcurl has no more. */
static ssize_t recv_tls(struct upconn *c, void *to, size_t n)
{
    size_t got = 0;
    CURLcode r = curl_easy_recv(c->easy, to, n, &got);

    if (r == CURLE_OK && (got > 0 || !is_cut(c)))
        return (ssize_t)got;
    if (r == CURLE_AGAIN && !c->hup) {
        c->readable = false;
        errno = EAGAIN;
    } else {
        errno = ECONNRESET;             /* after the end there is nothing to wait for */
    }
    return -1;
}

ssize_t upconn_recv(struct upconn *c, void *to, size_t n)
{
    ssize_t got;

    if (c->tls)
        return recv_tls(c, to, n);
    got = sys_recv(c->io.fd, to, n, 0);
    if (got > 0 && (size_t)got < n && !c->hup)
        c->readable = false;            /* that was all: the next byte brings an event */
    if (got < 0 && errno == EAGAIN)
        c->readable = false;
    return got;
}

/* ---- opening ---- */

static int on_curl_close(void *arg, curl_socket_t fd)
{
    struct connecting *k = arg;

    if (k->stolen == (int)fd)
        return 0;
    curlmux_closing(k->conn->pool->curl, (int)fd);
    return sys_close((int)fd);
}

static enum err error_of(CURL *easy, CURLcode r, const char **detail)
{
    long verified = 0;

    *detail = curl_easy_strerror(r);
    switch (r) {
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_CONNECT_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
        return ERR_TLS_CERTIFICATE;
    case CURLE_SSL_CONNECT_ERROR:           /* newer versions check the name within the handshake */
        curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verified);
        return verified > 1 ? ERR_TLS_CERTIFICATE : ERR_TLS_FAILED;     /* 1: it did not come to that */
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
        return ERR_TLS_FAILED;
    default:
        return ERR_CONNECT_REFUSED;
    }
}

static void free_connecting(struct connecting *k)
{
    curl_slist_free_all(k->connect_to);
    free(k);
}

/* A write that waits moves and grows in c->out. */
static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
    (void)easy;
    (void)arg;
    tls_allow_moving(ssl_ctx);
    return CURLE_OK;
}

/* Plain: the socket becomes ours and libcurl's handle goes. TLS: the handle stays, and with it its session. */
static bool settle(struct upconn *c, struct connecting *k)
{
    static const int one = 1;
    curl_socket_t fd = CURL_SOCKET_BAD;

    curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd == CURL_SOCKET_BAD)
        return false;
    c->io.fd = fd;
    curlmux_release(c->pool->curl, fd);
    if (!c->tls) {
        k->stolen = fd;
        curlmux_remove(c->pool->curl, c->easy);
        curl_easy_cleanup(c->easy);
        c->easy = NULL;
        free_connecting(k);
        if (c->target->sa.ss_family != AF_UNIX)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    } else {
        c->io.fn = on_tls_event;
        curl_easy_setopt(c->easy, CURLOPT_BUFFERSIZE, TLS_READ);
    }
    c->connected = c->writable = true;
    return io_add(c->pool->loop, &c->io, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

static void on_connect_done(struct curlmux_job *job, void *easy, int result)
{
    struct connecting *k = list_entry(job, struct connecting, job);
    struct upconn *c = k->conn;
    const char *detail = "no descriptor for the connection";
    enum err e = ERR_INTERNAL;

    if (result == CURLE_OK && settle(c, k)) {
        c->pool->ops->connected(c);
        return;
    }
    if (result != CURLE_OK)
        e = error_of(easy, (CURLcode)result, &detail);
    c->pool->ops->failed(c, e, detail);
    pool_close(c);
}

static void set_tls(CURL *easy, const struct pool *p, const struct upstream_tls_conf *t)
{
    if (p->openssl)
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    if (t->ca != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, t->ca);
    if (t->certificate != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, t->certificate);
    if (t->key != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, t->key);
    if (!t->verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

/* The URL carries what TLS is to check; where to connect is said apart from it, as a number. */
static void set_address(CURL *easy, struct connecting *k, const struct upconn *c, const struct plan_service *s)
{
    const char *name = s->conf->tls.server_name != NULL ? s->conf->tls.server_name : c->target->host;
    char text[512];

    if (c->target->sa.ss_family == AF_UNIX) {
        const struct sockaddr_un *local = (const struct sockaddr_un *)&c->target->sa;

        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, local->sun_path);
        curl_easy_setopt(easy, CURLOPT_URL, c->tls ? "https://localhost/" : "http://localhost/");
        return;
    }
    if (!c->tls) {
        snprintf(text, sizeof text, "http://%s/", c->target->address);
        curl_easy_setopt(easy, CURLOPT_URL, text);
        return;
    }
    snprintf(text, sizeof text, strchr(name, ':') != NULL ? "https://[%s]:%u/" : "https://%s:%u/", name,
             c->target->port);
    curl_easy_setopt(easy, CURLOPT_URL, text);
    snprintf(text, sizeof text, "::%s", c->target->address);
    k->connect_to = curl_slist_append(NULL, text);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, k->connect_to);
}

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
    struct connecting *k = xnew(struct connecting);
    CURL *easy = curlmux_easy(&k->job);

    c->io = (struct io){ on_event, -1 };
    c->pool = p;
    c->home = home_for(p, s, t);
    c->transport = s->transport;
    c->target = target_ref(t);
    c->counts = limit_counts_ref(s->counts);
    list_init(&c->idle);
    list_init(&c->age);
    c->user = user;
    c->tls = s->conf->protocol == PROTOCOL_HTTPS || t->tls;
    c->easy = easy;
    k->job.done = on_connect_done;
    k->conn = c;
    k->stolen = -1;
    set_address(easy, k, c, s);
    if (c->tls)
        set_tls(easy, p, &s->conf->tls);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 1024L);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_curl_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, k);
    if (!curlmux_add(p->curl, easy, &k->job))
        abort();
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
        if (wish == POOL_ANY || upconn_look(c) == 0)
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
    if (c->easy != NULL) {
        struct connecting *k = NULL;

        curl_easy_getinfo((CURL *)c->easy, CURLINFO_PRIVATE, (char **)&k);
        curlmux_remove(p->curl, c->easy);
        curl_easy_cleanup(c->easy);
        free_connecting(k);
    } else if (c->io.fd >= 0) {
        io_forget(p->loop, &c->io);
        sys_close(c->io.fd);
    }
    buf_fini(&c->out);
    target_unref(&c->target);
    atomic_fetch_sub_explicit(&c->counts->connections, 1, memory_order_relaxed);
    limit_counts_unref(&c->counts);
    loop_free_later(p->loop, c);
}
