/* tests/unit/daemon/columns.c - a table that people can read and terminals do not obey.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "daemon/columns.h"

#include <stdlib.h>

static struct columns c;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    out = (struct buf)BUF_INIT;
    columns_init(&c, 3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    columns_fini(&c);
    buf_fini(&out);
    return 0;
}

static void row(const char *a, const char *b, const char *d)
{
    columns_add(&c, a);
    columns_add(&c, b);
    columns_add(&c, d);
}

static void is_aligned(void **state)
{
    (void)state;
    row("NAME", "STATE", "N");
    row("a longer one", "up", "1");
    row("z\xc3\xb6\xe2\x82\xac", NULL, "");
    columns_add(&c, "x");
    columns_add_int(&c, -12345678);
    columns_add_int(&c, 0);
    columns_print(&c, false, &out);
    assert_string_equal(out.p, "NAME          STATE      N\n"
                               "a longer one  up         1\n"
                               "z\xc3\xb6\xe2\x82\xac           -          -\n"
                               "x             -12345678  0\n");
}

static void has_colours(void **state)
{
    (void)state;
    row("healthy", "held", "failed");
    row("web", "unhealthy", "healthy!");
    columns_print(&c, true, &out);
    assert_string_equal(out.p, "\033[32mhealthy\033[0m  \033[33mheld\033[0m       \033[31mfailed\033[0m\n"
                               "web      \033[31munhealthy\033[0m  healthy!\n");
}

static void obeys_nobody(void **state)
{
    (void)state;
    row("\033[31mred", "a\nb\rc\td\x7f", "\xc2\x9b" "31m");
    row("\xc2\xa0" "fine", "\xc2", "\001");
    columns_print(&c, false, &out);
    assert_null(strchr(out.p, '\033'));
    assert_null(strchr(out.p, '\r'));
    assert_null(strstr(out.p, "\xc2\x9b"));
    assert_non_null(strstr(out.p, "?[31mred"));
    assert_non_null(strstr(out.p, "a?b?c?d?"));
    assert_non_null(strstr(out.p, "??31m"));
    assert_non_null(strstr(out.p, "\xc2\xa0" "fine"));
}

static void many_rows(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        row("a", "b", "c");
    columns_print(&c, false, &out);
    assert_int_equal(out.n, 1000 * strlen("a  b  c\n"));
}

static void wants_no_colours(void **state)
{
    (void)state;
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "1", 1);
    assert_false(columns_may_colour());
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_false(columns_may_colour());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_aligned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(has_colours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(obeys_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wants_no_colours, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
