/* tests/bench/codec.c - what one message costs in http/ and http1/, without any socket.
 * SPDX-License-Identifier: Apache-2.0
 *
 * codec            nanoseconds per operation, for each
 * codec NAME N     N times the operation NAME: count instructions by the difference of two runs under callgrind */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/framing.h"
#include "http/hop.h"
#include "http/uri.h"
#include "http1/chunked.h"
#include "http1/request.h"
#include "http1/response.h"

/* 41 and 785 bytes. */
#define SMALL "GET /small HTTP/1.1\r\nHost: 10.0.0.100\r\n\r\n"
#define TARGET "/api/v1/users/12345/orders?limit=20&after=abcdef"
#define FIELDS                                                                               \
    "Host: api.example.com\r\n"                                                              \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36\r\n" \
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"                 \
    "Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\nAccept-Encoding: gzip, deflate, br\r\n"     \
    "Authorization: Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9."  \
    "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4ifQ.c2lnbmF0dXJl\r\n"                         \
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes\r\n"          \
    "Referer: https://www.example.com/account/orders\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\n"         \
    "X-Request-Start: 1700000000.123\r\n"                                                     \
    "X-Client-Trace: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-0123456789abcde\r\n"
#define LARGE "GET " TARGET " HTTP/1.1\r\n" FIELDS "\r\n"
#define ANSWER                                                                               \
    "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Fri, 20 Nov 2026 09:00:00 GMT\r\nContent-Type: application/json\r\n"     \
    "Content-Length: 128\r\nConnection: keep-alive\r\n\r\n"

static const struct framing_limits framing_limits = FRAMING_LIMITS_DEFAULT;
static const struct response_limits response_limits = RESPONSE_LIMITS_DEFAULT;
static struct framing checker;
static struct arena arena;
static struct header room[64], parsed[64];
static struct headers parsed_list;
static size_t sink;

static void check(const char *p, size_t n)
{
    if (framing_feed(&checker, p, n) != n)
        abort();
}

static void check_small(void)
{
    check(SMALL, sizeof SMALL - 1);
}

static void check_large(void)
{
    check(LARGE, sizeof LARGE - 1);
}

static void read_answer(void)
{
    struct response r;

    response_init(&r, &arena, room, 64, false, false);
    if (response_parse(&r, ANSWER, sizeof ANSWER - 1, &response_limits) != sizeof ANSWER - 1)
        abort();
    sink += r.headers.n;
}

static void normal_path(void)
{
    static const struct uri_options options;
    struct uri u;

    if (uri_parse(&u, STR(TARGET), &options, &arena) != NULL)
        abort();
    sink += u.path.n;
}

/* The fields of LARGE, as a library would hand them over. */
static void fill(void)
{
    struct sc_str rest = STR(FIELDS), line;

    headers_init(&parsed_list, &arena, parsed, 64);
    while (str_split(&rest, '\n', &line) && line.n > 0) {
        const char *colon = str_chr(line, ':');

        headers_add(&parsed_list, str_range(line.p, colon), str_range(colon + 2, line.p + line.n - 1));
    }
}

static void strip(void)
{
    struct hop hop;

    for (unsigned i = 0; i < parsed_list.n; i++)
        parsed_list.at[i].gone = false;
    hop_strip(&parsed_list, &hop);
    sink += hop.keep_alive;
}

static void add_fields(void)
{
    struct headers h;

    headers_init(&h, &arena, room, 64);
    for (unsigned i = 0; i < parsed_list.n; i++)
        headers_add(&h, parsed_list.at[i].name, parsed_list.at[i].value);
    sink += h.n;
}

static void write_request(void)
{
    const struct request_line line = { STR("GET"), STR("/api/v1/users/12345/orders"), STR("limit=20&after=abcdef"), true };
    char to[4096];

    sink += (size_t)request_write(to, sizeof to, &line, &parsed_list, NULL, 0);
}

static void write_chunk_head(void)
{
    char to[CHUNKED_HEAD_MAX];

    sink += chunked_head(to, 16384);
}

static const struct { const char *name; void (*run)(void); } operations[] = {
    { "check_small", check_small }, { "check_large", check_large }, { "read_answer", read_answer },
    { "normal_path", normal_path }, { "add_fields", add_fields }, { "strip", strip }, { "write_request", write_request },
    { "write_chunk_head", write_chunk_head },
};

#define OPERATIONS (sizeof operations / sizeof *operations)

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void repeat(void (*run)(void), long n)
{
    while (n-- > 0)
        run();
}

/* The best of several rounds: the machine may be busy. */
static double best_ns(void (*run)(void))
{
    double best = 1e9;

    for (int round = 0; round < 20; round++) {
        double from = now_ns();

        repeat(run, 20000);
        if ((now_ns() - from) / 20000 < best)
            best = (now_ns() - from) / 20000;
    }
    return best;
}

int main(int argc, char **argv)
{
    arena_init(&arena, 65536);
    framing_init(&checker, &framing_limits);
    fill();
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (argc == 1)
            printf("%-18s %7.1f ns\n", operations[i].name, best_ns(operations[i].run));
        else if (argc == 3 && strcmp(argv[1], operations[i].name) == 0)
            repeat(operations[i].run, atol(argv[2]));
    }
    arena_fini(&arena);
    return sink == 0 && argc == 1;
}
