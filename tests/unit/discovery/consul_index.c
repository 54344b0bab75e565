/* tests/unit/discovery/consul_index.c - the rules of blocking queries.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/providers/consul_index.h"

static void the_next_query_asks_with_the_index_of_the_answer(void **state)
{
    (void)state;
    assert_int_equal(consul_index_next(0, STR("17")), 17);
    assert_int_equal(consul_index_next(17, STR("18")), 18);
    assert_int_equal(consul_index_next(17, STR("17")), 17);
    assert_true(consul_index_next(1, STR("18446744073709551615")) == UINT64_MAX);
}

static void an_index_that_goes_backwards_is_forgotten(void **state)
{
    (void)state;
    assert_int_equal(consul_index_next(17, STR("16")), 0);
    assert_int_equal(consul_index_next(UINT64_MAX, STR("10")), 0);
    assert_int_equal(consul_index_next(0, STR("16")), 16);
}

static void what_is_no_index_counts_as_1(void **state)
{
    static const char *const fields[] = { "0", "", "-1", "+5", " 5", "5 ", "0x10", "five", "18446744073709551616", "1.5" };

    (void)state;
    assert_int_equal(consul_index_next(17, STR_NONE), 1);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        assert_int_equal(consul_index_next(17, str_of(fields[i])), 1);
}

static void who_blocks_is_asked_again_at_once(void **state)
{
    struct consul_pace p = { 0, 0 };

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(consul_pace_next(&p, i % 2 == 0, 1000 + i), 0);
}

static void who_never_blocks_is_asked_four_times_a_minute(void **state)
{
    struct consul_pace p = { 0, 0 };
    static const sc_msec want[] = { 0, 0, 250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000 };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_int_equal(consul_pace_next(&p, false, 1), want[i]);
    assert_int_equal(consul_pace_next(&p, false, 60000), 0);        /* it blocks again */
    assert_int_equal(consul_pace_next(&p, false, 1), 0);
    assert_int_equal(consul_pace_next(&p, false, 1), 0);
    assert_int_equal(consul_pace_next(&p, false, 1), 250);
}

static void news_come_ten_times_a_second(void **state)
{
    struct consul_pace p = { 0, 0 };

    (void)state;
    assert_int_equal(consul_pace_next(&p, true, 1), 0);
    assert_int_equal(consul_pace_next(&p, true, 999), 0);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(consul_pace_next(&p, true, 1), 100);
}

static void news_end_a_long_pause(void **state)
{
    struct consul_pace p = { 0, 0 };

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        consul_pace_next(&p, false, 1);
    assert_int_equal(consul_pace_next(&p, true, 1), 100);
    assert_int_equal(consul_pace_next(&p, false, 1), 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_query_asks_with_the_index_of_the_answer),
        cmocka_unit_test(an_index_that_goes_backwards_is_forgotten),
        cmocka_unit_test(what_is_no_index_counts_as_1),
        cmocka_unit_test(who_blocks_is_asked_again_at_once),
        cmocka_unit_test(who_never_blocks_is_asked_four_times_a_minute),
        cmocka_unit_test(news_come_ten_times_a_second),
        cmocka_unit_test(news_end_a_long_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
