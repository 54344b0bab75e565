/* tests/unit/http/regex.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "http/regex.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct regex *compile(const char *pattern)
{
    struct sc_error e = SC_ERROR_INIT;
    struct regex *r = regex_new(str_of(pattern), &e);

    if (r == NULL)
        fail_msg("%s: %s", pattern, e.text);
    return r;
}

static void searches_bytes(void **state)
{
    static const struct {
        const char *pattern;
        struct sc_str subject;
        bool found;
    } cases[] = {
        { "b", STR_INIT("abc"), true },
        { "^b", STR_INIT("abc"), false },
        { "^$", STR_INIT(""), true },
        { "", STR_INIT("x"), true },
        { "c$", STR_INIT("abc"), true },
        { "c$", STR_INIT("abc\n"), false },
        { "a.c", STR_INIT("a\0c"), true },
        { "^.$", STR_INIT("\xc3\xa9"), false },
        { "^\\xff$", STR_INIT("\xff"), true },
        { "(?i)ABC", STR_INIT("xabcx"), true },
        { "^(a|b)*c\\1$", STR_INIT("abca"), false },
        { "^(a|b)*c\\1$", STR_INIT("abcb"), true },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct regex *r = compile(cases[i].pattern);

        if (regex_match(r, cases[i].subject) != cases[i].found)
            fail_msg("%s", cases[i].pattern);
        regex_free(&r);
        assert_null(r);
    }
}

static void tells_what_is_wrong(void **state)
{
    char text[REGEX_PATTERN_MAX + 2];
    struct sc_error e;

    (void)state;
    assert_null(regex_new(STR("a(b"), &e));
    assert_string_equal(e.text, "at offset 3: missing closing parenthesis");
    assert_null(regex_new(STR("(*UTF)x"), &e));
    assert_non_null(strstr(e.text, "UTF"));
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_null(regex_new(str_of(text), &e));
    assert_string_equal(e.text, "longer than 4096 bytes");
}

/* Patterns that take exponential or cubic time without limits, and text that brings it out. */
static void gives_up_and_counts(void **state)
{
    static const char *const patterns[] = { "^(a+)+$", "^(a|a?)+$", "^(a|aa)+$", "(.*)(.*)(.*)(.*)(.*)[xy]$" };
    char text[8192];

    (void)state;
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 'b';
    for (unsigned i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct regex *r = compile(patterns[i]);
        uint64_t before = regex_limit_hits();
        sc_msec from = clock_mono_ms();

        assert_false(regex_match(r, (struct sc_str){ text, sizeof text }));
        assert_int_equal(regex_limit_hits(), before + 1);
        assert_true(clock_mono_ms() - from < 2000);
        assert_true(regex_match(r, STR("aaaax")) || regex_match(r, STR("aaaa")));
        regex_free(&r);
    }
}

static void an_honest_pattern_reaches_the_end_of_a_long_path(void **state)
{
    char text[8192];
    struct regex *r = compile("^/(files|pictures)/(?:[a-z]+/)*.*\\.png$");
    uint64_t before = regex_limit_hits();

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 8 == 0 ? '/' : 'a';
    memcpy(text, "/files/", 7);
    memcpy(text + sizeof text - 4, ".png", 4);
    assert_true(regex_match(r, (struct sc_str){ text, sizeof text }));
    assert_int_equal(regex_limit_hits(), before);
    regex_free(&r);
}

static void *match_much(void *arg)
{
    bool ok = true;

    for (unsigned i = 0; i < 2000; i++)
        ok = ok && regex_match(arg, STR("/api/v2/users")) && !regex_match(arg, STR("/api/v3/users"));
    return ok ? arg : NULL;
}

static void is_shared_by_threads(void **state)
{
    struct regex *r = compile("^/api/v[12]/");
    pthread_t threads[4];
    void *result;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_much, r), 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    regex_free(&r);
}

static void knows_the_literal_beginning(void **state)
{
    static const struct {
        const char *pattern, *prefix;
    } cases[] = {
        { "^/api/v[12]", "/api/v" },   { "^/a\\.b/x", "/a.b/x" },   { "^/a$", "/a" },       { "/a", "" },
        { "^/ab?", "/a" },             { "^/ab*", "/a" },           { "^/ab{0,1}", "/a" },  { "^/ab+", "/ab" },
        { "^/a|/b", "" },              { "^/(a|b)", "/" },          { "^/a(b|c)|d", "" },   { "^/a[|]b", "/a" },
        { "^/a[(]|b", "" },            { "^/a[]|]b", "/a" },        { "^/a[^]|]b", "/a" },  { "^/a[[:alpha:]]|b", "" },
        { "^/a\\Q|\\E", "" },          { "^/a(?i)b", "" },          { "^/a(?:b|c)", "/a" }, { "^/a(?<n>b)", "/a" },
        { "^/a(?#(|)b", "" },          { "^(*ACCEPT)a", "" },       { "^/a\\d", "/a" },     { "^/a\\", "" },
        { "^", "" },                   { "", "" },                  { "^^/a", "" },
        { "^/a-b_c~d%20", "/a-b_c~d%20" },
        { "^/a(b)|c)", "" },           { "^/a[\\]|]b", "/a" },      { "^/a\\(|b", "" },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        size_t n = regex_prefix(str_of(cases[i].pattern), text, sizeof text);

        if (!str_eq((struct sc_str){ text, n }, str_of(cases[i].prefix)))
            fail_msg("%s: \"%.*s\"", cases[i].pattern, (int)n, text);
    }
}

static uint64_t seed = 88172645463325252u;

static unsigned below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

/* Whatever a pattern looks like: what matches it begins with what was said. */
static void the_beginning_is_never_wrong(void **state)
{
    static const char *const parts[] = { "a", "b", "/", "^", "|", "(", ")", "[", "]", "?", "*", "+", "{0,1}", "\\", ".",
                                         "(?:", "(?=", "(?!", "(?i)", "(?x)", "#", "$", "[^", "\\Q", "\\E",
                                         "\\b", "-" };
    unsigned with_prefix = 0, matched = 0;

    (void)state;
    for (unsigned round = 0; round < 60000; round++) {
        char pattern[128] = "^", prefix[64];
        unsigned parts_n = 1 + below(7);
        struct sc_error e;
        struct regex *r;
        size_t n;

        for (unsigned i = 0; i < parts_n; i++)
            strcat(pattern, parts[below(3) == 0 ? below(sizeof parts / sizeof parts[0]) : below(3)]);
        n = regex_prefix(str_of(pattern), prefix, sizeof prefix);
        if (n == 0 || (r = regex_new(str_of(pattern), &e)) == NULL)
            continue;
        with_prefix++;
        for (unsigned k = 0; k < 8; k++) {
            char subject[8];
            struct sc_str s = { subject, below(6) };

            for (size_t i = 0; i < s.n; i++)
                subject[i] = i < n && below(3) > 0 ? prefix[i] : "ab/A-"[below(5)];
            if (!regex_match(r, s))
                continue;
            matched++;
            if (!str_starts(s, (struct sc_str){ prefix, n }))
                fail_msg("%s matches %.*s, not beginning with %.*s", pattern, STR_ARG(s), (int)n, prefix);
        }
        regex_free(&r);
    }
    assert_true(with_prefix > 10000 && matched > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches_bytes),
        cmocka_unit_test(tells_what_is_wrong),
        cmocka_unit_test(gives_up_and_counts),
        cmocka_unit_test(an_honest_pattern_reaches_the_end_of_a_long_path),
        cmocka_unit_test(is_shared_by_threads),
        cmocka_unit_test(knows_the_literal_beginning),
        cmocka_unit_test(the_beginning_is_never_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
