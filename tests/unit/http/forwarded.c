/* tests/unit/http/forwarded.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "http/forwarded.h"

static void addresses(void **state)
{
    static const struct { const char *text, *want; } rows[] = {
        { "192.0.2.1", "192.0.2.1" }, { "192.0.2.1:80", "192.0.2.1" }, { "2001:DB8::1", "2001:db8::1" },
        { "[2001:db8::1]", "2001:db8::1" }, { "[2001:db8::1]:65535", "2001:db8::1" }, { "::", "::" },
        { "::ffff:192.0.2.1", "192.0.2.1" }, { "[::ffff:c000:201]:1", "192.0.2.1" }, { "0.0.0.0", "0.0.0.0" },
        { "", NULL }, { "unknown", NULL }, { "_hidden", NULL }, { "192.0.2", NULL }, { "192.0.2.1:", NULL },
        { "192.0.2.1:x", NULL }, { "192.0.2.1:123456", NULL }, { "192.0.2.256", NULL }, { "192.0.2.01x", NULL },
        { "[192.0.2.1]", NULL }, { "[2001:db8::1", NULL }, { "[2001:db8::1]80", NULL }, { "[2001:db8::1]:", NULL },
        { "[]", NULL }, { "]", NULL }, { ":", NULL }, { "a.example", NULL }, { "fe80::1%eth0", NULL },
        { " 192.0.2.1", NULL },
        { "192.0.2.1, 192.0.2.2", NULL }, { "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct forwarded_address a;
        char text[FORWARDED_TEXT];
        bool good = forwarded_parse(str_of(rows[i].text), &a);

        if (good != (rows[i].want != NULL))
            fail_msg("\"%s\" is %s", rows[i].text, good ? "taken" : "refused");
        if (!good)
            continue;
        assert_int_equal(forwarded_print(&a, text), strlen(rows[i].want));
        assert_string_equal(text, rows[i].want);
    }
}

static void compares(void **state)
{
    struct forwarded_address a, b;

    (void)state;
    assert_true(forwarded_parse(STR("::ffff:10.0.0.1"), &a) && forwarded_parse(STR("10.0.0.1:9"), &b));
    assert_true(forwarded_same(&a, &b));
    assert_true(forwarded_parse(STR("10.0.0.2"), &b));
    assert_false(forwarded_same(&a, &b));
    assert_true(forwarded_parse(STR("a00:1::"), &b));
    assert_false(forwarded_same(&a, &b));
}

static void elements(void **state)
{
    static const struct { const char *value, *want; } rows[] = {
        { "for=192.0.2.1", "192.0.2.1//;" }, { "For=\"[2001:db8::1]:4711\"", "[2001:db8::1]:4711//;" },
        { "for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60//http;" },
        { "for=192.0.2.43, for=198.51.100.17;host=a", "192.0.2.43//;198.51.100.17/a/;" },
        { "for=unknown;HOST=\"a.example:80\" ; Proto=https", "unknown/a.example:80/https;" },
        { "for=_hidden, for=_SEVKISEK", "_hidden//;_SEVKISEK//;" },
        { " , for=a ,, for=b,", "a//;b//;" }, { "", "" }, { " , ,", "" },
        { "by=\"a, b\";for=c", "c//;" }, { "secret=\"a\\\"b\";for=c", "c//;" },
        { "for=[2001:db8::1]", "[2001:db8::1]//;" },
        { "for=192.0.2.1:80", "192.0.2.1:80//;" }, { "host=\"\"", "//;" },
        /* what hides where an element begins */
        { "for=6.6.6.6;host=\"", "!" }, { "for=6.6.6.6;host=\", for=1.2.3.4", "!" },
        { "for=6.6.6.6;host=\", for=\"[2001:db8::1]\"", "!" }, { "for=6.6.6.6;host=\"\\\", for=\"[::1]\"", "!" },
        { "for=6.6.6.6;host=\"a\\", "!" },
        { "for=a b", "!" }, { "for", "!" }, { "for=", "!" }, { "=a", "!" }, { "for =a", "!" }, { "for= a", "!" },
        { "for=a;", "a//;" }, { "for=a;;host=b", "a/b/;" }, { ";for=a, ;, for=b", "a//;//;b//;" },
        { "for=a;for=b", "!" }, { "for=\"a\\b\"", "!" }, { "for=a\"b\"", "!" },
        { "192.0.2.1", "!" }, { "for=a, x", "a//;!" }, { "for=(a)", "!" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sc_str rest = str_of(rows[i].value);
        struct forwarded_element e;
        struct buf b = BUF_INIT;
        int n;

        buf_puts(&b, "");
        while ((n = forwarded_next(&rest, &e)) > 0)
            buf_printf(&b, "%.*s/%.*s/%.*s;", STR_ARG(e.node), STR_ARG(e.host), STR_ARG(e.proto));
        if (n < 0)
            buf_puts(&b, "!");
        if (strcmp(b.p, rows[i].want) != 0)
            fail_msg("%s: %s, not %s", rows[i].value, b.p, rows[i].want);
        buf_fini(&b);
    }
}

static void via(void **state)
{
    static const struct { const char *value; bool named; } rows[] = {
        { "1.1 us", true }, { "1.1 US", true }, { "HTTP/1.1 us", true }, { "1.0 a, 1.1 us", true },
        { "1.1 us, 1.1 a", true },
        { "1.1 us (a comment)", true }, { "1.1 a (b, c), 1.1 us", true }, { "1.1\tus", true }, { "1.1  us", true },
        { "1.1 (us) us", true }, { ",, 1.1 us", true }, { "1.1 a (\\), 1.1 us)(x), 1.1 us", true },
        { "1.1 a", false }, { "", false }, { "us", false }, { "us 1.1", false }, { "1.1 us2", false },
        { "1.1 xus", false },
        { "1.1 us:80", false }, { "1.1 a (us)", false }, { "1.1 a (b, 1.1 us)", false },
        { "1.1 a (b (c), 1.1 us)", false },
        { "1.1 a (\\), 1.1 us)", false }, { "1.1 a, us", false },
        /* a comment that does not end hides nothing */
        { "1.1 a (, 1.1 us", true }, { "1.1 a (b, 1.1 us, 1.1 c (d)", true }, { "1.1 a ((), 1.1 us", true },
        { "1.1 a (\\", false }, { "(", false }, { "((((((((", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (via_names(str_of(rows[i].value), STR("us")) != rows[i].named)
            fail_msg("%s", rows[i].value);
    assert_false(via_names(STR_NONE, STR("us")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(compares),
        cmocka_unit_test(elements),
        cmocka_unit_test(via),
    };

    return cmocka_run_group_tests_name("http/forwarded", tests, NULL, NULL);
}
