/* discovery/probe.c - one check of one address: a TCP connection, or a request over HTTP.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/probe.h"

#include "base/alloc.h"
#include "loop/fetch.h"
#include "loop/sys.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 1 << 20 };      /* bytes of an answer to a check */

struct prober {
    struct loop *loop;
    struct curlmux *curl;
    struct link waiting;
    struct task next;
    unsigned begun;
};

static void begin(struct probe *p);

static void begin_next(struct task *t)
{
    struct prober *all = list_entry(t, struct prober, next);
    struct link *first;

    while (all->begun < PROBES_AT_ONCE && (first = list_pop(&all->waiting)) != NULL)
        begin(list_entry(first, struct probe, link));
}

/* Lets go of everything; whoever waits may begin in this turn. */
static void release(struct probe *p)
{
    struct prober *all = p->prober;

    timer_stop(&p->timer);
    fetch_cancel(&p->fetch);
    if (p->io.fd >= 0) {
        io_del(all->loop, &p->io);
        sys_close(p->io.fd);
    }
    p->io.fd = -1;
    list_remove(&p->link);
    if (p->begun)
        all->begun--;
    p->busy = p->begun = false;
    loop_task(all->loop, &all->next);
}

static void finish(struct probe *p, enum check_outcome outcome, unsigned status)
{
    release(p);
    p->done(p, (struct check_result){ outcome, status });
}

/* --- connecting --- */

static void on_timeout(struct timer *t)
{
    finish(list_entry(t, struct probe, timer), CHECK_TIMEOUT, 0);
}

/* A connection that could not even begin: told in the next turn. */
static void on_refused(struct timer *t)
{
    finish(list_entry(t, struct probe, timer), CHECK_REFUSED, 0);
}

static void on_passed(struct timer *t)
{
    finish(list_entry(t, struct probe, timer), CHECK_PASSED, 0);
}

static void on_connected(struct io *io, uint32_t events)
{
    struct probe *p = list_entry(io, struct probe, io);
    socklen_t n = sizeof(int);
    int no = 0;

    (void)events;
    getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &no, &n);
    finish(p, no == 0 ? CHECK_PASSED : no == ETIMEDOUT ? CHECK_TIMEOUT : CHECK_REFUSED, 0);
}

static void later(struct probe *p, void (*fn)(struct timer *t), sc_msec delay)
{
    p->timer.fn = fn;
    timer_start(p->prober->loop, &p->timer, delay);
}

static void connect_only(struct probe *p, sc_msec timeout)
{
    const struct sockaddr *sa = (const struct sockaddr *)&p->at.sa;
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r;

    r = fd < 0 ? -1 : connect(fd, sa, p->at.n);
    if (r == 0 || fd < 0 || errno != EINPROGRESS) {
        if (fd >= 0)
            sys_close(fd);
        later(p, r == 0 ? on_passed : on_refused, 0);
        return;
    }
    p->io = (struct io){ on_connected, fd };
    if (!io_add(p->prober->loop, &p->io, EPOLLOUT)) {
        sys_close(fd);
        p->io.fd = -1;
        later(p, on_refused, 0);
        return;
    }
    later(p, on_timeout, timeout);
}

/* --- asking --- */

static void on_answer(void *arg, struct fetch *f)
{
    static const enum check_outcome outcomes[] = {
        [FETCH_UNREACHABLE] = CHECK_REFUSED, [FETCH_TIMEOUT] = CHECK_TIMEOUT, [FETCH_TLS] = CHECK_TLS,
        [FETCH_TOO_LARGE] = CHECK_BROKEN, [FETCH_BROKEN] = CHECK_BROKEN,
    };
    struct probe *p = arg;
    unsigned status = fetch_status(f);

    p->fetch = NULL;                /* gone after this call */
    if (fetch_result(f) != FETCH_ANSWERED)
        finish(p, outcomes[fetch_result(f)], 0);
    else
        finish(p, status / 100 == 2 ? CHECK_PASSED : CHECK_STATUS, status);
}

static unsigned port_of(const struct address *a)
{
    if (a->sa.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&a->sa)->sin_port);
    return ntohs(((const struct sockaddr_in6 *)&a->sa)->sin6_port);
}

/* The URL says what the target is called; where it is stands beside it. */
static void ask(struct probe *p, const struct probe_how *how)
{
    static const char *const headers[] = { "User-Agent: outrider", "Accept: */*", NULL };
    bool local = p->at.sa.ss_family == AF_UNIX;
    const char *host = how->server_name != NULL ? how->server_name : local ? "localhost" : p->host;
    bool v6 = strchr(host, ':') != NULL;
    char where[ADDRESS_TEXT_MAX], port[8] = "", *url;
    struct fetch_request r = { .headers = headers, .tls = how->tls, .connect_timeout = how->timeout,
                               .timeout = how->timeout, .max_body = ANSWER_MAX, .once = true };

    address_print(where, (const struct sockaddr *)&p->at.sa);
    if (!local)
        snprintf(port, sizeof port, ":%u", port_of(&p->at));
    r.url = url = xasprintf("%s://%s%s%s%s%s", how->secure ? "https" : "http", v6 ? "[" : "", host, v6 ? "]" : "", port,
                            how->path);
    r.socket = local ? where + strlen("unix:") : NULL;
    r.connect_to = local ? NULL : where;
    p->fetch = fetch_start(p->prober->curl, &r, on_answer, p);
    free(url);
}

/* --- turns --- */

static void begin(struct probe *p)
{
    struct probe_how how = { .timeout = 1000 };

    p->begun = true;
    p->prober->begun++;
    p->how(p, &how);
    if (how.path == NULL)
        connect_only(p, how.timeout);
    else
        ask(p, &how);
}

void probe_start(struct prober *prober, struct probe *p)
{
    assert(!p->busy);
    p->prober = prober;
    p->io.fd = -1;
    p->fetch = NULL;
    p->busy = true;
    p->begun = false;
    list_init(&p->link);
    list_push(&prober->waiting, &p->link);
    loop_task(prober->loop, &prober->next);
}

void probe_stop(struct probe *p)
{
    if (p->busy)
        release(p);
}

struct prober *prober_new(struct loop *loop, struct curlmux *curl)
{
    struct prober *p = xnew(struct prober);

    p->loop = loop;
    p->curl = curl;
    p->next.fn = begin_next;
    list_init(&p->waiting);
    return p;
}

void prober_free(struct prober **pp)
{
    struct prober *p = *pp;

    *pp = NULL;
    if (p == NULL)
        return;
    assert(p->begun == 0 && list_empty(&p->waiting));
    loop_task_cancel(p->loop, &p->next);
    free(p);
}
