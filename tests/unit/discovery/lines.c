/* tests/unit/discovery/lines.c - records of an open answer, cut anywhere.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/providers/lines.h"

#include <stdlib.h>

/* Every line that comes out of the piece, each in brackets; a copy of the piece, so that a read beyond it is seen. */
static enum lines_got feed(struct lines *l, struct sc_str piece, struct buf *out)
{
    char *copy = malloc(piece.n > 0 ? piece.n : 1);
    enum lines_got got;
    struct sc_str line;

    memcpy(copy, piece.p, piece.n);
    lines_feed(l, (struct sc_str){ copy, piece.n });
    while ((got = lines_next(l, &line)) == LINES_ONE)
        buf_printf(out, "[%.*s]", STR_ARG(line));
    free(copy);
    return got;
}

static void lines_come_whole_however_they_are_cut(void **state)
{
    static const struct sc_str text = STR_INIT("{\"a\":1}\n\n\r\nsecond one\r\n\nx\nrest");

    (void)state;
    for (size_t i = 0; i <= text.n; i++)
        for (size_t j = i; j <= text.n; j++) {
            struct buf out = BUF_INIT;
            struct lines l;

            lines_init(&l, 11);
            buf_puts(&out, "");
            assert_int_equal(feed(&l, (struct sc_str){ text.p, i }, &out), LINES_NO_MORE);
            assert_int_equal(feed(&l, (struct sc_str){ text.p + i, j - i }, &out), LINES_NO_MORE);
            assert_int_equal(feed(&l, str_skip(text, j), &out), LINES_NO_MORE);
            assert_string_equal(out.p, "[{\"a\":1}][second one][x]");
            assert_true(lines_is_cut(&l));
            lines_fini(&l);
            buf_fini(&out);
        }
}

static void byte_by_byte(void **state)
{
    static const char text[] = "one\ntwo\n\nthree\n";
    struct buf out = BUF_INIT;
    struct lines l;

    (void)state;
    lines_init(&l, 5);
    for (const char *c = text; *c != '\0'; c++)
        assert_int_equal(feed(&l, (struct sc_str){ c, 1 }, &out), LINES_NO_MORE);
    assert_string_equal(out.p, "[one][two][three]");
    assert_false(lines_is_cut(&l));
    lines_fini(&l);
    buf_fini(&out);
}

static void a_line_has_a_bound(void **state)
{
    static const struct sc_str text = STR_INIT("0123456789\n");

    (void)state;
    for (size_t i = 0; i <= text.n; i++) {
        struct buf out = BUF_INIT;
        struct lines l;
        bool refused;

        lines_init(&l, 10);
        assert_int_equal(feed(&l, (struct sc_str){ text.p, i }, &out), LINES_NO_MORE);
        assert_int_equal(feed(&l, str_skip(text, i), &out), LINES_NO_MORE);
        assert_string_equal(out.p, "[0123456789]");
        lines_fini(&l);
        lines_init(&l, 9);
        refused = feed(&l, (struct sc_str){ text.p, i }, &out) == LINES_TOO_LONG ||
                  feed(&l, str_skip(text, i), &out) == LINES_TOO_LONG;
        assert_true(refused);
        assert_true(l.held.n <= 9);
        lines_fini(&l);
        buf_fini(&out);
    }
}

static void what_was_held_is_forgotten_by_a_reset(void **state)
{
    struct buf out = BUF_INIT;
    struct lines l;

    (void)state;
    lines_init(&l, 100);
    assert_int_equal(feed(&l, STR("begun"), &out), LINES_NO_MORE);
    assert_true(lines_is_cut(&l));
    lines_reset(&l);
    assert_false(lines_is_cut(&l));
    assert_int_equal(feed(&l, STR("anew\n"), &out), LINES_NO_MORE);
    assert_string_equal(out.p, "[anew]");
    lines_fini(&l);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_whole_however_they_are_cut),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(a_line_has_a_bound),
        cmocka_unit_test(what_was_held_is_forgotten_by_a_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
