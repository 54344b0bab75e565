/* tests/unit/base/buf.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

static void grows_and_ends_in_nul(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        buf_putc(&b, (char)('a' + i % 26));
        assert_int_equal(b.p[b.n], '\0');
    }
    assert_int_equal(b.n, 10000);
    assert_true(b.cap > b.n && b.cap < 4 * b.n);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(b.p[i], 'a' + i % 26);
    buf_fini(&b);
    assert_null(b.p);
}

static void prints_any_length(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_printf(&b, "%s|", "x");
    buf_printf(&b, "%0500d", 7);
    assert_int_equal(b.n, 502);
    assert_int_equal(b.p[501], '7');
    buf_printf(&b, "%s", "");
    assert_int_equal(b.n, 502);
    buf_fini(&b);
}

static void drops_from_the_front(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_puts(&b, "abcdef");
    buf_drop(&b, 2);
    assert_string_equal(b.p, "cdef");
    buf_drop(&b, 0);
    assert_string_equal(b.p, "cdef");
    buf_drop(&b, 4);
    assert_int_equal(b.n, 0);
    buf_drop(&b, 9);
    buf_puts(&b, "x");
    assert_string_equal(b.p, "x");
    buf_fini(&b);
}

static void writes_json_strings(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_json(&b, STR("a\"b\\c\n\x01\xff\xc3\xa9\xed\xa0\x80"));
    assert_string_equal(b.p, "\"a\\\"b\\\\c\\n\\u0001\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    buf_clear(&b);
    buf_json(&b, STR_NONE);
    assert_string_equal(b.p, "\"\"");
    buf_fini(&b);
}

static void hands_its_bytes_over(void **state)
{
    struct buf b = BUF_INIT;
    char *p = buf_take(&b);

    (void)state;
    assert_string_equal(p, "");
    free(p);
    buf_str(&b, STR("abc"));
    p = buf_take(&b);
    assert_string_equal(p, "abc");
    assert_null(b.p);
    assert_int_equal(b.cap, 0);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_ends_in_nul), cmocka_unit_test(prints_any_length),
        cmocka_unit_test(drops_from_the_front),  cmocka_unit_test(writes_json_strings),
        cmocka_unit_test(hands_its_bytes_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
