/* tests/unit/http1/chunked.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "http1/chunked.h"

#include <stdio.h>
#include <stdlib.h>

#define S(text) text, sizeof(text) - 1
#define X16 "xxxxxxxxxxxxxxxx"

static const struct chunked_limits limits = { 64, 3, 16 };

/* used: how many bytes belong to the body; what follows is the next message's. */
static const struct { const char *name; enum chunked_result result; const char *data, *trailers; size_t rest;
                      const char *in; size_t n; } cases[] = {
    { "one chunk", CHUNKED_END, "abc", "", 0, S("3\r\nabc\r\n0\r\n\r\n") },
    { "empty", CHUNKED_END, "", "", 0, S("0\r\n\r\n") },
    { "several", CHUNKED_END, "abc0123456789", "", 0, S("3\r\nabc\r\n00A\r\n0123456789\r\n000\r\n\r\n") },
    { "the next message behind", CHUNKED_END, "abc", "", 8, S("3\r\nabc\r\n0\r\n\r\nHTTP/1.1") },
    { "data that looks like framing", CHUNKED_END, "\r\n0\r\n\r\n", "", 0, S("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n") },
    { "extensions", CHUNKED_END, "abc", "", 0, S("3;a=\"b\"\r\nabc\r\n0;x\r\n\r\n") },
    { "trailers", CHUNKED_END, "a", "A=b;X-Sum=;", 2, S("1\r\na\r\n0\r\nA: b \r\nX-Sum:\r\n\r\nHT") },
    { "trailers that are not for trailers", CHUNKED_END, "a", "A=b;", 0,
      S("1\r\na\r\n0\r\nContent-Length: 9\r\nA: b\r\nConnection: x\r\n\r\n") },
    { "more to come", CHUNKED_MORE, "ab", "", 0, S("3\r\nab") },
    { "more to come in the trailers", CHUNKED_MORE, "", "A=b;", 0, S("0\r\nA: b\r\n") },
    { "more to come behind a CR that ends nothing", CHUNKED_MORE, "", "", 0, S("0\r\n\rX") },
    { "CR that ends nothing", CHUNKED_BAD, "", "", 0, S("0\r\n\rX\n\r\n") },
    { "two bytes that end nothing", CHUNKED_BAD, "", "", 0, S("0\r\nX\n") },
    { "no size", CHUNKED_BAD, "", "", 0, S("\r\n") },
    { "extension without a size", CHUNKED_BAD, "", "", 0, S(";a\r\n") },
    { "blank behind the size", CHUNKED_BAD, "", "", 0, S("3 \r\nabc\r\n0\r\n\r\n") },
    { "blank before the size", CHUNKED_BAD, "", "", 0, S(" 3\r\nabc\r\n") },
    { "0x", CHUNKED_BAD, "", "", 0, S("0x3\r\nabc\r\n") },
    { "minus", CHUNKED_BAD, "", "", 0, S("-1\r\n") },
    { "17 digits", CHUNKED_BAD, "", "", 0, S("00000000000000003\r\nabc") },
    { "overflow", CHUNKED_BAD, "", "", 0, S("ffffffffffffffff\r\nabc") },
    { "bare LF behind the size", CHUNKED_BAD, "", "", 0, S("3\nabc\r\n") },
    { "bare CR behind the size", CHUNKED_BAD, "", "", 0, S("3\rabc\r\n") },
    { "longer data", CHUNKED_BAD, "abc", "", 0, S("3\r\nabcd\r\n") },
    { "bare LF behind the data", CHUNKED_BAD, "abc", "", 0, S("3\r\nabc\n0\r\n\r\n") },
    { "long extension", CHUNKED_BAD, "", "", 0, S("3;" X16 "x\r\nabc\r\n") },
    { "control in an extension", CHUNKED_BAD, "", "", 0, S("3;a\0\r\nabc\r\n") },
    { "bare LF in an extension", CHUNKED_BAD, "", "", 0, S("3;a\nabc\r\n") },
    { "bare LF at the end", CHUNKED_BAD, "", "", 0, S("0\r\n\n") },
    { "folded trailer", CHUNKED_BAD, "", "A=b;", 0, S("0\r\nA: b\r\n c\r\n\r\n") },
    { "bad trailer name", CHUNKED_BAD, "", "", 0, S("0\r\nA b: c\r\n\r\n") },
    { "NUL in a trailer", CHUNKED_BAD, "", "", 0, S("0\r\nA: \0\r\n\r\n") },
    { "bare LF in the trailers", CHUNKED_BAD, "", "", 0, S("0\r\nA: b\n\r\n") },
    { "too many trailers", CHUNKED_BAD, "", "A=;A=;A=;", 0, S("0\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n") },
    { "too long trailers", CHUNKED_BAD, "", "", 0, S("0\r\nA: " X16 X16 X16 X16 "\r\n\r\n") },
};

#define CASES (sizeof cases / sizeof *cases)

struct reader {
    struct arena arena;
    struct headers trailers;
    struct chunked c;
    struct buf data;
    size_t used;
    enum chunked_result result;
};

static void start(struct reader *x)
{
    memset(x, 0, sizeof *x);
    arena_init(&x->arena, 512);
    headers_init(&x->trailers, &x->arena, NULL, 0);
    chunked_init(&x->c, &x->trailers, &x->arena);
}

static void stop(struct reader *x)
{
    arena_fini(&x->arena);
    buf_fini(&x->data);
}

/* From a copy of its own size, gone afterwards: views into it may not be kept. */
static void feed(struct reader *x, const char *in, size_t n)
{
    char *copy = malloc(n != 0 ? n : 1);
    size_t at = 0;

    memcpy(copy, in, n);
    do {
        struct sc_str data;
        size_t used;

        x->result = chunked_decode(&x->c, copy + at, n - at, &used, &data, &limits);
        assert_true(used <= n - at && data.n <= used);
        buf_str(&x->data, data);
        at += used;
    } while (x->result == CHUNKED_DATA);
    x->used += at;
    free(copy);
}

static void check(size_t i, struct reader *x, const char *how, size_t cut)
{
    struct buf trailers = BUF_INIT;
    struct header *f;

    buf_puts(&trailers, "");
    buf_puts(&x->data, "");
    for (unsigned k = 0; (f = headers_each(&x->trailers, &k)) != NULL;)
        buf_printf(&trailers, "%.*s=%.*s;", STR_ARG(f->name), STR_ARG(f->value));
    if (x->result != cases[i].result || strcmp(x->data.p, cases[i].data) != 0 || x->c.payload != x->data.n ||
        strcmp(trailers.p, cases[i].trailers) != 0 ||
        (x->result == CHUNKED_END && x->used != cases[i].n - cases[i].rest))
        fail_msg("%s, %s %zu: result %d, data \"%s\", trailers \"%s\", used %zu of %zu", cases[i].name, how, cut,
                 x->result, x->data.p, trailers.p, x->used, cases[i].n);
    buf_fini(&trailers);
}

static void decodes_whole_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct reader x;

        start(&x);
        feed(&x, cases[i].in, cases[i].n);
        check(i, &x, "whole", 0);
        stop(&x);
    }
}

static void decodes_the_same_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        for (size_t cut = 0; cut <= cases[i].n; cut++) {
            struct reader x;

            start(&x);
            feed(&x, cases[i].in, cut);
            if (x.result == CHUNKED_MORE)
                feed(&x, cases[i].in + cut, cases[i].n - cut);
            check(i, &x, "cut at", cut);
            stop(&x);
        }
        for (size_t size = 1; size < 4; size++) {
            struct reader x;

            start(&x);
            for (size_t at = 0; at < cases[i].n && x.result == CHUNKED_MORE; at += size)
                feed(&x, cases[i].in + at, cases[i].n - at < size ? cases[i].n - at : size);
            check(i, &x, "pieces of", size);
            stop(&x);
        }
    }
}

static void drops_trailers_unasked(void **state)
{
    static const char in[] = "0\r\nA: b\r\n\r\n";
    struct arena arena;
    struct chunked c;
    struct sc_str data;
    size_t used;

    (void)state;
    arena_init(&arena, 64);
    chunked_init(&c, NULL, &arena);
    assert_int_equal(chunked_decode(&c, in, sizeof in - 1, &used, &data, &limits), CHUNKED_END);
    assert_int_equal(used, sizeof in - 1);
    arena_fini(&arena);
}

/* Room for the lines grows under way; the views into the old room stay good. */
static void keeps_long_trailers(void **state)
{
    static const struct chunked_limits wide = { 4000, 50, 16 };
    struct arena arena;
    struct headers trailers;
    struct chunked c;
    struct buf in = BUF_INIT;
    struct sc_str data;
    size_t used;

    (void)state;
    arena_init(&arena, 64);
    headers_init(&trailers, &arena, NULL, 0);
    chunked_init(&c, &trailers, &arena);
    buf_puts(&in, "0\r\n");
    for (int i = 0; i < 40; i++)
        buf_printf(&in, "X-%d: %d%060d\r\n", i, i, 0);
    buf_puts(&in, "\r\n");
    for (size_t at = 0; at < in.n; at += used) {
        enum chunked_result result = chunked_decode(&c, in.p + at, in.n - at < 7 ? in.n - at : 7, &used, &data, &wide);

        assert_int_equal(result, at + used == in.n ? CHUNKED_END : CHUNKED_MORE);
    }
    assert_int_equal(trailers.n, 40);
    for (unsigned i = 0; i < 40; i++) {
        char want[80];

        snprintf(want, sizeof want, "%u%060d", i, 0);
        assert_str(trailers.at[i].value, want);
    }
    buf_fini(&in);
    arena_fini(&arena);
}

static void writes_sizes(void **state)
{
    static const uint64_t sizes[] = { 1, 9, 10, 15, 16, 17, 255, 256, 65535, 65536, UINT32_MAX, 1ULL << 59, UINT64_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char got[CHUNKED_HEAD_MAX], want[32];
        size_t n = chunked_head(got, sizes[i]);

        assert_int_equal(n, snprintf(want, sizeof want, "%llx\r\n", (unsigned long long)sizes[i]));
        assert_memory_equal(got, want, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_whole_bodies),
        cmocka_unit_test(decodes_the_same_however_it_is_cut),
        cmocka_unit_test(drops_trailers_unasked),
        cmocka_unit_test(keeps_long_trailers),
        cmocka_unit_test(writes_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
