/* tests/unit/discovery/check.c - results of checks as one word, and as text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/check.h"

static void a_result_survives_packing(void **state)
{
    static const struct check_result all[] = {
        { CHECK_PASSED, 200 }, { CHECK_PASSED, 0 }, { CHECK_REFUSED, 0 }, { CHECK_TIMEOUT, 0 }, { CHECK_STATUS, 599 },
        { CHECK_STATUS, 100 }, { CHECK_TLS, 0 }, { CHECK_BROKEN, 0 },
    };
    const sc_msec wall = 4102444800123;             /* the year 2100 */

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        sc_msec at;
        struct check_result r = check_unpack(check_pack(all[i], wall), &at);

        assert_int_equal(at, wall);
        assert_int_equal(r.outcome, all[i].outcome);
        assert_int_equal(r.status, all[i].status);
    }
}

static void no_result_is_zero(void **state)
{
    sc_msec at;

    (void)state;
    assert_int_equal(check_pack((struct check_result){ CHECK_NONE, 0 }, 12345), 0);
    assert_int_equal(check_unpack(0, &at).outcome, CHECK_NONE);
    assert_int_equal(at, 0);
}

static void results_have_words(void **state)
{
    char text[CHECK_TEXT_MAX];

    (void)state;
    assert_string_equal(check_print(text, (struct check_result){ CHECK_NONE, 0 }), "not checked");
    assert_string_equal(check_print(text, (struct check_result){ CHECK_PASSED, 204 }), "passed");
    assert_string_equal(check_print(text, (struct check_result){ CHECK_STATUS, 503 }), "status 503");
    assert_string_equal(check_print(text, (struct check_result){ CHECK_REFUSED, 0 }), "connection refused");
    assert_string_equal(check_print(text, (struct check_result){ CHECK_TIMEOUT, 0 }), "timeout");
    assert_string_equal(check_print(text, (struct check_result){ CHECK_TLS, 0 }), "TLS failed");
    assert_string_equal(check_print(text, (struct check_result){ CHECK_BROKEN, 0 }), "connection lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_survives_packing),
        cmocka_unit_test(no_result_is_zero),
        cmocka_unit_test(results_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
