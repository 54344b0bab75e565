/* tests/unit/base/str.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/str.h"

#include <stdbool.h>
#include <stdlib.h>

static void compares(void **state)
{
    (void)state;
    assert_true(str_eq(STR("abc"), STR("abc")));
    assert_false(str_eq(STR("abc"), STR("abC")));
    assert_true(str_ieq(STR("abc"), STR("aBC")));
    assert_false(str_ieq(STR("abc"), STR("abcd")));
    assert_true(str_eq(STR_NONE, STR("")));
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("b"), STR("ab")) > 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_int_equal(str_cmp(STR("ab"), STR("ab")), 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
}

static void looks_at_both_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_false(str_ends(STR("bc"), STR("abc")));
    assert_str(str_trim(STR(" \t a b\t ")), "a b");
    assert_int_equal(str_trim(STR(" \t ")).n, 0);
    assert_str(str_skip(STR("abc"), 1), "bc");
    assert_int_equal(str_skip(STR("abc"), 4).n, 0);
    assert_null(str_chr(STR("abc"), 'x'));
    assert_null(str_chr(STR_NONE, 'x'));
}

static void splits(void **state)
{
    struct sc_str rest = STR("a,,b,"), part;

    (void)state;
    assert_true(str_split(&rest, ',', &part));
    assert_str(part, "a");
    assert_true(str_split(&rest, ',', &part));
    assert_str(part, "");
    assert_true(str_split(&rest, ',', &part));
    assert_str(part, "b");
    assert_true(str_split(&rest, ',', &part));
    assert_str(part, "");
    assert_false(str_split(&rest, ',', &part));
}

static void reads_numbers(void **state)
{
    static const struct {
        const char *in;
        bool ok;
        unsigned long long out;
    } cases[] = {
        { "0", true, 0 },   { "007", true, 7 },   { "18446744073709551615", true, 18446744073709551615ULL },
        { "", false, 0 },   { "-1", false, 0 },   { "18446744073709551616", false, 0 },
        { "+1", false, 0 }, { "1 ", false, 0 },   { "99999999999999999999", false, 0 },
        { "1a", false, 0 }, { "\xb1", false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned long long v = 0;

        if (str_u64(str_of(cases[i].in), &v) != cases[i].ok || (cases[i].ok && v != cases[i].out))
            fail_msg("%s: %llu", cases[i].in, v);
    }
}

static void copies_end_in_nul(void **state)
{
    char *z = str_dupz((struct sc_str){ "abcdef", 3 });

    (void)state;
    assert_string_equal(z, "abc");
    free(z);
    z = str_dupz(STR_NONE);
    assert_string_equal(z, "");
    free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),      cmocka_unit_test(looks_at_both_ends), cmocka_unit_test(splits),
        cmocka_unit_test(reads_numbers), cmocka_unit_test(copies_end_in_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
