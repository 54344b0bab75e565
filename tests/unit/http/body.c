/* tests/unit/http/body.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "http/body.h"

#include <stdlib.h>

struct fixture {
    struct body b;              /* first: the callbacks find the rest by it */
    int data, room;
};

static void on_data(struct body *b)
{
    ((struct fixture *)(void *)b)->data++;
}

static void on_room(struct body *b)
{
    ((struct fixture *)(void *)b)->room++;
}

static struct fixture start(size_t limit)
{
    struct fixture f = { .data = 0 };

    body_init(&f.b, limit);
    f.b.on_data = on_data;
    f.b.on_room = on_room;
    return f;
}

/* Byte k of an endless stream that does not repeat at a power of two. */
static char byte_at(uint64_t k)
{
    return (char)(k * 7 + k / 251);
}

static void gives_back_what_it_took(void **state)
{
    struct fixture f = start(16384);
    unsigned seed = 1;
    uint64_t in = 0, out = 0;
    char piece[9000];

    (void)state;
    while (out < 3000000) {
        size_t n = (seed = seed * 1103515245 + 12345) % sizeof piece, got;

        for (size_t i = 0; i < n; i++)
            piece[i] = byte_at(in + i);
        in += body_push(&f.b, piece, n);
        assert_true(f.b.n <= 16384 && f.b.n == in - out);
        n = (seed = seed * 1103515245 + 12345) % sizeof piece;
        got = body_read(&f.b, piece, n);
        for (size_t i = 0; i < got; i++)
            if (piece[i] != byte_at(out + i))
                fail_msg("byte %llu", (unsigned long long)(out + i));
        out += got;
    }
    assert_int_equal(f.b.total, in);
    body_fini(&f.b);
}

static void reserves_runs_without_a_copy(void **state)
{
    struct fixture f = start(8192);
    uint64_t in = 0, out = 0;

    (void)state;
    while (out < 500000) {
        size_t got;
        char *p = body_reserve(&f.b, 1 + in % 5000, &got);
        struct sc_str run;

        assert_true((p == NULL) == (got == 0));
        if (got > 0)
            got -= got / 3;
        for (size_t i = 0; i < got; i++)
            p[i] = byte_at(in + i);
        if (got > 0)
            body_commit(&f.b, got);
        in += got;
        run = body_peek(&f.b);
        run.n -= run.n / 4;
        for (size_t i = 0; i < run.n; i++)
            if (run.p[i] != byte_at(out + i))
                fail_msg("byte %llu", (unsigned long long)(out + i));
        body_pull(&f.b, run.n);
        out += run.n;
    }
    body_fini(&f.b);
}

static void stops_when_full_until_half_is_gone(void **state)
{
    static const char bytes[10000];
    struct fixture f = start(8192);

    (void)state;
    assert_int_equal(body_room(&f.b), 8192);
    assert_int_equal(body_push(&f.b, bytes, sizeof bytes), 8192);
    assert_int_equal(body_room(&f.b), 0);
    body_pull(&f.b, 4095);
    assert_int_equal(body_room(&f.b), 0);
    assert_int_equal(body_push(&f.b, bytes, 1), 0);
    assert_int_equal(f.room, 0);
    body_pull(&f.b, 1);
    assert_int_equal(f.room, 1);
    assert_int_equal(body_room(&f.b), 4096);
    body_pull(&f.b, 4000);
    assert_int_equal(f.room, 1);
    body_fini(&f.b);
}

static void tells_a_hungry_sink_once(void **state)
{
    struct fixture f = start(4096);

    (void)state;
    body_push(&f.b, "a", 1);
    assert_int_equal(f.data, 0);
    body_pull(&f.b, 1);
    assert_int_equal(body_peek(&f.b).n, 0);
    body_push(&f.b, "b", 1);
    body_push(&f.b, "c", 1);
    assert_int_equal(f.data, 1);
    body_pull(&f.b, 2);
    body_peek(&f.b);
    body_end(&f.b);
    body_end(&f.b);
    assert_int_equal(f.data, 2);
    body_fini(&f.b);
}

static void tells_the_end_from_a_failure(void **state)
{
    struct fixture f = start(4096);
    char c;

    (void)state;
    body_push(&f.b, "ab", 2);
    body_end(&f.b);
    assert_int_equal(body_push(&f.b, "c", 1), 0);
    assert_false(body_is_done(&f.b));
    assert_int_equal(body_read(&f.b, &c, 1), 1);
    assert_int_equal(body_read(&f.b, &c, 1), 1);
    assert_true(body_is_done(&f.b));
    assert_null(f.b.ring);
    f = start(4096);
    body_push(&f.b, "ab", 2);
    body_fail(&f.b);
    body_end(&f.b);
    assert_int_equal(body_peek(&f.b).n, 2);
    body_pull(&f.b, 2);
    assert_false(body_is_done(&f.b));
    assert_true(f.b.failed);
    assert_null(f.b.ring);
}

static void gives_memory_back_when_empty(void **state)
{
    static const char bytes[60000];
    struct fixture f = start(65536);

    (void)state;
    assert_null(f.b.ring);
    body_push(&f.b, bytes, 100);
    assert_int_equal(f.b.cap, 4096);
    body_push(&f.b, bytes, 5000);
    assert_int_equal(f.b.cap, 8192);
    body_push(&f.b, bytes, 50000);
    assert_int_equal(f.b.cap, 65536);
    body_pull(&f.b, 55100);
    assert_null(f.b.ring);
    body_push(&f.b, bytes, 10);
    body_pull(&f.b, 10);
    assert_int_equal(f.b.cap, 4096);
    body_fini(&f.b);
    assert_null(f.b.ring);
}

static void works_without_callbacks(void **state)
{
    static const char bytes[5000];
    struct body b;
    size_t got;

    (void)state;
    body_init(&b, 1);
    assert_int_equal(b.limit, 4096);
    assert_int_equal(body_peek(&b).n, 0);
    assert_int_equal(body_push(&b, bytes, sizeof bytes), 4096);
    assert_null(body_reserve(&b, 1, &got));
    assert_int_equal(got, 0);
    body_pull(&b, 4096);
    assert_int_equal(body_room(&b), 4096);
    assert_non_null(body_reserve(&b, 10, &got));
    body_commit(&b, 0);
    assert_int_equal(body_read(&b, (char *)&got, 1), 0);
    body_fail(&b);
    body_fail(&b);
    assert_int_equal(body_room(&b), 0);
    body_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_it_took),
        cmocka_unit_test(reserves_runs_without_a_copy),
        cmocka_unit_test(stops_when_full_until_half_is_gone),
        cmocka_unit_test(tells_a_hungry_sink_once),
        cmocka_unit_test(tells_the_end_from_a_failure),
        cmocka_unit_test(gives_memory_back_when_empty),
        cmocka_unit_test(works_without_callbacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
