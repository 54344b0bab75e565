/* tests/unit/discovery/history.c - the last of what has become of a service.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/history.h"

#include <stdio.h>
#include <string.h>

static void add(struct history *h, unsigned number)
{
    char cause[20];

    snprintf(cause, sizeof cause, "index %u", number);
    history_add(h, &(struct history_entry){ .wall = number, .event = "targets", .registry = number % 2 ? "odd" : NULL,
                                            .cause = cause, .targets = number, .added = 1 });
}

static void keeps_the_last_in_order(void **state)
{
    static const unsigned counts[] = { 0, 1, HISTORY_MAX - 1, HISTORY_MAX, HISTORY_MAX + 1, 5 * HISTORY_MAX + 3 };

    (void)state;
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct history *h = history_new();
        unsigned kept = counts[i] < HISTORY_MAX ? counts[i] : HISTORY_MAX, n;
        const struct history_entry *list;
        struct arena a;

        arena_init(&a, 1024);
        for (unsigned k = 0; k < counts[i]; k++)
            add(h, k);
        list = history_list(h, &a, &n);
        history_unref(&h);              /* the list does not need it */
        assert_int_equal(n, kept);
        for (unsigned k = 0; k < n; k++) {
            char cause[20];

            snprintf(cause, sizeof cause, "index %u", counts[i] - kept + k);
            assert_string_equal(list[k].cause, cause);
            assert_int_equal(list[k].targets, counts[i] - kept + k);
            assert_true((list[k].registry == NULL) == (list[k].targets % 2 == 0));
        }
        arena_fini(&a);
    }
}

static void cuts_what_is_long(void **state)
{
    struct history *h = history_new(), *mine = history_ref(h);
    const struct history_entry *list;
    char text[1000];
    struct arena a;
    unsigned n;

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    history_add(h, &(struct history_entry){ .event = "stale", .cause = text });
    history_unref(&h);
    arena_init(&a, 1024);
    list = history_list(mine, &a, &n);
    assert_int_equal(n, 1);
    assert_int_equal(strlen(list[0].cause), HISTORY_TEXT_MAX);
    history_unref(&mine);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(keeps_the_last_in_order), cmocka_unit_test(cuts_what_is_long) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
