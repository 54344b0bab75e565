/* tests/unit/http/uri.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "http/uri.h"

#include <stdlib.h>

enum { KEEP_SLASH = 1, NO_SEMICOLON = 2, KEEP_EMPTY = 4 };

static struct uri_options options_of(int o)
{
    return (struct uri_options){ (o & KEEP_SLASH) != 0, (o & NO_SEMICOLON) != 0, (o & KEEP_EMPTY) != 0 };
}

/* path NULL: 400. */
static const struct { int options; const char *target, *path, *query; } cases[] = {
    { 0, "/", "/", NULL }, { 0, "/a/b.c", "/a/b.c", NULL }, { 0, "/a?", "/a", "" },
    { 0, "/a?b?c=/%zz", "/a", "b?c=/%zz" },
    { 0, "/.well-known/x", "/.well-known/x", NULL }, { 0, "/a..b/...", "/a..b/...", NULL },
    { 0, "/..a/.b", "/..a/.b", NULL },
    /* unreserved characters are decoded, once */
    { 0, "/%61%7E%2d%5F%2E", "/a~-_.", NULL }, { 0, "/%2561", "/%2561", NULL }, { 0, "/%25%36%31", "/%2561", NULL },
    { 0, "/%c3%a9%20%3b%3F%23", "/%C3%A9%20%3B%3F%23", NULL }, { 0, "/a%", NULL, NULL }, { 0, "/a%4", NULL, NULL },
    { 0, "/a%4g", NULL, NULL }, { 0, "/%%34%31", NULL, NULL }, { 0, "/%?41", NULL, NULL }, { 0, "/%4?1", NULL, NULL },
    /* dot segments */
    { 0, "/a/./b", "/a/b", NULL }, { 0, "/a/../b", "/b", NULL }, { 0, "/a/b/..", "/a/", NULL },
    { 0, "/a/.", "/a/", NULL },
    { 0, "/..", "/", NULL }, { 0, "/../../a", "/a", NULL }, { 0, "/.", "/", NULL }, { 0, "/a/%2e%2E/b", "/b", NULL },
    { 0, "/a/.%2e/b?x=/../y", "/b", "x=/../y" }, { 0, "/a/b/c/./../../g", "/a/g", NULL },
    { 0, "/a/%2e", "/a/", NULL },
    /* empty segments */
    { 0, "//a", "/a", NULL }, { 0, "/a//b///", "/a/b/", NULL }, { 0, "//", "/", NULL }, { 0, "/a//../b", "/b", NULL },
    { 0, "//admin/../x", "/x", NULL }, { 0, "/a/.//b", "/a/b", NULL },
    { KEEP_EMPTY, "//a", "//a", NULL }, { KEEP_EMPTY, "/a//../b", "/a/b", NULL },
    { KEEP_EMPTY, "/a/..//b", "//b", NULL },
    { KEEP_EMPTY, "/a//.", "/a//", NULL },
    /* t7: encoded slashes, backslashes, controls, parameters of dot segments */
    { 0, "/a%2Fb", NULL, NULL }, { 0, "/a%2fb", NULL, NULL },
    { KEEP_SLASH, "/a%2fb/%2e%2e%2F", "/a%2Fb/..%2F", NULL },
    { KEEP_SLASH, "/a/../%2F", "/%2F", NULL }, { KEEP_SLASH, "/%252F", "/%252F", NULL },
    { 0, "/a\\b", NULL, NULL }, { 0, "/a%5Cb", NULL, NULL }, { 0, "/a%5cb", NULL, NULL }, { 0, "/a%00", NULL, NULL },
    { 0, "/a%0d%0a", NULL, NULL }, { 0, "/a%1f", NULL, NULL }, { 0, "/a%7F", NULL, NULL },
    { 0, "/a\x01", NULL, NULL },
    { 0, "/a#b", NULL, NULL }, { 0, "/a?b#c", NULL, NULL }, { 0, "/a b", NULL, NULL }, { 0, "/a?b c", NULL, NULL },
    { 0, "/\xc3\xa9", NULL, NULL }, { 0, "/a?\x7f", NULL, NULL },
    { 0, "/a/..;/b", NULL, NULL }, { 0, "/a/..;x=y/b", NULL, NULL }, { 0, "/a/.;/b", NULL, NULL },
    { 0, "/a/%2e%2e;/b", NULL, NULL }, { 0, "/a/..%3b/b", NULL, NULL }, { 0, "/..;", NULL, NULL },
    { NO_SEMICOLON, "/a/..;/b", NULL, NULL }, { 0, "/a;b/c;d=e", "/a;b/c;d=e", NULL },
    { 0, "/a;..;/b", "/a;..;/b", NULL },
    { NO_SEMICOLON, "/a;b", NULL, NULL }, { NO_SEMICOLON, "/a%3bb", "/a%3Bb", NULL },
    { NO_SEMICOLON, "/a?b;c", "/a", "b;c" },
    { NO_SEMICOLON, "/./a;b", NULL, NULL },
    /* other forms */
    { 0, "*", "*", NULL }, { 0, "http://h", "/", NULL }, { 0, "http://h?", "/", "" },
    { 0, "HTTPS://h:1/a/../b?c", "/b", "c" },
    { 0, "http://h?b c", NULL, NULL }, { 0, "http://h/a%00", NULL, NULL }, { 0, "", NULL, NULL },
    { 0, "a", NULL, NULL },
    { 0, "*a", NULL, NULL }, { 0, "ftp://h/", NULL, NULL }, { 0, "http://", NULL, NULL },
    { 0, "http:///a", NULL, NULL },
    { 0, "http:/h/a", NULL, NULL }, { 0, "http://u@h/", NULL, NULL }, { 0, "http://h:x/", NULL, NULL },
    { 0, "https:/", NULL, NULL },
    { 0, "https:/h/a", NULL, NULL }, { 0, "httpx://h/a", NULL, NULL },
};

static void check(size_t i, struct sc_str target, struct arena *arena)
{
    const struct uri_options o = options_of(cases[i].options);
    struct uri u, again;
    const char *reason = uri_parse(&u, target, &o, arena);

    if ((reason == NULL) != (cases[i].path != NULL))
        fail_msg("%s: %s", cases[i].target, reason != NULL ? reason : "accepted");
    if (reason != NULL)
        return;
    if (!str_eq(u.path, str_of(cases[i].path)) || u.has_query != (cases[i].query != NULL) ||
        !str_eq(u.query, str_of(cases[i].query)))
        fail_msg("%s: %.*s ? %.*s", cases[i].target, STR_ARG(u.path), STR_ARG(u.query));
    assert_null(uri_parse(&again, u.path, &o, arena));
    assert_true(str_eq(again.path, u.path));
}

static void normalises_paths(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 64);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].target);
        char *copy = malloc(n != 0 ? n : 1);

        memcpy(copy, cases[i].target, n);
        check(i, (struct sc_str){ copy, n }, &arena);
        free(copy);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static void does_not_copy_what_is_normal(void **state)
{
    const struct uri_options o = options_of(0);
    const struct sc_str target = STR("/api/v1/users/.hidden/a.b;c?x=1");
    struct uri u;

    (void)state;
    assert_null(uri_parse(&u, target, &o, NULL));
    assert_ptr_equal(u.path.p, target.p);
    assert_ptr_equal(u.query.p, target.p + target.n - 3);
    assert_int_equal(u.form, URI_ORIGIN);
}

static void tells_the_forms_apart(void **state)
{
    const struct uri_options o = options_of(0);
    struct uri u;

    (void)state;
    assert_null(uri_parse(&u, STR("http://h.example:81?"), &o, NULL));
    assert_int_equal(u.form, URI_ABSOLUTE);
    assert_str(u.authority, "h.example:81");
    assert_false(u.no_path);
    assert_null(uri_parse(&u, STR("http://h"), &o, NULL));
    assert_true(u.no_path);
    assert_false(u.https);
    assert_null(uri_parse(&u, STR("HttpS://h"), &o, NULL));
    assert_true(u.https && u.no_path);
    assert_null(uri_parse(&u, STR("*"), &o, NULL));
    assert_int_equal(u.form, URI_ASTERISK);
    assert_false(u.https);
}

static void judges_authorities(void **state)
{
    static const struct { const char *s; bool ok; const char *host; unsigned port; } rows[] = {
        { "a", true, "a", 0 }, { "a1", true, "a1", 0 }, { "10", true, "10", 0 }, { "a/", false, 0, 0 },
        { "a.b-c_d~", true, "a.b-c_d~", 0 }, { "a:", true, "a", 0 }, { "a:80", true, "a", 80 },
        { "127.0.0.1:65535", true, "127.0.0.1", 65535 }, { "[::1]", true, "[::1]", 0 },
        { "[::1]:8080", true, "[::1]", 8080 }, { "2130706433", true, "2130706433", 0 },
        { "a.", true, "a.", 0 },
        { "[fe80::1%25eth0]", false, 0, 0 }, { "[v1.x]", false, 0, 0 }, { "[]", false, 0, 0 }, { "[::1", false, 0, 0 },
        { "[::1]x", false, 0, 0 }, { "::1", false, 0, 0 }, { "", false, 0, 0 }, { ":80", false, 0, 0 },
        { "a:65536", false, 0, 0 }, { "a:999999", false, 0, 0 }, { "a:-1", false, 0, 0 }, { "a:8 0", false, 0, 0 },
        { "u@a", false, 0, 0 }, { "u:p@a", false, 0, 0 }, { "a/b", false, 0, 0 }, { "a?b", false, 0, 0 },
        { "a,b", false, 0, 0 }, { "a b", false, 0, 0 }, { "a%2eb", false, 0, 0 }, { "\xc3\xa9", false, 0, 0 },
        { "[1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:0:1:2:3:4:5:6:7:8:9]", false, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint16_t port;

        if (uri_is_authority(str_of(rows[i].s)) != rows[i].ok)
            fail_msg("%s", rows[i].s);
        if (!rows[i].ok)
            continue;
        assert_str(uri_host(str_of(rows[i].s), &port), rows[i].host);
        assert_int_equal(port, rows[i].port);
    }
}

static void decodes_components(void **state)
{
    struct arena arena;
    const struct sc_str plain = STR("a+b");

    (void)state;
    arena_init(&arena, 64);
    assert_ptr_equal(uri_decode(plain, false, &arena).p, plain.p);
    assert_str(uri_decode(plain, true, &arena), "a b");
    assert_str(uri_decode(STR("ab"), true, &arena), "ab");
    assert_str(uri_decode(STR("%2b%41+"), true, &arena), "+A ");
    assert_str(uri_decode(STR("%41%2fb%20+"), false, &arena), "A/b +");
    assert_str(uri_decode(STR("%%41%4%"), false, &arena), "%A%4%");
    assert_str(uri_decode(STR("%2541"), false, &arena), "%41");
    arena_fini(&arena);
}

static void walks_queries(void **state)
{
    struct sc_str rest = STR("a=1&&b&=x&c=d=e&"), name, value;

    (void)state;
    assert_true(uri_query_next(&rest, &name, &value));
    assert_str(name, "a");
    assert_str(value, "1");
    assert_true(uri_query_next(&rest, &name, &value));
    assert_str(name, "b");
    assert_null(value.p);
    assert_true(uri_query_next(&rest, &name, &value));
    assert_str(name, "");
    assert_str(value, "x");
    assert_true(uri_query_next(&rest, &name, &value));
    assert_str(name, "c");
    assert_str(value, "d=e");
    assert_false(uri_query_next(&rest, &name, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normalises_paths),
        cmocka_unit_test(does_not_copy_what_is_normal),
        cmocka_unit_test(tells_the_forms_apart),
        cmocka_unit_test(judges_authorities),
        cmocka_unit_test(decodes_components),
        cmocka_unit_test(walks_queries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
