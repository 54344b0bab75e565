/* tests/unit/discovery/enrol.c - what a registry is told about a service of this host, and when.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/registration/enrol.h"

static sc_msec wait;

static enum enrol_word next(struct enrol *e, sc_msec now)
{
    return enrol_next(e, now, &wait);
}

static void say(struct enrol *e, sc_msec now, enum enrol_word word, enum enrol_outcome outcome)
{
    assert_int_equal(next(e, now), word);
    enrol_done(e, outcome, now);
}

static struct enrol registered(sc_msec now)
{
    struct enrol e = { 0 };

    enrol_is(&e, ENROL_PASSING);
    say(&e, now, ENROL_REGISTER, ENROL_DONE);
    return e;
}

static void nothing_is_registered_before_its_standing_is_known(void **state)
{
    struct enrol e = { 0 };

    (void)state;
    assert_int_equal(next(&e, 1000), ENROL_SILENCE);
    assert_int_equal(wait, ENROL_NEVER);
    enrol_is(&e, ENROL_CRITICAL);
    assert_int_equal(next(&e, 1000), ENROL_REGISTER);
    assert_int_equal(e.saying, ENROL_CRITICAL);
}

static void one_word_at_a_time(void **state)
{
    struct enrol e = { 0 };

    (void)state;
    enrol_is(&e, ENROL_PASSING);
    assert_int_equal(next(&e, 1000), ENROL_REGISTER);
    enrol_is(&e, ENROL_CRITICAL);
    enrol_change(&e);
    assert_int_equal(next(&e, 9000), ENROL_SILENCE);
    assert_int_equal(wait, ENROL_NEVER);
    enrol_done(&e, ENROL_DONE, 9000);
    say(&e, 9000, ENROL_REGISTER, ENROL_DONE);          /* changed while the first was under way */
    assert_int_equal(e.told, ENROL_CRITICAL);
}

static void the_lease_is_renewed_in_time(void **state)
{
    struct enrol e = registered(1000);

    (void)state;
    for (sc_msec now = 1000; now < 100000;) {
        assert_int_equal(next(&e, now), ENROL_SILENCE);
        assert_in_range(wait, ENROL_REFRESH * 9 / 10, ENROL_REFRESH * 11 / 10);
        now += wait;
        say(&e, now, ENROL_REPORT, ENROL_DONE);
    }
    assert_true(ENROL_REFRESH * 2.2 < ENROL_LEASE);     /* one word may be lost */
}

static void another_standing_is_reported_at_once(void **state)
{
    struct enrol e = registered(1000);

    (void)state;
    enrol_is(&e, ENROL_CRITICAL);
    say(&e, 1001, ENROL_REPORT, ENROL_DONE);
    assert_int_equal(e.told, ENROL_CRITICAL);
    assert_int_equal(next(&e, 1001), ENROL_SILENCE);
    enrol_is(&e, ENROL_PASSING);
    assert_int_equal(next(&e, 1002), ENROL_REPORT);
}

static void another_reason_is_told_at_once(void **state)
{
    struct enrol e = registered(1000);

    (void)state;
    assert_int_equal(next(&e, 1001), ENROL_SILENCE);
    enrol_tell(&e);
    assert_int_equal(next(&e, 1001), ENROL_REPORT);
    enrol_tell(&e);
    enrol_done(&e, ENROL_DONE, 1001);
    say(&e, 1001, ENROL_REPORT, ENROL_DONE);                /* said again while the first was under way */
    assert_int_equal(next(&e, 1001), ENROL_SILENCE);
    assert_in_range(wait, ENROL_REFRESH * 9 / 10, ENROL_REFRESH * 11 / 10);
}

static void what_the_registry_lost_is_registered_at_once(void **state)
{
    struct enrol e = registered(1000);

    (void)state;
    say(&e, 7000, ENROL_REPORT, ENROL_NOT_THERE);
    say(&e, 7000, ENROL_REGISTER, ENROL_DONE);
    assert_int_equal(e.place, ENROL_IN);
}

static void other_keys_are_registered_over_the_old_ones(void **state)
{
    struct enrol e = registered(1000);

    (void)state;
    enrol_change(&e);
    assert_int_equal(next(&e, 1001), ENROL_REGISTER);
    enrol_done(&e, ENROL_FAILED, 1001);
    assert_int_equal(e.place, ENROL_IN);
    assert_int_equal(next(&e, 1001), ENROL_SILENCE);    /* a pause first */
    assert_in_range(wait, 125, 250);
    say(&e, 1001 + wait, ENROL_REGISTER, ENROL_DONE);
    assert_int_equal(next(&e, 1252), ENROL_SILENCE);
}

static void pauses_grow_and_end(void **state)
{
    struct enrol e = { 0 };
    sc_msec now = 1000;

    (void)state;
    enrol_is(&e, ENROL_PASSING);
    for (unsigned i = 0; i < 20; i++) {
        say(&e, now, ENROL_REGISTER, ENROL_REFUSED);
        assert_int_equal(next(&e, now), ENROL_SILENCE);
        assert_in_range(wait, 125, 5000);
        now += wait;
    }
    assert_in_range(wait, 2500, 5000);
    say(&e, now, ENROL_REGISTER, ENROL_DONE);
    enrol_is(&e, ENROL_WARNING);
    say(&e, now, ENROL_REPORT, ENROL_FAILED);
    next(&e, now);
    assert_in_range(wait, 125, 250);
}

static void it_leaves_seen_by_others(void **state)
{
    struct enrol e = registered(1000);

    (void)state;
    enrol_leave(&e);
    assert_int_equal(next(&e, 2000), ENROL_DEREGISTER);
    enrol_done(&e, ENROL_DONE, 2005);
    say(&e, 2005, ENROL_LOOK, ENROL_DONE);
    assert_int_equal(next(&e, 2005), ENROL_SILENCE);
    assert_int_equal(wait, 20);
    assert_int_equal(next(&e, 2025), ENROL_LOOK);
    enrol_done(&e, ENROL_NOT_THERE, 2400);
    assert_false(enrol_is_over(&e, 2400));
    assert_int_equal(next(&e, 2400), ENROL_SILENCE);
    assert_int_equal(wait, 400);                        /* as long again as it took until we saw it */
    assert_false(enrol_is_over(&e, 2799));
    assert_true(enrol_is_over(&e, 2800));
    assert_int_equal(next(&e, 2800), ENROL_SILENCE);
    assert_int_equal(wait, ENROL_NEVER);
}

static void what_stays_is_deregistered_once_more(void **state)
{
    struct enrol e = registered(1000);
    sc_msec now = 2000;

    (void)state;
    enrol_leave(&e);
    say(&e, now, ENROL_DEREGISTER, ENROL_DONE);
    for (unsigned i = 0; i < 10; i++) {
        say(&e, now, ENROL_LOOK, ENROL_DONE);
        assert_int_equal(next(&e, now), ENROL_SILENCE);
        assert_in_range(wait, 20, 250);
        now += wait;
    }
    say(&e, now, ENROL_DEREGISTER, ENROL_NOT_THERE);
    say(&e, now, ENROL_LOOK, ENROL_NOT_THERE);
    assert_true(enrol_is_over(&e, now + now));
}

static void what_never_was_there_is_gone_at_once(void **state)
{
    struct enrol e = { 0 };

    (void)state;
    enrol_leave(&e);
    assert_true(enrol_is_over(&e, 1));
    e = (struct enrol){ 0 };
    enrol_is(&e, ENROL_PASSING);
    say(&e, 1000, ENROL_REGISTER, ENROL_REFUSED);
    enrol_leave(&e);
    assert_true(enrol_is_over(&e, 1000));
}

static void what_may_be_there_is_taken_out(void **state)
{
    struct enrol e = { 0 };

    (void)state;
    enrol_is(&e, ENROL_PASSING);
    say(&e, 1000, ENROL_REGISTER, ENROL_FAILED);
    enrol_leave(&e);
    assert_false(enrol_is_over(&e, 1000));
    say(&e, 1000, ENROL_DEREGISTER, ENROL_NOT_THERE);
    say(&e, 1000, ENROL_LOOK, ENROL_NOT_THERE);
    assert_false(enrol_is_over(&e, 1299));              /* others need a moment, however soon we saw it */
    assert_true(enrol_is_over(&e, 1300));
}

static void it_leaves_when_the_word_under_way_is_answered(void **state)
{
    struct enrol e = { 0 };

    (void)state;
    enrol_is(&e, ENROL_PASSING);
    assert_int_equal(next(&e, 1000), ENROL_REGISTER);
    enrol_leave(&e);
    assert_false(enrol_is_over(&e, 1000));
    assert_int_equal(next(&e, 1000), ENROL_SILENCE);
    enrol_done(&e, ENROL_DONE, 1001);
    assert_int_equal(next(&e, 1001), ENROL_DEREGISTER);
}

static void what_leaves_may_return(void **state)
{
    struct enrol e = registered(1000);

    (void)state;
    enrol_leave(&e);
    enrol_return(&e);
    assert_int_equal(next(&e, 1001), ENROL_SILENCE);        /* it never left */
    enrol_leave(&e);
    assert_int_equal(next(&e, 1002), ENROL_DEREGISTER);
    enrol_return(&e);
    enrol_done(&e, ENROL_DONE, 1003);
    say(&e, 1003, ENROL_REGISTER, ENROL_DONE);
    enrol_leave(&e);
    say(&e, 5000, ENROL_DEREGISTER, ENROL_DONE);
    say(&e, 5000, ENROL_LOOK, ENROL_NOT_THERE);
    enrol_return(&e);
    say(&e, 5000, ENROL_REGISTER, ENROL_DONE);
    assert_int_equal(e.place, ENROL_IN);
}

static void who_waits_for_the_end_does_not_wait_long(void **state)
{
    struct enrol e = registered(1000);
    sc_msec now = 2000;

    (void)state;
    enrol_leave(&e);
    for (unsigned i = 0; i < 20; i++) {
        say(&e, now, ENROL_DEREGISTER, ENROL_FAILED);
        next(&e, now);
        assert_in_range(wait, 125, 1000);
        now += wait;
    }
}

static void the_first_result_decides_then_it_takes_several(void **state)
{
    struct enrol_check c = { 0 };

    (void)state;
    assert_true(enrol_check_take(&c, false, 2, 3));
    assert_false(c.good);
    assert_false(enrol_check_take(&c, true, 2, 3));
    assert_false(enrol_check_take(&c, false, 2, 3));
    assert_false(enrol_check_take(&c, true, 2, 3));
    assert_true(enrol_check_take(&c, true, 2, 3));
    assert_true(c.good);
    assert_false(enrol_check_take(&c, false, 2, 3));
    assert_false(enrol_check_take(&c, false, 2, 3));
    assert_true(enrol_check_take(&c, false, 2, 3));
    assert_false(c.good);
    c = (struct enrol_check){ 0 };
    assert_true(enrol_check_take(&c, true, 2, 3));
    assert_true(c.good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_registered_before_its_standing_is_known),
        cmocka_unit_test(one_word_at_a_time),
        cmocka_unit_test(the_lease_is_renewed_in_time),
        cmocka_unit_test(another_standing_is_reported_at_once),
        cmocka_unit_test(another_reason_is_told_at_once),
        cmocka_unit_test(what_the_registry_lost_is_registered_at_once),
        cmocka_unit_test(other_keys_are_registered_over_the_old_ones),
        cmocka_unit_test(pauses_grow_and_end),
        cmocka_unit_test(it_leaves_seen_by_others),
        cmocka_unit_test(what_stays_is_deregistered_once_more),
        cmocka_unit_test(what_never_was_there_is_gone_at_once),
        cmocka_unit_test(what_may_be_there_is_taken_out),
        cmocka_unit_test(it_leaves_when_the_word_under_way_is_answered),
        cmocka_unit_test(what_leaves_may_return),
        cmocka_unit_test(who_waits_for_the_end_does_not_wait_long),
        cmocka_unit_test(the_first_result_decides_then_it_takes_several),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
