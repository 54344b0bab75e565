/* tests/unit/telemetry/ring.c - what goes in comes out, around every corner.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "telemetry/ring.h"

#include <stdio.h>

static size_t text_of(char *to, unsigned i)
{
    size_t n = i % 53;

    memset(to, 'a' + (int)(i % 26), n);
    return n;
}

static void check(const struct ring_record *r, unsigned i)
{
    char expected[64], got[64];
    size_t n = text_of(expected, i);

    assert_int_equal(r->part[0].n + r->part[1].n, n);
    memcpy(got, r->part[0].p, r->part[0].n);
    memcpy(got + r->part[0].n, r->part[1].p, r->part[1].n);
    assert_memory_equal(got, expected, n);
    assert_int_equal((uintptr_t)r->to, i);
}

static void round_and_round(void **state)
{
    struct ring ring;
    size_t used;
    char text[64];

    (void)state;
    ring_init(&ring, 128);
    for (unsigned i = 0; i < 5000; i++) {
        struct ring_record r;

        assert_true(ring_put(&ring, (void *)(uintptr_t)i, text, text_of(text, i), &used));
        r = ring_at(&ring, ring_tail(&ring));
        check(&r, i);
        assert_int_equal(r.next, ring_head(&ring));
        ring_release(&ring, r.next);
    }
    ring_fini(&ring);
}

static void full(void **state)
{
    unsigned in = 0, out = 0;
    struct ring ring;
    size_t used;
    char text[64];

    (void)state;
    ring_init(&ring, 512);
    for (unsigned turn = 0; turn < 500; turn++) {
        size_t head;

        while (ring_put(&ring, (void *)(uintptr_t)in, text, text_of(text, in), &used))
            in++;
        assert_true(in > out + 5);
        head = ring_head(&ring);
        assert_true(head - ring_tail(&ring) <= 512);
        for (size_t at = ring_tail(&ring); at != head && (out + turn) % 7 != 0; out++) {
            struct ring_record r = ring_at(&ring, at);

            check(&r, out);
            at = r.next;
            ring_release(&ring, at);
        }
        if ((out + turn) % 7 == 0) {
            struct ring_record r = ring_at(&ring, ring_tail(&ring));

            if (ring_tail(&ring) != head) {
                check(&r, out++);
                ring_release(&ring, r.next);
            }
        }
    }
    ring_fini(&ring);
}

/* The writer is woken by a ring that is more than a quarter full: one that was emptied must not look so. */
static void used_is_not_stale(void **state)
{
    struct ring ring;
    char text[48] = { 0 };
    size_t used;

    (void)state;
    ring_init(&ring, 512);
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned k = 1; k <= 7; k++) {
            assert_true(ring_put(&ring, NULL, text, sizeof text, &used));
            if (k * 64 > 128)
                assert_int_equal(used, k * 64);
            else
                assert_true(used >= k * 64 && used <= 128);
        }
        ring_release(&ring, ring_head(&ring));
    }
    ring_fini(&ring);
}

static void never_larger_than_itself(void **state)
{
    struct ring ring;
    char text[256] = { 0 };
    size_t used;

    (void)state;
    ring_init(&ring, 128);
    assert_false(ring_put(&ring, NULL, text, 113, &used));
    assert_true(ring_put(&ring, NULL, text, 112, &used));
    assert_int_equal(used, 128);
    assert_false(ring_put(&ring, NULL, text, 0, &used));
    ring_fini(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_and_round),
        cmocka_unit_test(full),
        cmocka_unit_test(used_is_not_stale),
        cmocka_unit_test(never_larger_than_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
