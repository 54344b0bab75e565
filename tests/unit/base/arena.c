/* tests/unit/base/arena.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/arena.h"

#include <stdio.h>
#include <string.h>

/* Nothing overlaps, everything is aligned, whatever the sizes. */
static void pieces_do_not_overlap(void **state)
{
    struct arena a;
    unsigned char *at[500];
    size_t n[500];

    (void)state;
    arena_init(&a, 1024);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 500; i++) {
            n[i] = (size_t)(i * 37 + round) % 3000;
            at[i] = arena_alloc(&a, n[i]);
            assert_int_equal((uintptr_t)at[i] % 16, 0);
            memset(at[i], i & 0xff, n[i]);
        }
        for (int i = 0; i < 500; i++)
            for (size_t k = 0; k < n[i]; k++)
                assert_int_equal(at[i][k], i & 0xff);
        arena_reset(&a);
    }
    arena_fini(&a);
}

/* A busy owner allocates nothing after its first turn. */
static void the_first_block_stays(void **state)
{
    struct arena a;
    void *first;

    (void)state;
    arena_init(&a, 4096);
    first = arena_alloc(&a, 100);
    for (int i = 0; i < 100; i++) {
        arena_alloc(&a, 3000);
        arena_alloc(&a, 10000);
        arena_reset(&a);
        assert_ptr_equal(arena_alloc(&a, 100), first);
    }
    arena_fini(&a);
    assert_null(a.blocks);
}

static void an_outsize_first_block_is_given_back(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 256);
    memset(arena_alloc(&a, 100000), 1, 100000);
    arena_reset(&a);
    assert_null(a.blocks);
    memset(arena_alloc(&a, 100), 1, 100);
    assert_non_null(a.blocks);
    arena_fini(&a);
}

static void copies(void **state)
{
    struct arena a;
    const char *zero;

    (void)state;
    arena_init(&a, 64);
    memset(arena_alloc(&a, 64), 0xee, 64);
    arena_reset(&a);
    zero = arena_zero(&a, 48);
    for (int i = 0; i < 48; i++)
        assert_int_equal(zero[i], 0);
    assert_string_equal(arena_dupz(&a, (struct sc_str){ "abcdef", 2 }), "ab");
    assert_string_equal(arena_dupz(&a, STR_NONE), "");
    assert_str(arena_dup(&a, STR("xyz")), "xyz");
    assert_string_equal(arena_printf(&a, "%d-%s", 5, "five"), "5-five");
    assert_int_equal(strlen(arena_printf(&a, "%0300d", 1)), 300);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(the_first_block_stays),
        cmocka_unit_test(an_outsize_first_block_is_given_back),
        cmocka_unit_test(copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
