/* sidecar/loop/curlmux.c - one libcurl multi handle on a loop.
 * SPDX-License-Identifier: Apache-2.0 */
#include "loop/curlmux.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "loop/sys.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>

struct curlmux {
    CURLM *multi;
    struct loop *loop;
    struct timer timer;
    struct task finish;             /* look for finished transfers, outside of libcurl's callbacks */
    struct link sockets;
};

struct socket {
    struct io io;
    struct link link;           /* of curlmux.sockets */
    struct link used;           /* of curlmux_job.sockets, of the one that spoke of it last; on its own when that has gone */
    struct curlmux *mux;
    bool registered;
};

bool curlmux_init(void)
{
    CURLcode r = curl_global_init(CURL_GLOBAL_DEFAULT);
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

    if (r != CURLE_OK) {
        log_error("libcurl does not start: %s", curl_easy_strerror(r));
        return false;
    }
    if (v->version_num >= 0x080900 && v->version_num <= 0x080a01) {
        log_error("libcurl %s loses events of sockets (versions 8.9.0 to 8.10.1): another version is needed", v->version);
        return false;
    }
    return true;
}

const char *curlmux_version(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

const char *curlmux_tls_version(void)
{
    const char *version = curl_version_info(CURLVERSION_NOW)->ssl_version;

    return version != NULL ? version : "none";
}

const char *curlmux_degraded(void)
{
    return NULL;
}

static void act(struct curlmux *m, curl_socket_t fd, int what)
{
    int running;

    curl_multi_socket_action(m->multi, fd, what, &running);
    loop_task(m->loop, &m->finish);
}

static void on_socket_event(struct io *io, uint32_t events)
{
    struct socket *s = list_entry(io, struct socket, io);

    act(s->mux, io->fd, ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                        ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                        ((events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0));
}

static void forget(struct socket *s)
{
    if (s->registered)
        io_del(s->mux->loop, &s->io);
    list_remove(&s->link);
    list_remove(&s->used);
    loop_free_later(s->mux->loop, s);
}

static struct curlmux_job *job_of(CURL *easy)
{
    struct curlmux_job *job = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&job);
    return job;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct curlmux *m = arg;
    struct socket *s = socket_arg;
    uint32_t events = (what != CURL_POLL_OUT ? EPOLLIN : 0u) | (what != CURL_POLL_IN ? EPOLLOUT : 0u);

    if (what == CURL_POLL_REMOVE) {
        if (s != NULL) {
            curl_multi_assign(m->multi, fd, NULL);
            forget(s);
        }
        return 0;
    }
    if (s == NULL) {
        s = xnew(struct socket);
        s->io = (struct io){ on_socket_event, fd };
        s->mux = m;
        list_push(&m->sockets, &s->link);
        list_init(&s->used);
        curl_multi_assign(m->multi, fd, s);
    }
    list_remove(&s->used);
    list_push(&job_of(easy)->sockets, &s->used);
    if (s->registered)
        s->registered = io_mod(m->loop, &s->io, events);
    if (!s->registered)
        s->registered = io_add(m->loop, &s->io, events);
    return 0;
}

static int on_timer_wish(CURLM *multi, long ms, void *arg)
{
    struct curlmux *m = arg;

    (void)multi;
    if (ms < 0)
        timer_stop(&m->timer);
    else
        timer_start(m->loop, &m->timer, ms);
    return 0;
}

static void on_timer(struct timer *t)
{
    act(list_entry(t, struct curlmux, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void on_finish(struct task *t)
{
    struct curlmux *m = list_entry(t, struct curlmux, finish);
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(m->multi, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        struct curlmux_job *job;

        if (message->msg != CURLMSG_DONE)
            continue;
        job = job_of(easy);
        job->done(job, easy, (int)result);
    }
}

struct curlmux *curlmux_new(struct loop *loop)
{
    struct curlmux *m = xnew(struct curlmux);

    m->multi = curl_multi_init();
    if (m->multi == NULL)
        abort();
    m->loop = loop;
    m->timer.fn = on_timer;
    m->finish.fn = on_finish;
    list_init(&m->sockets);
    curl_multi_setopt(m->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(m->multi, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(m->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(m->multi, CURLMOPT_TIMERDATA, m);
    curl_multi_setopt(m->multi, CURLMOPT_MAXCONNECTS, 4096L);
    return m;
}

void curlmux_free(struct curlmux **mp)
{
    struct curlmux *m = *mp;

    *mp = NULL;
    if (m == NULL)
        return;
    curl_multi_cleanup(m->multi);
    timer_stop(&m->timer);
    loop_task_cancel(m->loop, &m->finish);
    list_each(it, &m->sockets)
        forget(list_entry(it, struct socket, link));
    free(m);
}

struct loop *curlmux_loop(const struct curlmux *m)
{
    return m->loop;
}

CURL *curlmux_easy(struct curlmux_job *job)
{
    CURL *easy = curl_easy_init();

    if (easy == NULL)
        abort();
    list_init(&job->sockets);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, job);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    return easy;
}

bool curlmux_add(struct curlmux *m, CURL *easy, struct curlmux_job *job)
{
    assert(job->done != NULL);
    if (curl_multi_add_handle(m->multi, easy) != CURLM_OK)
        return false;
    timer_start(m->loop, &m->timer, 0);
    return true;
}

/* libcurl 7.88 closes a socket that is still connecting first, without asking, and tells on_socket afterwards: when the
 * number may be that of a connection which another thread has just accepted. So the socket is taken out before. */
void curlmux_remove(struct curlmux *m, CURL *easy)
{
    list_each(it, &job_of(easy)->sockets) {
        struct socket *s = list_entry(it, struct socket, used);

        if (s->registered)
            io_del(m->loop, &s->io);
        s->registered = false;
    }
    curl_multi_remove_handle(m->multi, easy);
    while (list_pop(&job_of(easy)->sockets) != NULL) {}         /* the job may be freed */
}

void curlmux_closing(struct curlmux *m, int fd)
{
    list_each(it, &m->sockets) {
        struct socket *s = list_entry(it, struct socket, link);

        if (s->io.fd == fd && s->registered) {
            io_forget(m->loop, &s->io);
            s->registered = false;
        }
    }
}

void curlmux_release(struct curlmux *m, int fd)
{
    list_each(it, &m->sockets) {
        struct socket *s = list_entry(it, struct socket, link);

        if (s->io.fd == fd) {
            curl_multi_assign(m->multi, fd, NULL);
            forget(s);
            return;
        }
    }
}
