/* tests/unit/base/log.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

static char seen[4][100];
static unsigned nseen;

static void sink(enum log_level level, const char *text, size_t n)
{
    (void)level;
    if (nseen < 4)
        snprintf(seen[nseen], sizeof seen[nseen], "%.*s", (int)n, text);
    nseen++;
}

static void limits_lines_and_says_how_many_were_left_out(void **state)
{
    struct log_gate g = { 0 };

    (void)state;
    log_set_sink(sink);
    nseen = 0;
    assert_true(log_gate_open(&g));
    assert_int_equal(nseen, 0);
    for (int i = 0; i < 3; i++) {
        g.next_ms = INT64_MAX;
        assert_false(log_gate_open(&g));
    }
    g.next_ms = 0;
    assert_true(log_gate_open(&g));
    assert_int_equal(nseen, 1);
    assert_string_equal(seen[0], "3 lines like the next one were left out");
    log_set_sink(NULL);
}

static void writes_a_limited_line_as_it_is(void **state)
{
    (void)state;
    log_set_sink(sink);
    nseen = 0;
    while (nseen < 3)                               /* once, and after a second a line about those left out, and once more */
        log_limited(LOG_ERROR_, "cannot accept: %s", "why");
    assert_string_equal(seen[0], "cannot accept: why");
    assert_non_null(strstr(seen[1], " lines like the next one were left out"));
    assert_string_equal(seen[2], "cannot accept: why");
    log_set_sink(NULL);
}

static void who_did_what_is_written_at_any_level(void **state)
{
    (void)state;
    log_set_sink(sink);
    log_set_level(LOG_ERROR_);
    nseen = 0;
    log_info("nobody wants to know");
    log_always("uid %d did it", 7);
    assert_int_equal(nseen, 1);
    assert_string_equal(seen[0], "uid 7 did it");
    log_set_level(LOG_INFO_);
    log_set_sink(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_lines_and_says_how_many_were_left_out),
        cmocka_unit_test(writes_a_limited_line_as_it_is),
        cmocka_unit_test(who_did_what_is_written_at_any_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
