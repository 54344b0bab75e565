/* tests/unit/admin/server.c - the admin thread over its sockets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "admin/admin.h"
#include "base/buf.h"
#include "loop/mhdpump.h"
#include "proxy/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[64], socket_path[80], socket_address[96], tcp_address[32];
static uint16_t port;

static void give_facts(void *arg, struct admin_facts *f)
{
    (void)arg;
    *f = (struct admin_facts){ .started = true, .listening = true, .targets = true, .workers = 1, .generation = 1 };
}

static const struct admin_state state_of_things = { .facts = give_facts, .node = "here", .version = "1.2.3" };

/* A port that is free now. */
static uint16_t free_port(void)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    close(fd);
    return ntohs(sa.sin_port);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/admin-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(socket_path, sizeof socket_path, "%s/admin.sock", dir);
    snprintf(socket_address, sizeof socket_address, "unix:%s", socket_path);
    port = free_port();
    snprintf(tcp_address, sizeof tcp_address, "127.0.0.1:%u", port);
    return pump_init() ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(dir);
}

static struct admin *start(const char *first, const char *second, struct sc_error *e)
{
    const char *const addresses[] = { first, second };
    struct admin_conf conf = { .listeners = { addresses, second == NULL ? 1 : 2 } };

    return admin_start(&conf, &state_of_things, e);
}

static struct admin *start_both(void)
{
    struct sc_error e = SC_ERROR_INIT;
    struct admin *a = start(socket_address, tcp_address, &e);

    assert_string_equal(e.text, "");
    assert_non_null(a);
    return a;
}

static int connect_tcp(void)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

static int connect_unix(void)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(sa.sun_path, socket_path);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Sends, and reads to the end of the connection. */
static struct buf talk(int fd, const char *text)
{
    struct buf b = BUF_INIT;
    ssize_t n;

    say(fd, text);
    do {
        struct pollfd p = { .fd = fd, .events = POLLIN };

        assert_int_equal(poll(&p, 1, 20000), 1);
        buf_reserve(&b, 65536);
        n = recv(fd, b.p + b.n, 65536, 0);
        if (n > 0)
            b.n += (size_t)n;
    } while (n > 0);
    close(fd);
    buf_add(&b, "", 0);
    return b;
}

static void expect(int fd, const char *request, const char *status, const char *text)
{
    struct buf b = talk(fd, request);

    if (strncmp(b.p, status, strlen(status)) != 0 || strstr(b.p, text) == NULL)
        fail_msg("%s\n-> %s", request, b.p);
    buf_fini(&b);
}

static void answers_on_both(void **state)
{
    struct admin *a = start_both();

    (void)state;
    expect(connect_unix(), "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ",
           "\r\n\r\n{\"status\":\"live\",\"reasons\":[]}\n");
    expect(connect_tcp(), "GET /health/live HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ",
           "Content-Type: application/json\r\n");
    expect(connect_tcp(), "GET /version HTTP/1.0\r\n\r\n", "HTTP/1.", "\"version\":\"1.2.3\"");
    expect(connect_tcp(), "GET http://localhost/version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
           "HTTP/1.1 200 ", "\"version\":\"1.2.3\"");
    admin_stop(&a);
    assert_null(a);
    assert_int_equal(access(socket_path, F_OK), -1);
}

static void refusals(void **state)
{
    struct admin *a = start_both();

    (void)state;
    expect(connect_tcp(), "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 ",
           "application/problem+json");
    expect(connect_tcp(), "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
           "HTTP/1.1 403 ", "");
    expect(connect_tcp(),
           "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n",
           "HTTP/1.1 403 ", "");
    expect(connect_tcp(), "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
           "Origin: http://localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 ", "");
    expect(connect_tcp(), "GET / HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\nConnection: close\r\n\r\n",
           "HTTP/1.1 403 ", "");
    expect(connect_tcp(), "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 ",
           "\"code\":\"no-route\"");
    expect(connect_tcp(), "GET /%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 400 ",
           "\"code\":\"bad-request\"");
    expect(connect_tcp(), "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", "HTTP/1.1 400 ", "");
    expect(connect_unix(), "POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
           "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n");
    admin_stop(&a);
}

static void many_requests_on_one_connection(void **state)
{
    struct admin *a = start_both();
    struct buf b;
    const char *p;
    unsigned answers = 0;

    (void)state;
    b = talk(connect_tcp(), "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            "HEAD /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            "POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
                            "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    for (p = b.p; (p = strstr(p, "HTTP/1.1 ")) != NULL; p++)
        answers++;
    assert_int_equal(answers, 4);
    p = strstr(b.p, "\"live\"");
    assert_non_null(p);
    p = strstr(p + 1, "\"live\"");          /* HEAD has no body: the second one is of the fourth answer */
    assert_non_null(p);
    assert_null(strstr(p + 1, "\"live\""));
    buf_fini(&b);
    admin_stop(&a);
}

static void sockets_and_mistakes(void **state)
{
    struct admin *a = start_both(), *b;
    struct sc_error e = SC_ERROR_INIT;
    char left[96];
    struct stat st;

    (void)state;
    snprintf(left, sizeof left, "%s/left", dir);
    assert_int_equal(stat(socket_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_null(start(socket_address, NULL, &e));
    assert_non_null(strstr(e.text, "admin.listeners[0]: cannot listen on unix:"));
    assert_null(start("127.0.0.1:0", tcp_address, &e));
    assert_non_null(strstr(e.text, "admin.listeners[1]: cannot listen on 127.0.0.1:"));
    assert_int_equal(access(socket_path, F_OK), 0);         /* the one in use was left alone */
    admin_stop(&a);
    a = start_both();                                       /* the same addresses again */
    admin_stop(&a);

    /* A socket file that was left behind is not in the way. */
    a = start(socket_address, NULL, &e);
    assert_non_null(a);
    assert_int_equal(link(socket_path, left), 0);
    admin_stop(&a);
    assert_int_equal(rename(left, socket_path), 0);
    b = start(socket_address, NULL, &e);
    assert_non_null(b);
    expect(connect_unix(), "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ", "");
    admin_stop(&b);
}

/* With clients connected: one idle, one that has sent half a head, one that has asked and not read. */
static void stops_with_clients(void **state)
{
    struct admin *a = start_both();
    int idle = connect_tcp(), half = connect_unix(), silent = connect_tcp();

    (void)state;
    say(half, "GET / HT");
    say(silent, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(connect_tcp(), "GET /livez HTTP/1.0\r\n\r\n", "HTTP/1.", "");
    admin_stop(&a);
    close(idle);
    close(half);
    close(silent);
}

static void default_socket(void **state)
{
    char *path;

    (void)state;
    setenv("RUNTIME_DIRECTORY", "/run/a:/run/b", 1);
    path = admin_default_socket();
    assert_string_equal(path, "unix:/run/a/admin.sock");
    free(path);
    unsetenv("RUNTIME_DIRECTORY");
    setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
    path = admin_default_socket();
    assert_string_equal(path, geteuid() == 0 ? "unix:/run/outrider/admin.sock"
                                             : "unix:/run/user/7/outrider/admin.sock");
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_on_both),
        cmocka_unit_test(refusals),
        cmocka_unit_test(many_requests_on_one_connection),
        cmocka_unit_test(sockets_and_mistakes),
        cmocka_unit_test(stops_with_clients),
        cmocka_unit_test(default_socket),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
