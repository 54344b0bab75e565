/* tests/unit/http1/request.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "http1/request.h"

#include <stdlib.h>

static const char head[] = "GET /a?b=c HTTP/1.1\r\nHost: x\r\nEmpty: \r\nVia: 1.1 o\r\n\r\n";

static struct headers fields_of(struct header *at)
{
    struct headers h;

    headers_init(&h, NULL, at, 4);
    headers_add(&h, STR("Host"), STR("x"));
    headers_add(&h, STR("Gone"), STR("y\r\nz"))->gone = true;
    headers_add(&h, STR("Empty"), STR_NONE);
    return h;
}

static void writes_what_is_not_gone(void **state)
{
    const struct request_line line = { STR("GET"), STR("/a"), STR("b=c"), true };
    const struct header extra[] = { { .name = STR("Via"), .value = STR("1.1 o") },
                                    { .name = STR("No"), .value = STR("no"), .gone = true } };
    struct header at[4];
    struct headers h = fields_of(at);
    size_t n = sizeof head - 1, bound = request_size(&line, &h, extra, 2);

    (void)state;
    assert_true(bound >= n && bound < n + 16);
    for (size_t cap = 0; cap <= bound; cap++) {
        char *to = malloc(cap != 0 ? cap : 1);
        ssize_t got = request_write(to, cap, &line, &h, extra, 2);

        if (cap == bound)
            assert_int_equal(got, n);
        assert_true(got == 0 || (size_t)got == n);
        if (got > 0)
            assert_memory_equal(to, head, n);
        free(to);
    }
}

static void writes_targets(void **state)
{
    static const struct { struct request_line line; const char *want; } rows[] = {
        { { STR_INIT("GET"), STR_INIT("/"), { NULL, 0 }, false }, "GET / HTTP/1.1\r\n\r\n" },
        { { STR_INIT("GET"), STR_INIT("/"), { NULL, 0 }, true }, "GET /? HTTP/1.1\r\n\r\n" },
        { { STR_INIT("OPTIONS"), STR_INIT("*"), { NULL, 0 }, false }, "OPTIONS * HTTP/1.1\r\n\r\n" },
        { { STR_INIT("M-SEARCH"), STR_INIT("/a"), STR_INIT("?"), true }, "M-SEARCH /a?? HTTP/1.1\r\n\r\n" },
    };
    struct headers none = { 0 };
    char to[64];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(request_write(to, sizeof to, &rows[i].line, &none, NULL, 0), strlen(rows[i].want));
        assert_memory_equal(to, rows[i].want, strlen(rows[i].want));
    }
}

/* t24: nothing set by a policy begins a line of its own. */
static void refuses_line_breaks(void **state)
{
    static const struct { struct sc_str method, path, query, name, value; } rows[] = {
        { STR_INIT("GE\nT"), STR_INIT("/"), STR_INIT(""), STR_INIT("A"), STR_INIT("b") },
        { STR_INIT("GET"), STR_INIT("/ HTTP/1.1\r\nX: y"), STR_INIT(""), STR_INIT("A"), STR_INIT("b") },
        { STR_INIT("GET"), STR_INIT("/"), STR_INIT("a\rb"), STR_INIT("A"), STR_INIT("b") },
        { STR_INIT("GET"), STR_INIT("/"), STR_INIT(""), STR_INIT("A: b\r\nC"), STR_INIT("b") },
        { STR_INIT("GET"), STR_INIT("/"), STR_INIT(""), STR_INIT("A"), STR_INIT("b\r\n\r\nGET / HTTP/1.1") },
        { STR_INIT("GET"), STR_INIT("/"), STR_INIT(""), STR_INIT("A"), STR_INIT("b\n") },
        { STR_INIT("GET"), STR_INIT("/"), STR_INIT(""), STR_INIT("A"), STR_INIT("0123456789abcdef0123456789\0") },
    };
    struct headers none = { 0 };
    char to[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct request_line line = { rows[i].method, rows[i].path, rows[i].query, true };
        const struct header extra = { .name = rows[i].name, .value = rows[i].value };

        assert_int_equal(request_write(to, sizeof to, &line, &none, &extra, 1), -1);
    }
}

/* Far more than one vector of everything: each line is counted, each hidden one is found. */
static void counts_long_heads(void **state)
{
    const struct request_line line = { STR("GET"), STR("/"), STR_NONE, false };
    struct arena arena;
    struct headers h;
    char *to = malloc(100000), *value;
    ssize_t n;

    (void)state;
    arena_init(&arena, 65536);
    headers_init(&h, &arena, NULL, 0);
    for (int i = 0; i < 1000; i++)
        headers_add(&h, STR("A"), STR("b"));
    value = arena_zero(&arena, 10000);
    memset(value, 'x', 10000);
    headers_add(&h, STR("B"), (struct sc_str){ value, 10000 });
    n = request_write(to, 100000, &line, &h, NULL, 0);
    assert_int_equal(n, 16 + 1000 * 6 + 10005 + 2);
    for (size_t at = 0; at < 10000; at += 37) {
        value[at] = "\r\n\0"[at % 3];
        assert_int_equal(request_write(to, 100000, &line, &h, NULL, 0), -1);
        value[at] = 'x';
    }
    free(to);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_is_not_gone),
        cmocka_unit_test(writes_targets),
        cmocka_unit_test(refuses_line_breaks),
        cmocka_unit_test(counts_long_heads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
