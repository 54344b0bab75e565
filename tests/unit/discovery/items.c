/* tests/unit/discovery/items.c - items of one JSON list, cut anywhere.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/providers/items.h"

#include <stdlib.h>

/* Every item that comes out of the piece, each between bars; a copy of the piece, so that a read beyond it is seen. */
static enum items_got feed(struct items *l, struct sc_str piece, struct buf *out)
{
    char *copy = malloc(piece.n > 0 ? piece.n : 1);
    enum items_got got;
    struct sc_str item;

    memcpy(copy, piece.p, piece.n);
    items_feed(l, (struct sc_str){ copy, piece.n });
    while ((got = items_next(l, &item)) == ITEMS_ONE)
        buf_printf(out, "|%.*s", STR_ARG(item));
    free(copy);
    return got;
}

/* Cut in three at i and j; the items, or why they are refused. */
static void check(const char *text, const char *want, bool whole, size_t i, size_t j)
{
    struct sc_str all = str_of(text), pieces[] = { { all.p, i }, { all.p + i, j - i }, str_skip(all, j) };
    struct buf out = BUF_INIT;
    struct items l;

    items_init(&l, 40);
    buf_puts(&out, "");
    for (unsigned k = 0; k < 3; k++)
        if (feed(&l, pieces[k], &out) == ITEMS_WRONG) {
            buf_printf(&out, "!%s", l.wrong);
            break;
        }
    if (strcmp(out.p, want) != 0 || items_is_whole(&l) != whole)
        fail_msg("%s at %zu, %zu: %s, %s", text, i, j, out.p, items_is_whole(&l) ? "whole" : "cut");
    items_fini(&l);
    buf_fini(&out);
}

static void items_come_whole_however_they_are_cut(void **state)
{
    static const struct {
        const char *text, *want;
        bool whole;
    } rows[] = {
        { "[]", "", true },
        { " \r\n\t[ \n] ", "", true },
        { "[{}]", "|{}", true },
        { "[ {\"a\":[1,{\"b\":\"}]\\\"\\\\\"}]} ,\n[ ], \"x,]\\\"\" ,7,true , null]\n",
          "|{\"a\":[1,{\"b\":\"}]\\\"\\\\\"}]}|[ ]|\"x,]\\\"\"|7|true|null", true },
        { "[1", "", false },
        { "[1,", "|1", false },
        { "[\"a", "", false },
        { "", "", false },
        { " ", "", false },
        { "{}", "!not a list", false },
        { "x[]", "!not a list", false },
        { "[] x", "!something follows the list", true },
        { "[1 2]", "|1!a comma or a bracket is expected", false },
        { "[{}{}]", "|{}!a comma or a bracket is expected", false },
        { "[,1]", "!a value is expected", false },
        { "[1,]", "|1!a value is expected", false },
        { "[1,,2]", "|1!a value is expected", false },
        { "[1,\"01234567890123456789012345678901234567\",2]", "|1|\"01234567890123456789012345678901234567\"|2", true },
        { "[1,\"012345678901234567890123456789012345678\",2]", "|1!an item that is too long", false },
    };

    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t i = 0; i <= strlen(rows[r].text); i++)
            for (size_t j = i; j <= strlen(rows[r].text); j++)
                check(rows[r].text, rows[r].want, rows[r].whole, i, j);
}

static void another_answer_begins_anew(void **state)
{
    struct buf out = BUF_INIT;
    struct items l;

    (void)state;
    items_init(&l, 100);
    assert_int_equal(feed(&l, STR("[1,{\"a\":\"b"), &out), ITEMS_NO_MORE);
    items_reset(&l);
    assert_int_equal(feed(&l, STR("[2,\"x\"]"), &out), ITEMS_NO_MORE);
    assert_string_equal(out.p, "|1|2|\"x\"");
    assert_true(items_is_whole(&l));
    items_fini(&l);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_whole_however_they_are_cut),
        cmocka_unit_test(another_answer_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
