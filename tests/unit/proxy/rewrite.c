/* tests/unit/proxy/rewrite.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "proxy/rewrite.h"

#include <string.h>

static void rewrites(void **state)
{
    static const struct {
        struct rewrite_conf conf;
        const char *in, *out;
    } cases[] = {
        { { .strip_prefix = "/api" }, "/api/users", "/users" },
        { { .strip_prefix = "/api" }, "/api", "/" },
        { { .strip_prefix = "/api" }, "/api/", "/" },
        { { .strip_prefix = "/api/" }, "/api/users", "/users" },
        { { .strip_prefix = "/api" }, "/apis/x", "/apis/x" },
        { { .strip_prefix = "/api" }, "/x/api", "/x/api" },
        { { .strip_prefix = "/" }, "/x", "/x" },
        { { .strip_prefix = "/api", .prefix = "/v1" }, "/api/users", "/v1/users" },
        { { .strip_prefix = "/api", .prefix = "/v1" }, "/api", "/v1" },
        { { .strip_prefix = "/api", .prefix = "/v1" }, "/api/", "/v1/" },
        { { .strip_prefix = "/api", .prefix = "/v1" }, "/other", "/v1/other" },
        { { .prefix = "/v1/" }, "/users", "/v1/users" },
        { { .prefix = "/" }, "/users", "/users" },
        { { .prefix = "/" }, "/", "/" },
        { { .strip_segments = 2 }, "/svc/users/x/y", "/x/y" },
        { { .strip_segments = 2 }, "/svc/users", "/" },
        { { .strip_segments = 2 }, "/svc/users/", "/" },
        { { .strip_segments = 2 }, "/svc", "/" },
        { { .strip_segments = 1, .strip_prefix = "/b", .prefix = "/z" }, "/a/b/c", "/z/c" },
        { { .strip_segments = 64, .prefix = "/z" }, "/a/b/c", "/z" },
        { { .strip_prefix = "/a" }, "/a//evil.example/x", "/evil.example/x" },
        { { .strip_segments = 1 }, "/a//evil.example/x", "/evil.example/x" },
        { { .strip_prefix = "/a" }, "/a/%2e%2e/%2F", "/%2e%2e/%2F" },
        { { .strip_prefix = "/a", .prefix = "/b" }, "*", "*" },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1024);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sc_str out = rewrite_apply(&cases[i].conf, str_of(cases[i].in), NULL, &a);

        if (!str_eq(out, str_of(cases[i].out)))
            fail_msg("case %u: %s became %.*s", i, cases[i].in, STR_ARG(out));
        assert_false(rewrite_is_empty(&cases[i].conf));
    }
    arena_fini(&a);
}

static void taking_from_the_front_copies_nothing(void **state)
{
    const struct rewrite_conf conf = { .strip_prefix = "/a" };
    struct sc_str in = STR("/a/b"), out = rewrite_apply(&conf, in, NULL, NULL);

    (void)state;
    assert_ptr_equal(out.p, in.p + 2);
}

static void builds_paths_from_names_and_rest(void **state)
{
    static const struct {
        const char *path, *out;
        bool has_rest;
    } cases[] = {
        { "/users/{id}", "/users/a%20b", true },      { "/{what}/{id}/", "/orders/a%20b/", true },
        { "/x/**", "/x/r/s/", true },                 { "/fixed", "/fixed", false },
        { "/{what}/{what}", "/orders/orders", true },
    };
    struct route_found found = {
        .nparams = 2, .params = { { STR_INIT("id"), STR_INIT("a%20b") }, { STR_INIT("what"), STR_INIT("orders") } },
        .rest = STR_INIT("r/s/"),
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1024);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct rewrite_conf conf = { .path = cases[i].path };

        found.has_rest = cases[i].has_rest;
        assert_str(rewrite_apply(&conf, STR("/in"), &found, &a), cases[i].out);
    }
    found.rest = STR("");
    assert_str(rewrite_apply(&(struct rewrite_conf){ .path = "/x/**" }, STR("/in"), &found, &a), "/x/");
    assert_str(rewrite_apply(&(struct rewrite_conf){ .path = "/**" }, STR("/in"), &found, &a), "/");
    found.rest = STR("/evil.example");
    assert_str(rewrite_apply(&(struct rewrite_conf){ .path = "/**" }, STR("/in"), &found, &a), "/evil.example");
    arena_fini(&a);
}

static void checks(void **state)
{
    static const char *const paths[] = { "/a/{id}/**", "/b/{id}/{x}/**" }, *const exact[] = { "/a" };
    static const struct route_match with = { .paths = { paths, 2 } }, without = { .paths = { exact, 1 } },
                                    none = { .paths = { NULL, 0 } };
    static const struct {
        struct rewrite_conf conf;
        const struct route_match *match;
        const char *mistake;            /* NULL: none */
    } cases[] = {
        { { .strip_prefix = "/a", .prefix = "/b/c", .strip_segments = 1 }, &with, NULL },
        { { .path = "/v2/{id}/**" }, &with, NULL },
        { { .path = "/v2" }, &none, NULL },
        { { .strip_prefix = "a" }, &with, "strip_prefix: a path begins with \"/\"" },
        { { .prefix = "/a/{id}" }, &with, "prefix: only literal segments" },
        { { .prefix = "/a/*" }, &with, "prefix: only literal segments" },
        { { .prefix = "/a/**" }, &with, "prefix: \"**\" is not possible" },
        { { .prefix = "/../etc" }, &with, "prefix: \".\" and \"..\"" },
        { { .prefix = "/a b" }, &with, "prefix: a character 0x20" },
        { { .prefix = "/a?x=1" }, &with, "prefix: \"?\" cannot stand" },
        { { .prefix = "/caf\xc3\xa9" }, &with, "prefix: write \"caf\xc3\xa9\" as \"caf%C3%A9\"" },
        { { .prefix = "/%7e" }, &with, "prefix: write \"%7e\" as \"~\"" },
        { { .prefix = "/a//b" }, &with, "prefix: an empty segment" },
        { { .path = "~^/a" }, &with, "path: a path, not an expression" },
        { { .path = "/v2/{y}" }, &with, "path: \"{y}\": the route's path \"/a/{id}/**\" has no such segment" },
        { { .path = "/v2/{x}" }, &with, "path: \"{x}\": the route's path \"/a/{id}/**\" has no such segment" },
        { { .path = "/v2/**" }, &without, "path: \"**\": the route's path \"/a\" has none" },
        { { .path = "/v2/**" }, &none, "path: the route has no path" },
        { { .path = "/v2/*" }, &with, "path: \"*\" has no name" },
        { { .path = "/v2", .prefix = "/a" }, &with, "path: stands alone" },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sc_error e = SC_ERROR_INIT;
        bool ok = rewrite_check(&cases[i].conf, cases[i].match, &e);

        if (ok != (cases[i].mistake == NULL) ||
            (!ok && strncmp(e.text, cases[i].mistake, strlen(cases[i].mistake)) != 0))
            fail_msg("case %u: %s", i, e.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rewrites),
        cmocka_unit_test(taking_from_the_front_copies_nothing),
        cmocka_unit_test(builds_paths_from_names_and_rest),
        cmocka_unit_test(checks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
