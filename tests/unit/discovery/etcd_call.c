/* tests/unit/discovery/etcd_call.c - single calls, to a server that says what a test wants.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/provider.h"
#include "discovery/providers/etcd.h"
#include "discovery/providers/etcd_call.h"
#include "loop/curlmux.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- one server: an answer for each request --- */

struct answer {
    const char *path;           /* that has to be asked for */
    const char *token;          /* "Authorization: x", or NULL: none may be sent */
    const char *part;           /* of the body */
    unsigned status;
    const char *body;           /* NULL: the connection ends */
};

struct server {
    int fd;
    uint16_t port;
    pthread_t thread;
    const struct answer *answers;
    unsigned n;
    atomic_uint asked, wrong;
};

/* The whole request; its body has a length. */
static bool read_request(int fd, char *text, size_t size)
{
    size_t have = 0;

    for (;;) {
        ssize_t n = recv(fd, text + have, size - 1 - have, 0);
        const char *end, *length;

        if (n <= 0)
            return false;
        have += (size_t)n;
        text[have] = '\0';
        end = strstr(text, "\r\n\r\n");
        length = strstr(text, "Content-Length: ");
        if (end != NULL && length != NULL && have >= (size_t)(end + 4 - text) + (size_t)atoi(length + 16))
            return true;
    }
}

static bool is_as_wanted(const struct answer *a, const char *text)
{
    char line[100];

    snprintf(line, sizeof line, "POST %s HTTP/1.1\r\n", a->path);
    if (strncmp(text, line, strlen(line)) != 0 || strstr(text, "\r\nGrpc-Metadata-hasleader: true\r\n") == NULL)
        return false;
    if (a->token == NULL ? strstr(text, "Authorization") != NULL : strstr(text, a->token) == NULL)
        return false;
    return strstr(text, a->part) != NULL;
}

static void serve(struct server *s, int fd)
{
    char text[8192], out[2048];

    while (read_request(fd, text, sizeof text)) {
        unsigned i = atomic_fetch_add(&s->asked, 1);
        const struct answer *a = &s->answers[i];

        if (i >= s->n || !is_as_wanted(a, text)) {
            print_message("request %u: %s\n", i, text);
            atomic_fetch_add(&s->wrong, 1);
            break;
        }
        if (a->body == NULL)
            break;
        snprintf(out, sizeof out, "HTTP/1.1 %u X\r\nContent-Length: %zu\r\n\r\n%s", a->status, strlen(a->body), a->body);
        send(fd, out, strlen(out), MSG_NOSIGNAL);
    }
    close(fd);
}

static void *server_thread(void *arg)
{
    struct server *s = arg;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0)
        serve(s, fd);
    return NULL;
}

static void server_start(struct server *s, const struct answer *answers, unsigned n)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof in;

    *s = (struct server){ .fd = socket(AF_INET, SOCK_STREAM, 0), .answers = answers, .n = n };
    assert_int_equal(bind(s->fd, (struct sockaddr *)&in, size), 0);
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&in, &size), 0);
    s->port = ntohs(in.sin_port);
    pthread_create(&s->thread, NULL, server_thread, s);
}

/* All that was to be asked was asked, and nothing else. The client's connections are gone by now. */
static void server_stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    assert_int_equal(atomic_load(&s->wrong), 0);
    assert_int_equal(atomic_load(&s->asked), s->n);
}

/* --- one registry, one caller --- */

struct world {
    struct server server;
    struct registry_live live;
    struct etcd_conf conf;
    const char *addresses[2];
    char url[2][64];
    struct etcd_call call;
    unsigned done;
    enum enrol_outcome outcome;
    char error[256];
    struct timer stop;
};

static void on_stop(struct timer *t)
{
    loop_stop(list_entry(t, struct world, stop)->live.loop);
}

static void on_done(struct etcd_call *c, enum enrol_outcome outcome, const char *error)
{
    struct world *w = list_entry(c, struct world, call);

    w->done++;
    w->outcome = outcome;
    snprintf(w->error, sizeof w->error, "%s", error == NULL ? "" : error);
    loop_stop(w->live.loop);
}

/* dead: the first address is one where nobody listens. */
static void world_init(struct world *w, const struct answer *answers, unsigned n, const char *user, bool dead)
{
    *w = (struct world){ .stop.fn = on_stop };
    server_start(&w->server, answers, n);
    snprintf(w->url[0], sizeof w->url[0], "http://127.0.0.1:%u", dead ? 1u : (unsigned)w->server.port);
    snprintf(w->url[1], sizeof w->url[1], "http://127.0.0.1:%u", (unsigned)w->server.port);
    w->addresses[0] = w->url[0];
    w->addresses[1] = w->url[1];
    w->conf = (struct etcd_conf){ .rest = { .address = { w->addresses, dead ? 2 : 1 }, .verify = true,
                                            .max_connections = 8 },
                                  .user = user, .password.value = STR("pw") };
    w->live = (struct registry_live){ .name = "etcd", .provider = provider_find(STR("etcd")), .conf = &w->conf,
                                      .loop = loop_new() };
    w->live.curl = curlmux_new(w->live.loop);
    w->live.provider->open(&w->live);
    w->call = (struct etcd_call){ .registry = &w->live, .done = on_done };
}

static void world_fini(struct world *w)
{
    etcd_call_stop(&w->call);
    w->live.provider->close(&w->live);
    curlmux_free(&w->live.curl);
    loop_free(&w->live.loop);
    server_stop(&w->server);
}

static void became(struct world *w, enum enrol_outcome outcome, const char *part)
{
    assert_int_equal(w->done, 0);               /* never from inside */
    timer_start(w->live.loop, &w->stop, 10000);
    loop_run(w->live.loop);
    assert_int_equal(w->done, 1);
    if (w->outcome != outcome || strstr(w->error, part) == NULL || (w->error[0] != '\0' && part[0] == '\0'))
        fail_msg("%d: %s", (int)w->outcome, w->error);
    w->done = 0;
}

#define HEADER "\"header\":{\"cluster_id\":\"1\",\"revision\":\"7\"}"
#define N(array) (unsigned)(sizeof(array) / sizeof (array)[0])

static void a_lease_lives_and_ends(void **state)
{
    static const struct answer answers[] = {
        { "/v3/lease/grant", NULL, "{\"TTL\":\"15\"}", 200, "{" HEADER ",\"ID\":\"5986869373369072134\",\"TTL\":\"15\"}" },
        { "/v3/kv/txn", NULL,
          "{\"compare\":[{\"key\":\"L2s=\",\"target\":\"VALUE\",\"result\":\"EQUAL\",\"value\":\"aDox\"},"
          "{\"key\":\"L2s=\",\"target\":\"LEASE\",\"result\":\"EQUAL\",\"lease\":\"5986869373369072134\"}],"
          "\"failure\":[{\"request_put\":{\"key\":\"L2s=\",\"value\":\"aDox\",\"lease\":\"5986869373369072134\"}}]}", 200,
          "{" HEADER ",\"responses\":[{\"response_put\":{}}]}" },
        { "/v3/lease/keepalive", NULL, "{\"ID\":\"5986869373369072134\"}", 200,
          "{\"result\":{" HEADER ",\"ID\":\"5986869373369072134\",\"TTL\":\"15\"}}\n" },
        { "/v3/kv/range", NULL, "{\"key\":\"L2s=\",\"keys_only\":true}", 200,
          "{" HEADER ", \"kvs\":[{\"key\":\"L2s=\", \"lease\":\"7\"}], \"count\":\"1\"}" },
        { "/v3/lease/revoke", NULL, "{\"ID\":\"5986869373369072134\"}", 200, "{" HEADER "}" },
        { "/v3/kv/range", NULL, "L2s=", 200, "{" HEADER "}" },
        { "/v3/kv/deleterange", NULL, "{\"key\":\"L2s=\"}", 200, "{" HEADER "}" },
    };
    struct world w;

    (void)state;
    world_init(&w, answers, N(answers), NULL, false);
    etcd_call_grant(&w.call, 15);
    became(&w, ENROL_DONE, "");
    assert_true(w.call.lease == 5986869373369072134 && w.call.ttl == 15);
    etcd_call_put(&w.call, STR("/k"), STR("h:1"), 5986869373369072134);
    became(&w, ENROL_DONE, "");
    etcd_call_keep_alive(&w.call, 5986869373369072134);
    became(&w, ENROL_DONE, "");
    assert_int_equal(w.call.ttl, 15);
    etcd_call_look(&w.call, STR("/k"));
    became(&w, ENROL_DONE, "");
    assert_int_equal(w.call.lease, 7);
    etcd_call_revoke(&w.call, 5986869373369072134);
    became(&w, ENROL_DONE, "");
    etcd_call_look(&w.call, STR("/k"));
    became(&w, ENROL_NOT_THERE, "");
    etcd_call_delete(&w.call, STR("/k"));
    became(&w, ENROL_DONE, "");
    world_fini(&w);
}

static void a_lease_may_be_gone(void **state)
{
    static const struct answer answers[] = {
        { "/v3/lease/keepalive", NULL, "", 200, "{\"result\":{" HEADER ",\"ID\":\"77\"}}\n" },
        { "/v3/kv/txn", NULL, "", 404, "{\"code\":5, \"message\":\"etcdserver: requested lease not found\"}" },
        { "/v3/lease/revoke", NULL, "", 404, "{\"error\":\"etcdserver: requested lease not found\",\"code\":5}" },
    };
    struct world w;

    (void)state;
    world_init(&w, answers, N(answers), NULL, false);
    etcd_call_keep_alive(&w.call, 77);
    became(&w, ENROL_NOT_THERE, "");
    etcd_call_put(&w.call, STR("/k"), STR("v"), 77);
    became(&w, ENROL_NOT_THERE, "");
    etcd_call_revoke(&w.call, 77);
    became(&w, ENROL_NOT_THERE, "");
    world_fini(&w);
}

static void what_is_not_done_and_what_nobody_knows(void **state)
{
    static const struct answer answers[] = {
        { "/v3/lease/grant", NULL, "", 403, "{\"code\":7, \"message\":\"etcdserver: permission denied\"}" },
        { "/v3/lease/grant", NULL, "", 404, "Not Found" },
        { "/v3/lease/grant", NULL, "", 503, "{\"code\":14, \"message\":\"etcdserver: request timed out\"}" },
        { "/v3/lease/grant", NULL, "", 200, "garbage" },
        { "/v3/lease/keepalive", NULL, "", 200, "{\"error\":{\"code\":14,\"message\":\"no leader\"}}" },
    }, cut[] = { { "/v3/lease/grant", NULL, "", 200, NULL } };
    struct world w;

    (void)state;
    world_init(&w, cut, 1, NULL, false);
    etcd_call_grant(&w.call, 15);
    became(&w, ENROL_FAILED, "mpty reply");
    world_fini(&w);
    world_init(&w, answers, N(answers), NULL, false);
    etcd_call_grant(&w.call, 15);
    became(&w, ENROL_REFUSED, "HTTP 403: etcdserver: permission denied");
    etcd_call_grant(&w.call, 15);
    became(&w, ENROL_REFUSED, "HTTP 404: Not Found");
    etcd_call_grant(&w.call, 15);
    became(&w, ENROL_FAILED, "request timed out");
    etcd_call_grant(&w.call, 15);
    became(&w, ENROL_FAILED, "not JSON");
    etcd_call_keep_alive(&w.call, 7);
    became(&w, ENROL_FAILED, "no leader");
    world_fini(&w);
}

static void a_dead_member_is_left(void **state)
{
    static const struct answer answers[] = {
        { "/v3/lease/grant", NULL, "", 200, "{" HEADER ",\"ID\":\"5\",\"TTL\":\"15\"}" },
        { "/v3/lease/revoke", NULL, "", 200, "{" HEADER "}" },
    };
    struct world w;

    (void)state;
    world_init(&w, answers, N(answers), NULL, true);
    etcd_call_grant(&w.call, 15);
    became(&w, ENROL_REFUSED, "connect");
    etcd_call_grant(&w.call, 15);
    became(&w, ENROL_DONE, "");
    etcd_call_revoke(&w.call, 5);
    became(&w, ENROL_DONE, "");
    world_fini(&w);
}

#define INVALID "{\"code\":16, \"message\":\"etcdserver: invalid auth token\"}"
#define AUTHENTICATE "/v3/auth/authenticate", NULL, "{\"name\":\"u\",\"password\":\"pw\"}", 200

static void a_token_is_asked_for_first(void **state)
{
    static const struct answer answers[] = {
        { AUTHENTICATE, "{" HEADER ",\"token\":\"t1\"}" },
        { "/v3/lease/grant", "\r\nAuthorization: t1\r\n", "", 200, "{" HEADER ",\"ID\":\"5\",\"TTL\":\"15\"}" },
        { "/v3/lease/revoke", "\r\nAuthorization: t1\r\n", "", 401, INVALID },
        { AUTHENTICATE, "{" HEADER ",\"token\":\"t2\"}" },
        { "/v3/lease/revoke", "\r\nAuthorization: t2\r\n", "", 200, "{" HEADER "}" },
        { "/v3/lease/revoke", "\r\nAuthorization: t2\r\n", "", 401, INVALID },
    };
    struct world w;

    (void)state;
    world_init(&w, answers, N(answers), "u", false);
    etcd_call_grant(&w.call, 15);
    became(&w, ENROL_DONE, "");
    timer_start(w.live.loop, &w.stop, 1100);    /* a token that is refused sooner is not at fault */
    loop_run(w.live.loop);
    etcd_call_revoke(&w.call, 5);
    became(&w, ENROL_DONE, "");
    etcd_call_revoke(&w.call, 5);
    became(&w, ENROL_REFUSED, "invalid auth token");
    world_fini(&w);
}

static void without_a_token_nothing_is_done(void **state)
{
    static const struct answer answers[] = {
        { "/v3/auth/authenticate", NULL, "", 400,
          "{\"code\":3, \"message\":\"etcdserver: authentication failed, invalid user ID or password\"}" },
    };
    struct world w;

    (void)state;
    world_init(&w, answers, N(answers), "u", false);
    etcd_call_grant(&w.call, 15);
    became(&w, ENROL_REFUSED, "authentication: HTTP 400: etcdserver: authentication failed");
    world_fini(&w);
}

static void what_is_stopped_is_never_told(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, NULL, 0, NULL, true);
    etcd_call_grant(&w.call, 15);
    etcd_call_stop(&w.call);
    etcd_call_stop(&w.call);
    timer_start(w.live.loop, &w.stop, 20);
    loop_run(w.live.loop);
    assert_int_equal(w.done, 0);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_lives_and_ends),
        cmocka_unit_test(a_lease_may_be_gone),
        cmocka_unit_test(what_is_not_done_and_what_nobody_knows),
        cmocka_unit_test(a_dead_member_is_left),
        cmocka_unit_test(a_token_is_asked_for_first),
        cmocka_unit_test(without_a_token_nothing_is_done),
        cmocka_unit_test(what_is_stopped_is_never_told),
    };

    curlmux_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
