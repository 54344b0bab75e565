/* tests/unit/discovery/guard.c - which answers the shrink guard holds, and how long pauses after failures are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/backoff.h"
#include "discovery/guard.h"

static const struct guard_conf usual = { .max_removed = 500000, .min_size = 4, .hold = 30000 };

static const char *reason(unsigned before, unsigned removed, unsigned after, bool doubted)
{
    return guard_reason(&usual, &(struct guard_view){ before, removed, after, doubted });
}

static void what_takes_nothing_away_is_believed(void **state)
{
    (void)state;
    assert_null(reason(0, 0, 0, false));
    assert_null(reason(0, 0, 5, true));
    assert_null(reason(5, 0, 9, true));
    assert_null(reason(5, 0, 5, false));
}

static void what_leaves_none_is_held_whatever_the_size(void **state)
{
    (void)state;
    assert_non_null(reason(1, 1, 0, false));
    assert_non_null(reason(100, 100, 0, false));
}

static void more_than_the_share_is_held_in_services_that_are_large_enough(void **state)
{
    (void)state;
    assert_null(reason(4, 2, 2, false));            /* half is not more than half */
    assert_non_null(reason(4, 3, 1, false));
    assert_non_null(reason(5, 3, 2, false));
    assert_null(reason(3, 2, 1, false));            /* too small */
    assert_non_null(reason(10, 6, 40, false));      /* however many are new */
    assert_null(reason(10000, 5000, 5000, false));
    assert_non_null(reason(10000, 5001, 4999, false));
}

static void a_doubted_answer_is_held_when_it_is_shorter(void **state)
{
    (void)state;
    assert_non_null(reason(2, 1, 1, true));
    assert_non_null(reason(100, 1, 99, true));
    assert_null(reason(100, 1, 100, true));         /* one for another */
}

static void the_share_may_be_none_or_all(void **state)
{
    struct guard_conf c = usual;

    (void)state;
    c.max_removed = 0;
    assert_non_null(guard_reason(&c, &(struct guard_view){ 100, 1, 99, false }));
    c.max_removed = 1000000;
    assert_null(guard_reason(&c, &(struct guard_view){ 100, 99, 1, false }));
    assert_non_null(guard_reason(&c, &(struct guard_view){ 100, 100, 0, false }));
}

static void without_a_hold_everything_is_believed(void **state)
{
    struct guard_conf c = usual;

    (void)state;
    c.hold = 0;
    assert_null(guard_reason(&c, &(struct guard_view){ 100, 100, 0, true }));
}

static void pauses_double_up_to_the_cap(void **state)
{
    (void)state;
    assert_int_equal(backoff_delay(1, 250, 10000, 0), 250);
    assert_int_equal(backoff_delay(2, 250, 10000, 0), 500);
    assert_int_equal(backoff_delay(6, 250, 10000, 0), 8000);
    assert_int_equal(backoff_delay(7, 250, 10000, 0), 10000);
    assert_int_equal(backoff_delay(4000000000u, 250, 10000, 0), 10000);
    for (unsigned i = 0; i < 1000; i++)
        assert_in_range(backoff_delay(3, 250, 10000, rand_u64()), 500, 1000);
}

static void every_failure_is_counted(void **state)
{
    struct backoff b = { 0 };

    (void)state;
    assert_in_range(backoff_next(&b, 100, 1000), 50, 100);
    assert_in_range(backoff_next(&b, 100, 1000), 100, 200);
    assert_in_range(backoff_next(&b, 100, 1000), 200, 400);
    assert_int_equal(b.failures, 3);
}

static void jitter_is_a_tenth(void **state)
{
    sc_msec least = 1000000, most = 0;

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        sc_msec d = jitter(1000);

        least = d < least ? d : least;
        most = d > most ? d : most;
    }
    assert_in_range(least, 900, 905);
    assert_in_range(most, 1095, 1100);
    assert_int_equal(jitter(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_takes_nothing_away_is_believed),
        cmocka_unit_test(what_leaves_none_is_held_whatever_the_size),
        cmocka_unit_test(more_than_the_share_is_held_in_services_that_are_large_enough),
        cmocka_unit_test(a_doubted_answer_is_held_when_it_is_shorter),
        cmocka_unit_test(the_share_may_be_none_or_all),
        cmocka_unit_test(without_a_hold_everything_is_believed),
        cmocka_unit_test(pauses_double_up_to_the_cap),
        cmocka_unit_test(every_failure_is_counted),
        cmocka_unit_test(jitter_is_a_tenth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
