/* tests/unit/discovery/freshness.c - what workers say of a service that is not live.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/freshness.h"

static const struct { enum source_mode mode; sc_msec live, mark, now; const char *text; } cases[] = {
    { SOURCE_LIVE, 5000, 1000, 100000, "" },
    { SOURCE_STALE, 5000, 0, 17000, "stale;age=12" },
    { SOURCE_STALE, 5999, 0, 6000, "stale;age=1" },                     /* whole seconds of both clocks */
    { SOURCE_STALE, 17000, 0, 5000, "stale;age=0" },
    { SOURCE_STALE, 5000, 12000, 17999, "stale;age=12" },
    { SOURCE_STALE, 5000, 12000, 18000, "stale;age=13;expired" },
    { SOURCE_STALE, 5000, 1, 6000, "stale;age=1" },
    { SOURCE_SNAPSHOT, -86400000, 0, 1000, "snapshot;age=86401" },      /* live before the host was started */
    { SOURCE_SNAPSHOT, -1, 0, 0, "snapshot;age=1" },
    { SOURCE_SNAPSHOT, 0, 0, 7000, "snapshot;age=7" },
    { SOURCE_HELD, FRESHNESS_AGELESS, 0, 100000, "held;age=0" },
    { SOURCE_FROZEN, 1000, 0, 2000, "frozen;age=1" },
    { SOURCE_PINNED, 1000, 0, 2000, "pinned;age=1" },
    { SOURCE_FAILED, FRESHNESS_AGELESS, 31536000000, 100000, "failed;age=0" },
    { SOURCE_FAILED, INT64_MIN + 1, INT64_MAX, INT64_MAX, "failed;age=9223372573725686;expired" },
};

static void is_said(void **state)
{
    char text[FRESHNESS_MAX];

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t word = freshness_pack(cases[i].mode, cases[i].live, cases[i].mark);

        assert_int_equal(freshness_print(text, word, cases[i].now), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
        assert_true((word == 0) == (cases[i].mode == SOURCE_LIVE));
    }
}

static void every_mode_has_a_name(void **state)
{
    (void)state;
    for (unsigned m = 0; m < SOURCE_MODES; m++)
        assert_non_null(source_mode_name((enum source_mode)m));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(is_said), cmocka_unit_test(every_mode_has_a_name) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
