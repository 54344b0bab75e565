/* sidecar/daemon/ask.c - one question to the admin listener of a sidecar that runs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ask.h"

#include "admin/admin.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "conf/file.h"
#include "http1/response.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PATIENCE_S = 10,
    PATIENCE_CHANGE_S = 60,     /* a reload is answered once it is in force */
    ANSWER_MAX = 256 << 20,
    TOKEN_MAX = 64 << 10,
    PIECE = 64 << 10,
};

#define SYSTEM_SOCKET "unix:/run/outrider/admin.sock"

/* ---- connecting ---- */

/* Before connecting: a sidecar that stands still, with a queue that is full, would be waited for without end. */
static void be_patient(int fd, bool changes)
{
    struct timeval patience = { .tv_sec = changes ? PATIENCE_CHANGE_S : PATIENCE_S };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static const char *why_not(int error)
{
    return error == EAGAIN || error == EINPROGRESS ? "no answer in time" : strerror(error);
}

static int connect_unix(const char *path)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    int fd;

    if (strlen(path) >= sizeof sa.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(sa.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        be_patient(fd, false);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        int failed = errno;

        close(fd);
        errno = failed;
        return -1;
    }
    return fd;
}

static int connect_one(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        be_patient(fd, false);
    if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
        int failed = errno;

        close(fd);
        errno = failed;
        return -1;
    }
    return fd;
}

/* "host:port", "[v6]:port", ":port". -1 with the reason in e. */
static int connect_tcp(const char *address, struct sc_error *e)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all;
    const char *colon = strrchr(address, ':');
    struct sc_str host;
    int fd = -1, failed;
    char *name;

    if (colon == NULL) {
        sc_error_set(e, "%s: expected unix:/PATH or HOST:PORT", address);
        return -1;
    }
    host = str_range(address, colon);
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct sc_str){ host.p + 1, host.n - 2 };
    name = str_dupz(host);
    failed = getaddrinfo(host.n == 0 ? NULL : name, colon + 1, &hints, &all);
    free(name);
    if (failed != 0) {
        sc_error_set(e, "%s: %s", address, gai_strerror(failed));
        return -1;
    }
    for (const struct addrinfo *a = all; a != NULL && fd < 0; a = a->ai_next)
        fd = connect_one(a);
    if (fd < 0)
        sc_error_set(e, "%s: %s", address, why_not(errno));
    freeaddrinfo(all);
    return fd;
}

static int connect_to(const char *address, struct sc_error *e)
{
    int fd;

    if (strncmp(address, "unix:", 5) != 0)
        return connect_tcp(address, e);
    fd = connect_unix(address + 5);
    if (fd < 0)
        sc_error_set(e, "%s: %s", address, why_not(errno));
    return fd;
}

/* The places where a sidecar listens unless told otherwise; all of them are named when nobody is there. */
static int connect_default(char **used, struct sc_error *e)
{
    char *places[] = { admin_default_socket(), xstrdup(SYSTEM_SOCKET), xstrdup(ADMIN_DEFAULT_ADDRESS) };
    struct buf failed = BUF_INIT;
    int fd = -1;

    for (unsigned i = 0; i < 3; i++) {
        struct sc_error one = SC_ERROR_INIT;

        if (fd < 0 && places[i] != NULL && (i != 1 || places[0] == NULL || strcmp(places[0], places[1]) != 0)) {
            fd = connect_to(places[i], &one);
            if (fd >= 0)
                *used = xstrdup(places[i]);
            else
                buf_printf(&failed, "%s%s", failed.n > 0 ? "; " : "", one.text);
        }
        free(places[i]);
    }
    if (fd < 0)
        sc_error_set(e, "%s", failed.p);
    buf_fini(&failed);
    return fd;
}

static int open_place(const struct ask_options *o, char **used, struct sc_error *e)
{
    const char *stated = o->address != NULL ? o->address : getenv("OUTRIDER_ADMIN");
    int fd;

    if (stated == NULL || stated[0] == '\0')
        return connect_default(used, e);
    fd = connect_to(stated, e);
    if (fd >= 0)
        *used = xstrdup(stated);
    return fd;
}

/* ---- asking ---- */

static bool add_token(const char *path, struct buf *head, struct sc_error *e)
{
    struct buf text = BUF_INIT;
    struct sc_str rest, token = STR_NONE;
    struct stat st;
    bool ok = file_read(path, TOKEN_MAX, &text, &st);

    if (!ok) {
        sc_error_set(e, "%s: %s", path, strerror(errno));
    } else {
        rest = buf_view(&text);
        str_split(&rest, '\n', &token);
        if (token.n > 0 && token.p[token.n - 1] == '\r')
            token.n--;
        ok = token.n > 0 && http_is_value(token);
        if (ok)
            buf_printf(head, "Authorization: Bearer %.*s\r\n", STR_ARG(token));
        else
            sc_error_set(e, "%s holds no token in its first line", path);
    }
    if (text.p != NULL)
        explicit_bzero(text.p, text.cap);
    buf_fini(&text);
    return ok;
}

/* HTTP/1.0: the answer ends with the connection, and is never chunked. */
static bool build(const struct ask_options *o, const char *used, const char *method, const char *path, struct buf *out,
                  struct sc_error *e)
{
    bool local = strncmp(used, "unix:", 5) == 0 || used[0] == ':';

    buf_printf(out, "%s %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: outrider/" PACKAGE_VERSION "\r\n", method, path,
               local ? "localhost" : used);
    if (o->token_file != NULL && !add_token(o->token_file, out, e))
        return false;
    if (o->body.n > 0)
        buf_puts(out, "Content-Type: application/json\r\n");
    if (strcmp(method, "GET") != 0)
        buf_printf(out, "Content-Length: %zu\r\n", o->body.n);
    buf_puts(out, "\r\n");
    buf_str(out, o->body);
    return true;
}

static bool send_all(int fd, struct sc_str text)
{
    while (text.n > 0) {
        ssize_t n = send(fd, text.p, text.n, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text = str_skip(text, (size_t)n);
    }
    return true;
}

static bool receive_all(int fd, struct buf *to)
{
    for (;;) {
        ssize_t n;

        buf_reserve(to, PIECE);
        n = recv(fd, to->p + to->n, PIECE, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            return true;
        to->n += (size_t)n;
        if (to->n > ANSWER_MAX) {
            errno = EMSGSIZE;
            return false;
        }
    }
}

static bool read_answer(const struct buf *text, struct reply *r, struct sc_error *e)
{
    static const struct response_limits limits = { .head_max = 65536, .fields_max = 200, .interim_max = 1 };
    struct response head;
    struct arena arena;
    size_t body = 0;
    bool ok;
    int n;

    arena_init(&arena, 4096);
    response_init(&head, &arena, NULL, 0, false, false);
    n = response_parse(&head, text->p == NULL ? "" : text->p, text->n, &limits);
    if (n > 0)
        body = text->n - (size_t)n;
    ok = n > 0 && !head.chunked && (!head.has_length || head.content_length == body);
    if (ok) {
        r->status = head.status;
        buf_add(&r->body, text->p + n, body);
    } else {
        sc_error_set(e, "%s", n < 0 ? response_error_text(n) : "the answer is not whole");
    }
    arena_fini(&arena);
    return ok;
}

static bool talk(int fd, struct sc_str question, struct reply *r, struct sc_error *e)
{
    struct buf answer = BUF_INIT;
    bool ok = send_all(fd, question) && receive_all(fd, &answer);

    if (!ok)
        sc_error_set(e, "%s", why_not(errno));
    ok = ok && read_answer(&answer, r, e);
    buf_fini(&answer);
    return ok;
}

bool ask(const struct ask_options *options, const char *method, const char *path, struct reply *r, struct sc_error *e)
{
    struct buf question = BUF_INIT;
    char *used = NULL;
    bool ok = false;
    int fd;

    *r = (struct reply){ 0, BUF_INIT };
    fd = open_place(options, &used, e);
    if (fd < 0)
        return sc_error_wrap(e, "no sidecar answers");
    if (build(options, used, method, path, &question, e)) {
        be_patient(fd, strcmp(method, "GET") != 0);
        ok = talk(fd, buf_view(&question), r, e) || sc_error_wrap(e, "%s", used);
    }
    if (question.p != NULL)
        explicit_bzero(question.p, question.cap);
    buf_fini(&question);
    close(fd);
    free(used);
    return ok;
}

void ask_segment(struct buf *path, const char *name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *name != '\0'; name++)
        if (strchr(plain, *name) != NULL)
            buf_putc(path, *name);
        else
            buf_printf(path, "%%%02X", (unsigned char)*name);
}
