/* tests/unit/http1/response.c
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each case is read whole, then from a buffer that grows at every place and moves each time, then byte by byte. */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "http1/response.h"

#include <stdlib.h>

#define S(text) text, sizeof(text) - 1
#define OK(fields) S("HTTP/1.1 200 OK\r\n" fields "\r\n")
#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16

static const struct response_limits limits = { 300, 6, 3 };

enum { HEAD = 1, UPGRADE = 2 };

static const struct {
    const char *name;
    int result;                 /* 0: all of the bytes; -100: more are needed */
    enum response_body body;
    uint64_t length;
    bool keep_alive;
    int asked;
    const char *in;
    size_t n;
} cases[] = {
    { "counted", 0, BODY_LENGTH, 5, true, 0, OK("Content-Length: 5\r\n") },
    { "counted, empty", 0, BODY_NONE, 0, true, 0, OK("Content-Length: 0\r\n") },
    { "counted, leading zeros", 0, BODY_LENGTH, 5, true, 0, OK("Content-Length: 0005\r\n") },
    { "counted, blanks around", 0, BODY_LENGTH, 5, true, 0, OK("Content-Length: \t5 \r\n") },
    { "chunked", 0, BODY_CHUNKED, 0, true, 0, OK("Transfer-Encoding: Chunked\r\n") },
    { "until close", 0, BODY_CLOSE, 0, false, 0, OK("") },
    { "close asked", 0, BODY_LENGTH, 5, false, 0, OK("Content-Length: 5\r\nConnection: x, Close\r\n") },
    { "close in the second", 0, BODY_LENGTH, 5, false, 0,
      OK("Connection: x\r\nContent-Length: 5\r\nConnection: close\r\n") },
    { "HTTP/1.0", 0, BODY_LENGTH, 5, false, 0, S("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n") },
    { "HTTP/1.0 keep-alive", 0, BODY_LENGTH, 5, true, 0,
      S("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n") },
    { "HTTP/1.9", 0, BODY_LENGTH, 5, true, 0, S("HTTP/1.9 200 OK\r\nContent-Length: 5\r\n\r\n") },
    { "no reason", 0, BODY_NONE, 0, true, 0, S("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n") },
    { "no reason, no blank", 0, BODY_NONE, 0, true, 0, S("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n") },
    { "reason of obs-text and tab", 0, BODY_NONE, 0, true, 0,
      S("HTTP/1.1 200 d\xe9j\xe0\tvu\r\nContent-Length: 0\r\n\r\n") },
    { "odd status", 0, BODY_NONE, 0, true, 0, S("HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n") },
    { "HEAD", 0, BODY_NONE, 5, true, HEAD, OK("Content-Length: 5\r\n") },
    { "HEAD, chunked", 0, BODY_NONE, 0, true, HEAD, OK("Transfer-Encoding: chunked\r\n") },
    { "HEAD without a length", 0, BODY_NONE, 0, true, HEAD, OK("") },
    { "304 with a length", 0, BODY_NONE, 5, true, 0, S("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n") },
    { "204", 0, BODY_NONE, 0, true, 0, S("HTTP/1.1 204 No Content\r\n\r\n") },
    { "204 with a length", 0, BODY_NONE, 5, false, 0, S("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n") },
    { "204 chunked", 0, BODY_NONE, 0, false, 0, S("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n") },
    { "100", 0, BODY_NONE, 0, true, 0, S("HTTP/1.1 100 Continue\r\n\r\n") },
    { "101 asked for", 0, BODY_NONE, 0, true, UPGRADE, S("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n") },
    { "values", 0, BODY_CLOSE, 0, false, 0,
      OK("A:\r\nB: \r\nC:\t x y\t\r\nD:\xc3\xa9\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n") },
    { "t18 101 unasked", RESPONSE_BAD_UPGRADE, 0, 0, 0, 0,
      S("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n") },
    { "t18 both framings", RESPONSE_CONFLICT, 0, 0, 0, 0, OK("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") },
    { "t18 both, the other way round", RESPONSE_CONFLICT, 0, 0, 0, 0,
      OK("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") },
    { "t18 both, HEAD", RESPONSE_CONFLICT, 0, 0, 0, HEAD, OK("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") },
    { "t18 two lengths", RESPONSE_BAD_LENGTH, 0, 0, 0, 0, OK("Content-Length: 5\r\nContent-Length: 6\r\n") },
    { "t18 two equal lengths", RESPONSE_BAD_LENGTH, 0, 0, 0, 0, OK("Content-Length: 5\r\nContent-Length: 5\r\n") },
    { "t18 list of lengths", RESPONSE_BAD_LENGTH, 0, 0, 0, 0, OK("Content-Length: 5, 5\r\n") },
    { "t18 signed length", RESPONSE_BAD_LENGTH, 0, 0, 0, 0, OK("Content-Length: +5\r\n") },
    { "t18 negative length", RESPONSE_BAD_LENGTH, 0, 0, 0, 0, OK("Content-Length: -5\r\n") },
    { "t18 hex length", RESPONSE_BAD_LENGTH, 0, 0, 0, 0, OK("Content-Length: 0x5\r\n") },
    { "t18 empty length", RESPONSE_BAD_LENGTH, 0, 0, 0, 0, OK("Content-Length:\r\n") },
    { "t18 length beyond 64 bits", RESPONSE_BAD_LENGTH, 0, 0, 0, 0, OK("Content-Length: 18446744073709551621\r\n") },
    { "t18 other coding", RESPONSE_BAD_CODING, 0, 0, 0, 0, OK("Transfer-Encoding: gzip, chunked\r\n") },
    { "t18 coding twice", RESPONSE_BAD_CODING, 0, 0, 0, 0,
      OK("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") },
    { "t18 another of seven letters", RESPONSE_BAD_CODING, 0, 0, 0, 0, OK("Transfer-Encoding: deflate\r\n") },
    { "t18 bare CR behind the status", RESPONSE_BAD_STATUS, 0, 0, 0, 0, S("HTTP/1.1 200 OK\rX\r\n\r\n") },
    { "no blank behind the version", RESPONSE_BAD_STATUS, 0, 0, 0, 0, S("HTTP/1.1x200 OK\r\n\r\n") },
    { "t18 identity", RESPONSE_BAD_CODING, 0, 0, 0, 0, OK("Transfer-Encoding: identity\r\n") },
    { "t18 empty coding", RESPONSE_BAD_CODING, 0, 0, 0, 0, OK("Transfer-Encoding:\r\n") },
    { "t18 coding in HTTP/1.0", RESPONSE_BAD_CODING, 0, 0, 0, 0,
      S("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") },
    { "t18 NUL in a value", RESPONSE_BAD_FIELD, 0, 0, 0, 0, OK("A: b\0c\r\n") },
    { "t18 control in a value", RESPONSE_BAD_FIELD, 0, 0, 0, 0, OK("A: 0123456789abcdef\x7f\r\n") },
    { "t18 bare CR in a value", RESPONSE_BAD_LINE, 0, 0, 0, 0, OK("A: b\rC: d\r\n") },
    { "t18 bare LF", RESPONSE_BAD_LINE, 0, 0, 0, 0, OK("A: b\nC: d\r\n") },
    { "t18 bare LF at the end", RESPONSE_BAD_FIELD, 0, 0, 0, 0, S("HTTP/1.1 200 OK\r\nA: b\r\n\n") },
    { "t18 CR alone at the end", RESPONSE_BAD_LINE, 0, 0, 0, 0, S("HTTP/1.1 200 OK\r\nA: b\r\n\rX\r\n") },
    { "folding", RESPONSE_BAD_FIELD, 0, 0, 0, 0, OK("A: b\r\n c\r\n") },
    { "folding by tab", RESPONSE_BAD_FIELD, 0, 0, 0, 0, OK("A: b\r\n\tc\r\n") },
    { "blank before the first field", RESPONSE_BAD_FIELD, 0, 0, 0, 0, OK(" A: b\r\n") },
    { "blank before the colon", RESPONSE_BAD_FIELD, 0, 0, 0, 0, OK("Content-Length : 5\r\n") },
    { "no name", RESPONSE_BAD_FIELD, 0, 0, 0, 0, OK(": b\r\n") },
    { "no colon", RESPONSE_BAD_FIELD, 0, 0, 0, 0, OK("A b\r\n") },
    { "bad name", RESPONSE_BAD_FIELD, 0, 0, 0, 0, OK("A(b): c\r\n") },
    { "HTTP/2", RESPONSE_BAD_VERSION, 0, 0, 0, 0, S("HTTP/2.0 200 OK\r\n\r\n") },
    { "HTTP/2 frame", RESPONSE_BAD_VERSION, 0, 0, 0, 0, S("\0\0\x12\x04") },
    { "HTTP/0.9 without a line end", RESPONSE_BAD_VERSION, 0, 0, 0, 0, S("HTTP/0.9 200") },
    { "ICY", RESPONSE_BAD_VERSION, 0, 0, 0, 0, S("ICY 200 OK\r\n\r\n") },
    { "lower case", RESPONSE_BAD_VERSION, 0, 0, 0, 0, S("http/1.1 200 OK\r\n\r\n") },
    { "HTTP/1.x", RESPONSE_BAD_VERSION, 0, 0, 0, 0, S("HTTP/1.x 200 OK\r\n\r\n") },
    { "empty line first", RESPONSE_BAD_VERSION, 0, 0, 0, 0, S("\r\nHTTP/1.1 200 OK\r\n\r\n") },
    { "two digits", RESPONSE_BAD_STATUS, 0, 0, 0, 0, S("HTTP/1.1 20 OK\r\n\r\n") },
    { "four digits", RESPONSE_BAD_STATUS, 0, 0, 0, 0, S("HTTP/1.1 2000 OK\r\n\r\n") },
    { "status below 100", RESPONSE_BAD_STATUS, 0, 0, 0, 0, S("HTTP/1.1 099 OK\r\n\r\n") },
    { "status of letters", RESPONSE_BAD_STATUS, 0, 0, 0, 0, S("HTTP/1.1 2x0 OK\r\n\r\n") },
    { "no status", RESPONSE_BAD_STATUS, 0, 0, 0, 0, S("HTTP/1.1\r\n") },
    { "two blanks", RESPONSE_BAD_STATUS, 0, 0, 0, 0, S("HTTP/1.1  200 OK\r\n\r\n") },
    { "control in the reason", RESPONSE_BAD_STATUS, 0, 0, 0, 0, S("HTTP/1.1 200 O\x01K\r\n\r\n") },
    { "bare LF behind the status", RESPONSE_BAD_STATUS, 0, 0, 0, 0, S("HTTP/1.1 200 OK\n\r\n") },
    { "seven fields", RESPONSE_TOO_LARGE, 0, 0, 0, 0, OK("A:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n") },
    { "as long as allowed", 0, BODY_CLOSE, 0, false, 0,
      OK("A:" X64 X64 "\r\nA:" X64 X64 "\r\nA: xxxxxx\r\nA: x\r\n") },
    { "too long", RESPONSE_TOO_LARGE, 0, 0, 0, 0, OK("A:" X64 X64 "\r\nA:" X64 X64 "\r\nA: xxxxxxx\r\nA: x\r\n") },
    { "too long and malformed", RESPONSE_TOO_LARGE, 0, 0, 0, 0, OK("A:" X64 X64 X64 X64 X64 "\x01\r\n") },
    { "too long without an end", RESPONSE_TOO_LARGE, 0, 0, 0, 0, S("HTTP/1.1 200 OK\r\nA:" X64 X64 X64 X64 X64) },
    { "unfinished", -100, 0, 0, 0, 0, S("HTTP/1.1 200 OK\r\nA: b\r\n") },
    { "unfinished and odd so far", -100, 0, 0, 0, 0, S("HTTP/1.1 200 OK\r\nA( b\r") },
    { "nothing", -100, 0, 0, 0, 0, "", 0 },
};

#define CASES (sizeof cases / sizeof *cases)

struct reader {
    struct arena arena;
    struct header first[2];     /* fewer than some cases need: the list has to move */
    struct response r;
};

static void start(struct reader *x, int asked)
{
    arena_init(&x->arena, 4096);
    memset(&x->r, 0xee, sizeof x->r);
    response_init(&x->r, &x->arena, x->first, 2, asked & HEAD, asked & UPGRADE);
}

static void check(size_t i, int result, const struct response *r)
{
    int want = cases[i].result == 0 ? (int)cases[i].n : cases[i].result == -100 ? 0 : cases[i].result;

    if (result != want)
        fail_msg("%s: %d (%s), not %d", cases[i].name, result, result < 0 ? response_error_text(result) : "", want);
    if (result > 0 && (r->body != cases[i].body || r->keep_alive != cases[i].keep_alive ||
                       (r->has_length ? r->content_length : 0) != cases[i].length))
        fail_msg("%s: body %d, length %llu, keep-alive %d", cases[i].name, r->body,
                 (unsigned long long)r->content_length, r->keep_alive);
}

/* Joins what the views say, to compare what was read in different ways. */
static struct sc_str digest(struct reader *x)
{
    struct header *f;
    struct buf b = BUF_INIT;
    struct sc_str copy;

    buf_printf(&b, "%u %.*s|", x->r.status, STR_ARG(x->r.reason));
    for (unsigned i = 0; (f = headers_each(&x->r.headers, &i)) != NULL;)
        buf_printf(&b, "%.*s=%.*s;", STR_ARG(f->name), STR_ARG(f->value));
    copy = arena_dup(&x->arena, buf_view(&b));
    buf_fini(&b);
    return copy;
}

/* A new buffer of exactly n bytes each time; the old one is gone. */
static int read_to(struct reader *x, char **buf, const char *in, size_t n)
{
    char *next = malloc(n != 0 ? n : 1);
    int result;

    memcpy(next, in, n);
    result = response_parse(&x->r, next, n, &limits);
    free(*buf);
    *buf = next;
    return result;
}

static void reads_whole_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct reader x;
        char *buf = NULL;

        start(&x, cases[i].asked);
        check(i, read_to(&x, &buf, cases[i].in, cases[i].n), &x.r);
        free(buf);
        arena_fini(&x.arena);
    }
}

static void read_in_two(size_t i, size_t cut, struct sc_str whole)
{
    struct reader x;
    char *buf = NULL;
    int result;

    start(&x, cases[i].asked);
    result = read_to(&x, &buf, cases[i].in, cut);
    if (result == 0)
        result = read_to(&x, &buf, cases[i].in, cases[i].n);
    check(i, result, &x.r);
    if (result > 0)
        assert_true(str_eq(digest(&x), whole));
    free(buf);
    arena_fini(&x.arena);
}

static void read_bytes(size_t i, struct sc_str whole)
{
    struct reader x;
    char *buf = NULL;
    int result = 0;

    start(&x, cases[i].asked);
    for (size_t n = 0; n <= cases[i].n && result == 0; n++)
        result = read_to(&x, &buf, cases[i].in, n);
    check(i, result, &x.r);
    if (result > 0)
        assert_true(str_eq(digest(&x), whole));
    free(buf);
    arena_fini(&x.arena);
}

static void reads_the_same_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct reader x;
        char *buf = NULL;
        struct sc_str whole = STR_NONE;

        start(&x, cases[i].asked);
        if (read_to(&x, &buf, cases[i].in, cases[i].n) > 0)
            whole = digest(&x);
        for (size_t cut = 0; cut <= cases[i].n; cut++)
            read_in_two(i, cut, whole);
        read_bytes(i, whole);
        free(buf);
        arena_fini(&x.arena);
    }
}

static void gives_fields_in_order(void **state)
{
    static const char in[] = "HTTP/1.1 200 Very good\r\nX-A:  b \t\r\nset-cookie: 1\r\nSET-COOKIE: 2\r\nDate:\r\n\r\nrest";
    struct reader x;

    (void)state;
    start(&x, 0);
    assert_int_equal(response_parse(&x.r, in, sizeof in - 1, &limits), sizeof in - 5);
    assert_int_equal(x.r.status, 200);
    assert_str(x.r.reason, "Very good");
    assert_int_equal(x.r.headers.n, 4);
    assert_str(x.r.headers.at[0].name, "X-A");
    assert_str(x.r.headers.at[0].value, "b");
    assert_int_equal(x.r.headers.at[0].id, HDR_OTHER);
    assert_int_equal(x.r.headers.at[2].id, HDR_SET_COOKIE);
    assert_str(headers_first(&x.r.headers, HDR_SET_COOKIE)->value, "1");
    assert_int_equal(headers_first(&x.r.headers, HDR_DATE)->value.n, 0);
    assert_int_equal(response_parse(&x.r, in, sizeof in - 1, &limits), sizeof in - 5);
    arena_fini(&x.arena);
}

static void reads_on_after_interim_responses(void **state)
{
    static const char in[] = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    struct reader x;
    int n;

    (void)state;
    start(&x, 0);
    n = response_parse(&x.r, in, sizeof in - 1, &limits);
    assert_int_equal(n, 37);
    assert_true(response_is_interim(&x.r));
    assert_true(response_next(&x.r, &limits));
    assert_int_equal(response_parse(&x.r, in + n, sizeof in - 1 - (size_t)n, &limits), sizeof in - 1 - (size_t)n);
    assert_false(response_is_interim(&x.r));
    assert_int_equal(x.r.headers.n, 1);
    assert_true(response_next(&x.r, &limits));
    assert_true(response_next(&x.r, &limits));
    assert_false(response_next(&x.r, &limits));
    arena_fini(&x.arena);
}

/* What an interim response says of a body or of the connection holds for the connection. */
static void remembers_what_interim_responses_said(void **state)
{
    static const struct {
        const char *interim;
        bool keep_alive;
    } said[] = {
        { "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", true },
        { "HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n", true },
        { "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", false },
        { "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n", false },
        { "HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n", false },
    };
    static const char last[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    static const char plain[] = "HTTP/1.1 100 Continue\r\n\r\n";

    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct reader x;

        start(&x, 0);
        assert_true(response_parse(&x.r, said[i].interim, strlen(said[i].interim), &limits) > 0);
        assert_true(response_next(&x.r, &limits));
        assert_true(response_parse(&x.r, plain, sizeof plain - 1, &limits) > 0);
        assert_true(response_next(&x.r, &limits));
        assert_int_equal(response_parse(&x.r, last, sizeof last - 1, &limits), sizeof last - 1);
        assert_int_equal(x.r.keep_alive, said[i].keep_alive);
        arena_fini(&x.arena);
    }
}

static void says_what_was_wrong(void **state)
{
    (void)state;
    for (int e = 0; e >= RESPONSE_TOO_MANY; e--)
        assert_true(strlen(response_error_text(e)) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_whole_heads),
        cmocka_unit_test(reads_the_same_however_it_is_cut),
        cmocka_unit_test(gives_fields_in_order),
        cmocka_unit_test(reads_on_after_interim_responses),
        cmocka_unit_test(remembers_what_interim_responses_said),
        cmocka_unit_test(says_what_was_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
