/* tests/unit/discovery/probe.c - checks of addresses: outcomes, turns, stopping.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/alloc.h"
#include "discovery/probe.h"
#include "loop/curlmux.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- a server that takes connections, and answers or not --- */

struct server {
    int fd, held[1024];
    const char *answer;             /* NULL: none */
    struct address at;
    pthread_t thread;
    atomic_uint taken;
};

static void *server_thread(void *arg)
{
    struct server *s = arg;
    char head[2048];
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        if (s->answer != NULL && recv(fd, head, sizeof head, 0) > 0)
            send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
        s->held[atomic_fetch_add(&s->taken, 1)] = fd;
        if (s->answer != NULL)
            shutdown(fd, SHUT_WR);
    }
    return NULL;
}

static void server_start(struct server *s, const char *answer)
{
    socklen_t n = sizeof s->at.sa;

    memset(s, 0, sizeof *s);
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    s->answer = answer;
    assert_true(address_numeric(&s->at, "127.0.0.1", 0));
    assert_int_equal(bind(s->fd, (struct sockaddr *)&s->at.sa, s->at.n), 0);
    assert_int_equal(listen(s->fd, 1024), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&s->at.sa, &n), 0);
    pthread_create(&s->thread, NULL, server_thread, s);
}

static void server_stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    for (unsigned i = 0; i < s->taken; i++)
        close(s->held[i]);
}

/* --- probes --- */

struct world {
    struct loop *loop;
    struct curlmux *curl;
    struct prober *prober;
    struct timer stop;
    unsigned left;
    struct probe_how how;
};

struct one {
    struct probe probe;
    struct world *world;
    struct check_result result;
};

static void on_how(struct probe *p, struct probe_how *how)
{
    *how = list_entry(p, struct one, probe)->world->how;
}

static void on_done(struct probe *p, struct check_result r)
{
    struct one *o = list_entry(p, struct one, probe);

    o->result = r;
    if (--o->world->left == 0)
        loop_stop(o->world->loop);
}

static void on_stop(struct timer *t)
{
    loop_stop(list_entry(t, struct world, stop)->loop);
}

static void world_init(struct world *w, const char *path, sc_msec timeout)
{
    *w = (struct world){ .loop = loop_new(), .stop.fn = on_stop, .how = { .path = path, .timeout = timeout } };
    w->curl = curlmux_new(w->loop);
    w->prober = prober_new(w->loop, w->curl);
}

static void world_fini(struct world *w)
{
    prober_free(&w->prober);
    curlmux_free(&w->curl);
    loop_free(&w->loop);
}

static void begin(struct world *w, struct one *o, const struct address *at)
{
    *o = (struct one){ .world = w, .probe = { .host = "127.0.0.1", .at = *at, .how = on_how, .done = on_done } };
    w->left++;
    probe_start(w->prober, &o->probe);
}

static void outcome_is(const struct address *at, const char *path, enum check_outcome want, unsigned status)
{
    struct world w;
    struct one o;

    world_init(&w, path, 2000);
    begin(&w, &o, at);
    loop_run(w.loop);
    assert_int_equal(o.result.outcome, want);
    assert_int_equal(o.result.status, status);
    assert_false(o.probe.busy);
    world_fini(&w);
}

static void answers(const char *answer, enum check_outcome want, unsigned status)
{
    struct server s;

    server_start(&s, answer);
    outcome_is(&s.at, "/ok", want, status);
    server_stop(&s);
}

static void outcomes_are_told_apart(void **state)
{
    (void)state;
    answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", CHECK_PASSED, 200);
    answers("HTTP/1.1 204 No\r\n\r\n", CHECK_PASSED, 204);
    answers("HTTP/1.1 301 Go\r\nContent-Length: 0\r\nLocation: /\r\n\r\n", CHECK_STATUS, 301);
    answers("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", CHECK_STATUS, 503);
    answers("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", CHECK_BROKEN, 0);
    answers("SSH-2.0\r\n", CHECK_BROKEN, 0);
}

static void connecting_is_enough_without_a_path(void **state)
{
    struct server s;

    (void)state;
    server_start(&s, NULL);
    outcome_is(&s.at, NULL, CHECK_PASSED, 0);
    server_stop(&s);
    outcome_is(&s.at, NULL, CHECK_REFUSED, 0);          /* nobody is there any more */
    outcome_is(&s.at, "/ok", CHECK_REFUSED, 0);
}

static void a_socket_that_is_not_there_refuses(void **state)
{
    struct address at;

    (void)state;
    assert_true(address_unix(&at, "/nonexistent/socket"));
    outcome_is(&at, NULL, CHECK_REFUSED, 0);
    outcome_is(&at, "/ok", CHECK_REFUSED, 0);
}

static void run_for(struct world *w, sc_msec ms)
{
    timer_start(w->loop, &w->stop, ms);
    loop_run(w->loop);
}

static void only_so_many_run_at_once(void **state)
{
    enum { N = PROBES_AT_ONCE + 50 };
    struct one *all = xcalloc(N, sizeof *all);
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, NULL);
    world_init(&w, "/ok", 60000);
    for (unsigned i = 0; i < N; i++)
        begin(&w, &all[i], &s.at);
    for (unsigned i = 0; i < 1000 && s.taken < PROBES_AT_ONCE; i++)
        run_for(&w, 10);
    run_for(&w, 50);
    assert_int_equal(s.taken, PROBES_AT_ONCE);
    for (unsigned i = 0; i < 10; i++)
        probe_stop(&all[i].probe);
    for (unsigned i = 0; i < 1000 && s.taken < PROBES_AT_ONCE + 10; i++)
        run_for(&w, 10);                                /* those that waited */
    run_for(&w, 50);
    assert_int_equal(s.taken, PROBES_AT_ONCE + 10);
    for (unsigned i = 0; i < N; i++)
        probe_stop(&all[i].probe);
    run_for(&w, 10);
    world_fini(&w);
    server_stop(&s);
    free(all);
}

static void what_takes_too_long_has_failed(void **state)
{
    struct server s;
    struct world w;
    struct one o;

    (void)state;
    server_start(&s, NULL);
    world_init(&w, "/ok", 100);
    begin(&w, &o, &s.at);
    loop_run(w.loop);
    assert_int_equal(o.result.outcome, CHECK_TIMEOUT);
    world_fini(&w);
    server_stop(&s);
}

static void what_is_stopped_is_never_told(void **state)
{
    enum { N = PROBES_AT_ONCE + 3 };
    struct one *all = xcalloc(N, sizeof *all);
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, NULL);
    for (unsigned http = 0; http < 2; http++) {
        world_init(&w, http ? "/ok" : NULL, 60000);
        for (unsigned i = 0; i < N; i++)
            begin(&w, &all[i], &s.at);
        if (http)
            run_for(&w, 100);
        for (unsigned i = 0; i < N; i++)
            probe_stop(&all[i].probe);
        probe_stop(&all[0].probe);
        run_for(&w, 20);
        assert_int_equal(w.left, N);
        world_fini(&w);
    }
    server_stop(&s);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_are_told_apart),
        cmocka_unit_test(connecting_is_enough_without_a_path),
        cmocka_unit_test(a_socket_that_is_not_there_refuses),
        cmocka_unit_test(what_takes_too_long_has_failed),
        cmocka_unit_test(only_so_many_run_at_once),
        cmocka_unit_test(what_is_stopped_is_never_told),
    };

    curlmux_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
