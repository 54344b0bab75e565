/* tests/unit/conf/data.c - JSON that somebody else wrote.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "conf/data.h"

static struct data *parsed(const char *text)
{
    struct sc_error e = SC_ERROR_INIT;
    struct data *d = data_parse(str_of(text), &e);

    if (d == NULL)
        fail_msg("%s: %s", text, e.text);
    return d;
}

static void values_have_kinds(void **state)
{
    struct data *d = parsed("{\"o\":{\"x\":1},\"l\":[1,\"two\"],\"s\":\"text\",\"i\":-7,\"r\":1.5,\"t\":true,\"f\":false,"
                            "\"n\":null,\"e\":\"\"}");
    int64_t i = 0;
    bool b = false;

    (void)state;
    assert_true(data_is_object(d) && data_is_object(data_get(d, "o")) && !data_is_object(data_get(d, "l")));
    assert_true(data_is_list(data_get(d, "l")) && !data_is_list(d));
    assert_int_equal(data_size(d), 9);
    assert_int_equal(data_size(data_get(d, "l")), 2);
    assert_string_equal(data_text(data_at(data_get(d, "l"), 1)), "two");
    assert_null(data_at(data_get(d, "l"), 2));
    assert_string_equal(data_text(data_get(d, "s")), "text");
    assert_string_equal(data_text(data_get(d, "e")), "");
    assert_true(data_int(data_get(d, "i"), &i));
    assert_int_equal(i, -7);
    assert_false(data_int(data_get(d, "r"), &i));
    assert_true(data_bool(data_get(d, "t"), &b) && b);
    assert_true(data_bool(data_get(d, "f"), &b) && !b);
    assert_false(data_bool(data_get(d, "i"), &b));
    assert_true(data_is_null(data_get(d, "n")) && data_is_null(data_get(d, "nowhere")) && !data_is_null(d));
    data_free(&d);
    assert_null(d);
}

static void what_is_not_there_is_nothing(void **state)
{
    struct data *d = parsed("[7]");
    int64_t i = 3;

    (void)state;
    assert_null(data_get(d, "x"));
    assert_null(data_get(NULL, "x"));
    assert_null(data_at(NULL, 0));
    assert_null(data_text(NULL));
    assert_null(data_text(data_at(d, 0)));
    assert_false(data_int(NULL, &i));
    assert_int_equal(i, 3);
    assert_int_equal(data_size(NULL), 0);
    assert_int_equal(data_size(data_at(d, 0)), 0);
    data_free(&d);
}

static void members_come_in_order(void **state)
{
    struct data *d = parsed("{\"b\":\"1\",\"a\":\"2\",\"\":\"3\"}");
    struct buf seen = BUF_INIT;

    (void)state;
    for (const struct data_member *at = data_first(d); at != NULL; at = data_next(d, at))
        buf_printf(&seen, "%s=%s ", data_key(at), data_text(data_value(at)));
    assert_string_equal(seen.p, "b=1 a=2 =3 ");
    buf_fini(&seen);
    data_free(&d);
    d = parsed("{}");
    assert_null(data_first(d));
    data_free(&d);
}

static void a_nul_makes_one_string_useless(void **state)
{
    struct data *d = parsed("[\"a\\u0000b\",\"c\"]");

    (void)state;
    assert_null(data_text(data_at(d, 0)));
    assert_string_equal(data_text(data_at(d, 1)), "c");
    data_free(&d);
}

static void strings_are_unescaped(void **state)
{
    struct data *d = parsed("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"a\\u00e9\\u20ACz\", \"\\ud83d\\ude00\", \"\303\251\"]");

    (void)state;
    assert_string_equal(data_text(data_at(d, 0)), "\"\\/\b\f\n\r\t");
    assert_string_equal(data_text(data_at(d, 1)), "a\303\251\342\202\254z");
    assert_string_equal(data_text(data_at(d, 2)), "\360\237\230\200");
    assert_string_equal(data_text(data_at(d, 3)), "\303\251");
    data_free(&d);
}

static void numbers_have_their_range(void **state)
{
    struct data *d = parsed("[9223372036854775807,-9223372036854775808,0,-0,1e2,1E+2,0.5,-1.25e-3,1e999]");
    int64_t i;

    (void)state;
    assert_true(data_int(data_at(d, 0), &i) && i == INT64_MAX);
    assert_true(data_int(data_at(d, 1), &i) && i == INT64_MIN);
    assert_true(data_int(data_at(d, 2), &i) && i == 0);
    assert_true(data_int(data_at(d, 3), &i) && i == 0);
    for (unsigned k = 4; k < 9; k++)
        assert_false(data_int(data_at(d, k), &i));
    data_free(&d);
}

static void many_keys_are_compared_too(void **state)
{
    struct buf text = BUF_INIT;
    struct sc_error e = SC_ERROR_INIT;
    struct data *d;
    int64_t i;

    (void)state;
    buf_putc(&text, '{');
    for (unsigned k = 0; k < 20000; k++)
        buf_printf(&text, "\"k%u\":%u,", k, k);
    buf_puts(&text, "\"last\":1}");
    d = data_parse(buf_view(&text), &e);
    assert_non_null(d);
    assert_int_equal(data_size(d), 20001);
    assert_true(data_int(data_get(d, "k19999"), &i) && i == 19999);
    data_free(&d);
    text.n -= strlen("\"last\":1}");
    buf_puts(&text, "\"k7\":1}");
    assert_null(data_parse(buf_view(&text), &e));
    assert_non_null(strstr(e.text, "twice"));
    buf_fini(&text);
}

static void a_dollar_is_a_dollar(void **state)
{
    struct data *d = parsed("\"${HOME} $$\"");

    (void)state;
    assert_string_equal(data_text(d), "${HOME} $$");
    data_free(&d);
}

static void refused(const char *text)
{
    struct sc_error e = SC_ERROR_INIT;

    assert_null(data_parse(str_of(text), &e));
    assert_true(strlen(e.text) > 5);
}

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    refused("");
    refused("{\"a\":1,\"a\":2}");
    refused("[1,]");
    refused("[1] 2");
    refused("{a:1}");
    refused("[01]");
    refused("[99999999999999999999]");
    refused("\"\xff\"");
    refused("\"\xed\xa0\x80\"");
    refused("\"\\ud800\"");
    refused("\"\\ud800\\u0041\"");
    refused("\"\\udc00\"");
    refused("\"\\u12g4\"");
    refused("\"\\x\"");
    refused("\"\\");
    refused("\"a\nb\"");
    refused("\"a");
    refused("{\"a\\u0000\":1}");
    refused("tru");
    refused("nul");
    refused("-");
    refused("1.");
    refused("1e");
    refused(".5");
    refused("+1");
    refused("[1");
    refused("[1}");
    refused("{\"a\"}");
    refused("{\"a\":}");
    refused("{\"a\":1,}");
    refused("\xef\xbb\xbf[]");
}

static void depth_and_number_are_bounded(void **state)
{
    struct buf text = BUF_INIT;
    struct sc_error e = SC_ERROR_INIT;

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        buf_putc(&text, '[');
    assert_null(data_parse(buf_view(&text), &e));
    buf_clear(&text);
    buf_puts(&text, "[0");
    for (unsigned i = 0; i <= DATA_VALUES_MAX; i++)
        buf_puts(&text, ",0");
    buf_putc(&text, ']');
    assert_null(data_parse(buf_view(&text), &e));
    assert_non_null(strstr(e.text, "too many values"));
    buf_fini(&text);
}

static void whole_parts(void **state)
{
    static const struct { const char *text; bool ok; int64_t whole; } cases[] = {
        { "12.999", true, 12 }, { "-7.5", true, -7 }, { "0.001", true, 0 }, { "9", true, 9 }, { "1.5e3", false, 0 },
        { "1E2", false, 0 }, { "99999999999999999999.5", false, 0 }, { "\"1.5\"", false, 0 }, { "true", false, 0 },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct data *d = parsed(cases[i].text);
        int64_t whole = 0;

        assert_int_equal(data_whole(d, &whole), cases[i].ok);
        assert_int_equal(whole, cases[i].whole);
        data_free(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_parts),
        cmocka_unit_test(values_have_kinds),
        cmocka_unit_test(what_is_not_there_is_nothing),
        cmocka_unit_test(members_come_in_order),
        cmocka_unit_test(a_nul_makes_one_string_useless),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(numbers_have_their_range),
        cmocka_unit_test(many_keys_are_compared_too),
        cmocka_unit_test(a_dollar_is_a_dollar),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(depth_and_number_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
