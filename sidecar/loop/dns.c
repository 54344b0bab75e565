/* sidecar/loop/dns.c - questions to name servers, by c-ares.
 * SPDX-License-Identifier: Apache-2.0 */
#include "loop/dns.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"

#define CARES_NO_DEPRECATED             /* what replaces ares_query() is younger than the c-ares of Debian 12 */
#include <ares.h>
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char resolv_conf[] = "/etc/resolv.conf";

enum { UDP_SIZE = 1232 };               /* what passes everywhere in one piece */

/* One of the library's channels, with its sockets and its time. */
struct channel {
    struct dns *dns;
    ares_channel ares;                  /* NULL: could not be made, or was not needed yet */
    struct link ios;
    struct timer timer;
};

/* A socket of the library. */
struct dns_io {
    struct io io;
    struct link link;
    struct channel *channel;
};

/* A question under way; the library's until it calls back. */
struct dns_ask {
    struct task later;
    struct link link;
    struct dns *dns;
    struct dns_query *query;            /* NULL: cancelled */
    enum dns_type type;
    bool asking;                        /* the library is being asked */
    bool frankly;                       /* of the channel `frank` */
    bool again;                         /* there, next */
    enum dns_outcome outcome;
    const char *error;
    char name[];
};

/* c-ares 1.18 leaves a server that fails or refuses for the next one, and when all do says that none could be reached. So
 * what ends like this is asked once more of `frank`, which passes on whatever the first server says. */
struct dns {
    struct loop *loop;
    struct dns_options options;
    char *servers;                      /* as the library wants them; NULL: resolv.conf */
    struct stat resolv;                 /* as it was when the channels were made */
    struct channel usual, frank;
    struct link asks;
    unsigned inside;                    /* of a call of the library */
};

/* --- what the library says --- */

static enum dns_outcome outcome_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return DNS_FOUND;
    case ARES_ENODATA:
        return DNS_NO_DATA;
    case ARES_ENOTFOUND:
        return DNS_NO_NAME;
    case ARES_EFORMERR:
    case ARES_ESERVFAIL:
    case ARES_ENOTIMP:
    case ARES_EREFUSED:
    case ARES_EBADRESP:
    case ARES_EBADNAME:
        return DNS_REFUSED;
    default:
        return DNS_SILENT;
    }
}

static const char *error_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return NULL;
    case ARES_ENODATA:
        return "the name has no such record";
    case ARES_ENOTFOUND:
        return "there is no such name (NXDOMAIN)";
    case ARES_EFORMERR:
        return "the server does not understand the question (FORMERR)";
    case ARES_ESERVFAIL:
        return "the server fails (SERVFAIL)";
    case ARES_ENOTIMP:
        return "the server cannot answer that (NOTIMP)";
    case ARES_EREFUSED:
        return "the server refuses to answer (REFUSED)";
    case ARES_EBADRESP:
        return "the server's answer makes no sense";
    case ARES_ETIMEOUT:
        return "no server answers in time";
    case ARES_ECONNREFUSED:
        return "no server can be reached";
    case ARES_EDESTRUCTION:
        return "the name servers of this host have changed";
    default:
        return ares_strerror(status);
    }
}

static void ask_free(struct dns_ask *a)
{
    if (a->query != NULL)
        a->query->ask = NULL;
    list_remove(&a->link);
    loop_free_later(a->dns->loop, a);
}

/* The caller may do anything in done(): nothing is touched after it. */
static void answer(struct dns_ask *a, const uint8_t *message, size_t size)
{
    struct dns_reply reply = { a->outcome, a->error, message, size };
    struct dns_query *q = a->query;

    ask_free(a);
    if (q != NULL)
        q->done(q, &reply);
}

static void ask(struct dns_ask *a, struct channel *c);

/* What could not be told from inside; or a question that has to be asked once more. */
static void on_later(struct task *t)
{
    struct dns_ask *a = list_entry(t, struct dns_ask, later);

    if (a->again && a->query != NULL)
        ask(a, &a->dns->frank);
    else
        answer(a, NULL, 0);
}

static void on_reply(void *arg, int status, int timeouts, unsigned char *message, int size)
{
    struct dns_ask *a = arg;

    (void)timeouts;
    a->outcome = outcome_of(status);
    a->error = error_of(status);
    a->again = status == ARES_ECONNREFUSED && !a->frankly;
    if (a->again || a->asking || status == ARES_EDESTRUCTION) {
        loop_task(a->dns->loop, &a->later);
    } else {
        answer(a, message, message == NULL || size < 0 ? 0 : (size_t)size);
    }
}

/* --- sockets and time --- */

static void arm(struct channel *c)
{
    struct timeval tv, *left = c->ares == NULL ? NULL : ares_timeout(c->ares, NULL, &tv);

    if (left == NULL)
        timer_stop(&c->timer);
    else
        timer_start(c->dns->loop, &c->timer, (sc_msec)left->tv_sec * 1000 + (left->tv_usec + 999) / 1000);
}

static void process(struct channel *c, ares_socket_t readable, ares_socket_t writable)
{
    c->dns->inside++;
    ares_process_fd(c->ares, readable, writable);
    c->dns->inside--;
    arm(c);
}

static void on_event(struct io *io, uint32_t events)
{
    int fd = io->fd;

    process(list_entry(io, struct dns_io, io)->channel,
            (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0 ? fd : ARES_SOCKET_BAD,
            (events & (EPOLLOUT | EPOLLERR)) != 0 ? fd : ARES_SOCKET_BAD);
}

static void on_timer(struct timer *t)
{
    process(list_entry(t, struct channel, timer), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static struct dns_io *io_of(struct channel *c, int fd)
{
    list_each(it, &c->ios)
        if (list_entry(it, struct dns_io, link)->io.fd == fd)
            return list_entry(it, struct dns_io, link);
    return NULL;
}

static void io_drop(struct dns_io *x)
{
    struct loop *loop = x->channel->dns->loop;

    io_del(loop, &x->io);
    list_remove(&x->link);
    loop_free_later(loop, x);
}

static void io_begin(struct channel *c, int fd, uint32_t events)
{
    struct dns_io *x = xnew(struct dns_io);

    x->channel = c;
    x->io = (struct io){ on_event, fd };
    list_push(&c->ios, &x->link);
    if (!io_add(c->dns->loop, &x->io, events))
        log_limited(LOG_WARN_, "dns: a socket cannot be waited for: %m");       /* its question ends by time */
}

static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    uint32_t events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);
    struct channel *c = arg;
    struct dns_io *x = io_of(c, fd);

    if (events == 0 && x != NULL)
        io_drop(x);
    else if (x != NULL)
        io_mod(c->dns->loop, &x->io, events);
    else if (events != 0)
        io_begin(c, fd, events);
}

/* --- channels --- */

static bool set_servers(struct channel *c, const char *servers)
{
    int status = servers == NULL ? ARES_SUCCESS : ares_set_servers_ports_csv(c->ares, servers);

    if (status == ARES_SUCCESS)
        return true;
    log_warn("dns: %s: %s", servers, ares_strerror(status));
    ares_destroy(c->ares);
    c->ares = NULL;
    return false;
}

static bool channel_begin(struct channel *c)
{
    struct dns *d = c->dns;
    struct ares_options o = {
        .flags = ARES_FLAG_EDNS | (c == &d->frank ? ARES_FLAG_NOCHECKRESP : 0), .ednspsz = UDP_SIZE,
        .timeout = (int)d->options.timeout, .tries = d->options.tries, .sock_state_cb = on_socket, .sock_state_cb_data = c,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    int status;

#ifdef ARES_OPT_QUERY_CACHE             /* how long an answer holds is the caller's to say */
    mask |= ARES_OPT_QUERY_CACHE;
#endif
#ifdef ARES_OPT_UDP_MAX_QUERIES         /* a port for each question: one broken answer takes no other question with it */
    mask |= ARES_OPT_UDP_MAX_QUERIES;
    o.udp_max_queries = 1;
#endif
    if (d->servers == NULL && stat(resolv_conf, &d->resolv) != 0)
        d->resolv = (struct stat){ 0 };
    status = ares_init_options(&c->ares, &o, mask);
    if (status == ARES_SUCCESS)
        return set_servers(c, d->servers);
    c->ares = NULL;
    log_warn("dns: c-ares does not start: %s", ares_strerror(status));
    return false;
}

static void channel_end(struct channel *c)
{
    if (c->ares == NULL)
        return;
    c->dns->inside++;
    ares_destroy(c->ares);
    c->dns->inside--;
    c->ares = NULL;
    list_each(it, &c->ios)
        io_drop(list_entry(it, struct dns_io, link));
    timer_stop(&c->timer);
}

static void channel_init(struct channel *c, struct dns *d)
{
    c->dns = d;
    c->timer.fn = on_timer;
    list_init(&c->ios);
}

static bool resolv_changed(const struct dns *d)
{
    struct stat now;

    if (d->servers != NULL || stat(resolv_conf, &now) != 0)
        return false;
    return now.st_ino != d->resolv.st_ino || now.st_dev != d->resolv.st_dev || now.st_size != d->resolv.st_size ||
           now.st_mtim.tv_sec != d->resolv.st_mtim.tv_sec || now.st_mtim.tv_nsec != d->resolv.st_mtim.tv_nsec;
}

/* Those who wait are told that the servers have changed, and ask again. */
static bool channel_is_there(struct channel *c)
{
    struct dns *d = c->dns;

    if (d->inside == 0 && c->ares != NULL && resolv_changed(d)) {
        log_info("dns: %s has changed", resolv_conf);
        channel_end(&d->usual);
        channel_end(&d->frank);
    }
    return c->ares != NULL || channel_begin(c);
}

static char *join(const struct sc_strings *servers)
{
    struct buf text = BUF_INIT;

    if (servers == NULL || servers->n == 0)
        return NULL;
    for (unsigned i = 0; i < servers->n; i++) {
        const char *s = servers->at[i], *colon = strchr(s, ':');
        bool bare = s[0] != '[' && colon != NULL && strchr(colon + 1, ':') != NULL;     /* IPv6 without a port */

        buf_printf(&text, bare ? "%s[%s]" : "%s%s", i == 0 ? "" : ",", s);
    }
    return text.p;
}

struct dns *dns_new(struct loop *loop, const struct dns_options *options)
{
    struct dns *d;

    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        errno = ENOMEM;
        return NULL;
    }
    d = xnew(struct dns);
    d->loop = loop;
    d->options = *options;
    d->options.servers = NULL;
    d->servers = join(options->servers);
    channel_init(&d->usual, d);
    channel_init(&d->frank, d);
    list_init(&d->asks);
    return d;
}

void dns_free(struct dns **dp)
{
    struct dns *d = *dp;

    *dp = NULL;
    if (d == NULL)
        return;
    assert(d->inside == 0);
    list_each(it, &d->asks)
        dns_cancel(list_entry(it, struct dns_ask, link)->query);
    channel_end(&d->usual);
    channel_end(&d->frank);
    list_each(it, &d->asks) {
        struct dns_ask *a = list_entry(it, struct dns_ask, link);

        loop_task_cancel(d->loop, &a->later);
        ask_free(a);
    }
    free(d->servers);
    loop_free_later(d->loop, d);
    ares_library_cleanup();
}

/* --- questions --- */

static void ask(struct dns_ask *a, struct channel *c)
{
    struct dns *d = a->dns;

    a->frankly = c == &d->frank;
    a->again = false;
    a->asking = true;
    if (!channel_is_there(c)) {
        on_reply(a, ARES_ENOTINITIALIZED, 0, NULL, 0);
    } else {
        d->inside++;
        if (d->options.search)
            ares_search(c->ares, a->name, 1 /* IN */, (int)a->type, on_reply, a);
        else
            ares_query(c->ares, a->name, 1 /* IN */, (int)a->type, on_reply, a);
        d->inside--;
    }
    a->asking = false;
    arm(c);
}

void dns_ask(struct dns *d, const char *name, enum dns_type type, struct dns_query *q)
{
    size_t size = strlen(name) + 1;
    struct dns_ask *a = xcalloc(1, sizeof *a + size);

    assert(q->ask == NULL);
    memcpy(a->name, name, size);
    a->dns = d;
    a->query = q;
    a->type = type;
    a->later.fn = on_later;
    q->ask = a;
    list_push(&d->asks, &a->link);
    ask(a, &d->usual);
}

void dns_cancel(struct dns_query *q)
{
    if (q == NULL || q->ask == NULL)
        return;
    q->ask->query = NULL;
    q->ask = NULL;
}

/* --- what may be written --- */

static bool is_port(struct sc_str text)
{
    unsigned long long port;

    return str_u64(text, &port) && port >= 1 && port <= 65535;
}

static bool is_address(int family, struct sc_str text)
{
    char copy[INET6_ADDRSTRLEN];
    unsigned char to[16];

    if (text.n == 0 || text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return inet_pton(family, copy, to) == 1;
}

bool dns_server_is_valid(const char *text)
{
    struct sc_str all = str_of(text);
    const char *end;

    if (text[0] == '[') {
        end = strchr(text, ']');
        return end != NULL && is_address(AF_INET6, (struct sc_str){ text + 1, (size_t)(end - text) - 1 }) &&
               (end[1] == '\0' || (end[1] == ':' && is_port(str_of(end + 2))));
    }
    end = strchr(text, ':');
    if (end != NULL && strchr(end + 1, ':') == NULL)
        return is_address(AF_INET, (struct sc_str){ text, (size_t)(end - text) }) && is_port(str_of(end + 1));
    return is_address(AF_INET, all) || is_address(AF_INET6, all);
}

bool dns_name_is_valid(const char *text)
{
    struct sc_str rest = str_of(text), label;

    if (str_ends(rest, STR(".")))
        rest.n--;
    if (rest.n == 0 || rest.n > 253 || rest.p[0] == '.' || rest.p[rest.n - 1] == '.')
        return false;
    while (str_split(&rest, '.', &label)) {
        if (label.n == 0 || label.n > 63)
            return false;
        for (size_t i = 0; i < label.n; i++)
            if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", label.p[i]) == NULL)
                return false;
    }
    return true;
}

const char *dns_library_version(void)
{
    return ares_version(NULL);
}
