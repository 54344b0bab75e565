/* tests/unit/loop/fetch.c - whole requests to a server that says what a test wants.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "loop/curlmux.h"
#include "loop/fetch.h"
#include "loop/loop.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- one server: a script for each connection --- */

struct server {
    int fd;
    uint16_t port;
    pthread_t thread;
    const char *answers;            /* the same for every request; NULL: none, for as long as the client waits */
    size_t n;
    atomic_bool keep;               /* the connection */
    char request[4096];
    unsigned connections;
};

/* Head and body. */
static bool is_whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n"), *length = strstr(request, "\r\nContent-Length: ");

    return end != NULL && strlen(end + 4) >= (length == NULL ? 0 : (size_t)atoi(length + 18));
}

static bool read_request(struct server *s, int fd)
{
    size_t have = 0;
    ssize_t n = 1;

    while (n > 0 && have < sizeof s->request - 1) {
        n = recv(fd, s->request + have, sizeof s->request - 1 - have, 0);
        have += n > 0 ? (size_t)n : 0;
        s->request[have] = '\0';
        if (is_whole(s->request))
            return true;
    }
    return false;
}

static void serve(struct server *s, int fd)
{
    char byte;

    while (read_request(s, fd)) {
        if (s->answers == NULL)
            while (recv(fd, &byte, 1, 0) > 0)
                ;
        else
            send(fd, s->answers, s->n, MSG_NOSIGNAL);
        if (!s->keep)
            break;
    }
    close(fd);
}

static void *server_thread(void *arg)
{
    struct server *s = arg;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        s->connections++;
        serve(s, fd);
    }
    return NULL;
}

static void server_start(struct server *s, const char *answers)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof in;

    *s = (struct server){ .fd = socket(AF_INET, SOCK_STREAM, 0), .answers = answers,
                          .n = answers == NULL ? 0 : strlen(answers) };
    assert_int_equal(bind(s->fd, (struct sockaddr *)&in, n), 0);
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&in, &n), 0);
    s->port = ntohs(in.sin_port);
    pthread_create(&s->thread, NULL, server_thread, s);
}

static void server_stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

/* --- one fetch --- */

struct world {
    struct loop *loop;
    struct curlmux *curl;
    struct timer stop;
    char url[64];
    unsigned done;
    enum fetch_result result;
    unsigned status;
    char error[256], body[256], field[256];
    struct buf pieces;
    unsigned npieces, cancel_at;        /* 0: none */
    bool ended;
    struct fetch *fetch;
};

static void on_stop(struct timer *t)
{
    loop_stop(list_entry(t, struct world, stop)->loop);
}

static void copy(char to[256], struct sc_str s)
{
    snprintf(to, 256, "%.*s", STR_ARG(s));
}

static void on_done(void *arg, struct fetch *f)
{
    struct world *w = arg;

    w->done++;
    w->result = fetch_result(f);
    w->status = fetch_status(f);
    copy(w->error, str_of(fetch_error(f)));
    copy(w->body, fetch_body(f));
    copy(w->field, fetch_header(f, STR("x-test")));
    w->ended = fetch_was_ended(f);
    w->fetch = NULL;
    loop_stop(w->loop);
}

static void on_piece(void *arg, struct fetch *f, struct sc_str piece)
{
    struct world *w = arg;

    assert_ptr_equal(f, w->fetch);
    assert_int_equal(fetch_status(f), 200);
    assert_true(piece.n > 0 || w->npieces == 0);
    assert_int_equal(w->done, 0);
    buf_str(&w->pieces, piece);
    if (++w->npieces == w->cancel_at) {
        fetch_cancel(&w->fetch);
        timer_start(w->loop, &w->stop, 20);
    }
}

static void world_init(struct world *w, const struct server *s)
{
    *w = (struct world){ .loop = loop_new(), .stop.fn = on_stop };
    w->curl = curlmux_new(w->loop);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u/path?a=b", (unsigned)s->port);
}

static void world_fini(struct world *w)
{
    buf_fini(&w->pieces);
    curlmux_free(&w->curl);
    loop_free(&w->loop);
}

static void run(struct world *w, struct fetch_request r)
{
    if (r.url == NULL)
        r.url = w->url;
    r.connect_timeout = 10000;
    r.timeout = r.timeout == 0 && r.until == 0 ? 10000 : r.timeout;
    r.max_body = r.max_body == 0 ? 1000 : r.max_body;
    w->fetch = fetch_start(w->curl, &r, on_done, w);
    assert_non_null(w->fetch);
    assert_int_equal(w->done, 0);               /* never from inside */
    loop_run(w->loop);
    assert_int_equal(w->done, 1);
    w->done = 0;
}

static void an_answer_is_whole(void **state)
{
    static const char *const fields[] = { "User-Agent: u", "X-Mine: 1", NULL };
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Test:  one \r\nx-test: two\r\n\r\nhello");
    world_init(&w, &s);
    run(&w, (struct fetch_request){ .headers = fields });
    assert_int_equal(w.result, FETCH_ANSWERED);
    assert_int_equal(w.status, 200);
    assert_string_equal(w.body, "hello");
    assert_string_equal(w.field, "one");
    assert_string_equal(w.error, "");
    assert_memory_equal(s.request, "GET /path?a=b HTTP/1.1\r\n", 24);
    assert_non_null(strstr(s.request, "\r\nX-Mine: 1\r\n"));
    assert_non_null(strstr(s.request, "\r\nUser-Agent: u\r\n"));
    world_fini(&w);
    server_stop(&s);
}

static void a_request_may_have_a_method_and_a_body(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    world_init(&w, &s);
    run(&w, (struct fetch_request){ .method = "PUT", .body = STR("{\"a\":\"b\"}") });
    assert_int_equal(w.status, 200);
    assert_memory_equal(s.request, "PUT /path?a=b HTTP/1.1\r\n", 24);
    assert_non_null(strstr(s.request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(s.request, "\r\nContent-Length: 9\r\n"));
    assert_null(strstr(s.request, "Expect:"));
    assert_string_equal(strstr(s.request, "\r\n\r\n") + 4, "{\"a\":\"b\"}");
    run(&w, (struct fetch_request){ .method = "PUT" });
    assert_non_null(strstr(s.request, "\r\nContent-Length: 0\r\n"));
    assert_null(strstr(s.request, "Content-Type:"));
    assert_string_equal(strstr(s.request, "\r\n\r\n") + 4, "");
    world_fini(&w);
    server_stop(&s);
}

static void every_status_is_an_answer(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, "HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    world_init(&w, &s);
    run(&w, (struct fetch_request){ 0 });
    assert_int_equal(w.result, FETCH_ANSWERED);
    assert_int_equal(w.status, 302);            /* and nobody went there */
    world_fini(&w);
    server_stop(&s);
}

static void fields_of_interim_answers_do_not_count(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, "HTTP/1.1 103 Early\r\nX-Test: early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    world_init(&w, &s);
    run(&w, (struct fetch_request){ 0 });
    assert_int_equal(w.status, 200);
    assert_string_equal(w.field, "");
    world_fini(&w);
    server_stop(&s);
}

static void results_in(const char *answers, struct fetch_request r, enum fetch_result want)
{
    struct server s;
    struct world w;

    server_start(&s, answers);
    world_init(&w, &s);
    run(&w, r);
    if (w.result != want)
        fail_msg("%s: %d (%s)", answers, (int)w.result, w.error);
    assert_true(want == FETCH_ANSWERED || w.error[0] != '\0');
    world_fini(&w);
    server_stop(&s);
}

static void what_goes_wrong_has_a_name(void **state)
{
    static const char five[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    (void)state;
    results_in("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", (struct fetch_request){ 0 }, FETCH_BROKEN);
    results_in("hello", (struct fetch_request){ 0 }, FETCH_BROKEN);
    results_in("", (struct fetch_request){ 0 }, FETCH_BROKEN);
    results_in(NULL, (struct fetch_request){ .timeout = 100 }, FETCH_TIMEOUT);
    results_in(five, (struct fetch_request){ .max_body = 4 }, FETCH_TOO_LARGE);
    results_in(five, (struct fetch_request){ .max_body = 5 }, FETCH_ANSWERED);
}

static void a_closed_port_is_unreachable(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, "");
    world_init(&w, &s);
    server_stop(&s);
    run(&w, (struct fetch_request){ 0 });
    assert_int_equal(w.result, FETCH_UNREACHABLE);
    world_fini(&w);
}

static void connections_are_kept_unless_told(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    s.keep = true;
    world_init(&w, &s);
    for (unsigned i = 0; i < 3; i++)
        run(&w, (struct fetch_request){ 0 });
    assert_int_equal(s.connections, 1);
    world_fini(&w);
    world_init(&w, &s);
    for (unsigned i = 0; i < 3; i++)
        run(&w, (struct fetch_request){ .once = true });
    assert_int_equal(s.connections, 4);
    world_fini(&w);
    server_stop(&s);
}

static void the_url_may_have_another_name(void **state)
{
    struct server s;
    struct world w;
    char where[32];

    (void)state;
    server_start(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    world_init(&w, &s);
    snprintf(where, sizeof where, "127.0.0.1:%u", (unsigned)s.port);
    run(&w, (struct fetch_request){ .url = "http://name.test:81/x", .connect_to = where });
    assert_int_equal(w.status, 200);
    assert_non_null(strstr(s.request, "\r\nHost: name.test:81\r\n"));
    world_fini(&w);
    server_stop(&s);
}

static void what_is_cancelled_is_never_told(void **state)
{
    struct server s;
    struct world w;
    struct fetch *f;

    (void)state;
    server_start(&s, NULL);
    world_init(&w, &s);
    f = fetch_start(w.curl, &(struct fetch_request){ .url = w.url, .connect_timeout = 1000, .timeout = 60000 }, on_done, &w);
    timer_start(w.loop, &w.stop, 50);
    loop_run(w.loop);
    fetch_cancel(&f);
    assert_null(f);
    fetch_cancel(&f);
    timer_start(w.loop, &w.stop, 10);
    loop_run(w.loop);
    assert_int_equal(w.done, 0);
    world_fini(&w);
    server_stop(&s);
}

/* --- answers in pieces --- */

#define OPEN "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Test: t\r\n\r\n"

static void an_answer_may_come_in_pieces(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, OPEN "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
    world_init(&w, &s);
    run(&w, (struct fetch_request){ .piece = on_piece });
    assert_int_equal(w.result, FETCH_ANSWERED);
    assert_string_equal(w.pieces.p, "onetwo");
    assert_string_equal(w.body, "");
    assert_string_equal(w.field, "t");
    assert_false(w.ended);
    world_fini(&w);
    server_stop(&s);
}

static void pieces_come_before_the_end(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, OPEN "3\r\none\r\n");
    s.keep = true;                              /* and nothing more comes */
    world_init(&w, &s);
    run(&w, (struct fetch_request){ .piece = on_piece, .until = 100 });
    assert_int_equal(w.result, FETCH_ANSWERED);
    assert_string_equal(w.pieces.p, "one");
    assert_true(w.ended);
    world_fini(&w);
    server_stop(&s);
}

static void that_it_is_open_is_said_at_once(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, OPEN);
    s.keep = true;
    world_init(&w, &s);
    run(&w, (struct fetch_request){ .piece = on_piece, .until = 100 });
    assert_int_equal(w.result, FETCH_ANSWERED);
    assert_int_equal(w.npieces, 1);
    assert_int_equal(w.pieces.n, 0);
    world_fini(&w);
    server_stop(&s);
}

static void the_first_byte_has_a_limit_of_its_own(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, OPEN "3\r\none\r\n");
    s.keep = true;
    world_init(&w, &s);
    run(&w, (struct fetch_request){ .piece = on_piece, .until = 300, .first = 100 });
    assert_int_equal(w.result, FETCH_ANSWERED);
    assert_true(w.ended);
    world_fini(&w);
    server_stop(&s);
}

static void silence_has_a_limit(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, OPEN "3\r\none\r\n");
    s.keep = true;
    world_init(&w, &s);
    run(&w, (struct fetch_request){ .piece = on_piece, .until = 10000, .idle = 100 });
    assert_int_equal(w.result, FETCH_TIMEOUT);
    assert_string_equal(w.error, "no byte for 100 ms");
    assert_string_equal(w.pieces.p, "one");
    world_fini(&w);
    server_stop(&s);
    server_start(&s, NULL);                     /* nor does it begin in time, whatever its end */
    world_init(&w, &s);
    run(&w, (struct fetch_request){ .piece = on_piece, .until = 10, .idle = 100 });
    assert_int_equal(w.result, FETCH_TIMEOUT);
    run(&w, (struct fetch_request){ .piece = on_piece, .until = 10000, .first = 50 });
    assert_int_equal(w.result, FETCH_TIMEOUT);
    assert_string_equal(w.error, "no byte for 50 ms");
    world_fini(&w);
    server_stop(&s);
}

static void what_is_no_success_is_gathered(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nwhy");
    world_init(&w, &s);
    run(&w, (struct fetch_request){ .piece = on_piece });
    assert_int_equal(w.status, 403);
    assert_int_equal(w.npieces, 0);
    assert_string_equal(w.body, "why");
    world_fini(&w);
    server_stop(&s);
}

static void a_cut_comes_after_the_pieces(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, OPEN "3\r\none\r\n7\r\ntwo");
    world_init(&w, &s);
    run(&w, (struct fetch_request){ .piece = on_piece });
    assert_int_equal(w.result, FETCH_BROKEN);
    assert_string_equal(w.pieces.p, "onetwo");
    world_fini(&w);
    server_stop(&s);
}

static void a_piece_may_cancel(void **state)
{
    struct server s;
    struct world w;

    (void)state;
    server_start(&s, OPEN "3\r\none\r\n0\r\n\r\n");      /* the end may have come with it */
    for (unsigned keep = 0; keep < 2; keep++) {
        s.keep = keep;
        world_init(&w, &s);
        w.cancel_at = 1;
        w.fetch = fetch_start(w.curl, &(struct fetch_request){ .url = w.url, .connect_timeout = 1000, .timeout = 10000,
                                                               .max_body = 100, .piece = on_piece }, on_done, &w);
        loop_run(w.loop);
        assert_int_equal(w.npieces, 1);
        assert_int_equal(w.done, 0);
        world_fini(&w);
    }
    server_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_whole),
        cmocka_unit_test(a_request_may_have_a_method_and_a_body),
        cmocka_unit_test(every_status_is_an_answer),
        cmocka_unit_test(fields_of_interim_answers_do_not_count),
        cmocka_unit_test(what_goes_wrong_has_a_name),
        cmocka_unit_test(a_closed_port_is_unreachable),
        cmocka_unit_test(connections_are_kept_unless_told),
        cmocka_unit_test(the_url_may_have_another_name),
        cmocka_unit_test(what_is_cancelled_is_never_told),
        cmocka_unit_test(an_answer_may_come_in_pieces),
        cmocka_unit_test(pieces_come_before_the_end),
        cmocka_unit_test(that_it_is_open_is_said_at_once),
        cmocka_unit_test(silence_has_a_limit),
        cmocka_unit_test(the_first_byte_has_a_limit_of_its_own),
        cmocka_unit_test(what_is_no_success_is_gathered),
        cmocka_unit_test(a_cut_comes_after_the_pieces),
        cmocka_unit_test(a_piece_may_cancel),
    };

    curlmux_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
