/* tests/unit/proxy/route.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "http/headers.h"
#include "proxy/route.h"

#include <stdio.h>
#include <stdlib.h>

#define LIST(...) { (const char *const[]){ __VA_ARGS__ }, \
                    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *) }
#define PAIRS(...) { (const struct sc_pair[]){ __VA_ARGS__ }, \
                     sizeof((const struct sc_pair[]){ __VA_ARGS__ }) / sizeof(struct sc_pair) }
#define MAX_RULES 16

struct fixture {
    struct arena arena;
    struct headers headers;
    struct router *router;
    struct route_found found;
    char problems[4096];
};

static void note(void *arg, const struct route_problem *p)
{
    struct fixture *f = arg;
    size_t n = strlen(f->problems);

    snprintf(f->problems + n, sizeof f->problems - n, "%s%u.%s[%d]%s%s: %s\n", p->warning ? "warning " : "", p->rule,
             p->key == NULL ? "" : p->key, p->item, p->name == NULL ? "" : ".", p->name == NULL ? "" : p->name,
             p->text);
}

static void setup(struct fixture *f, const struct route_match *matches, unsigned n)
{
    struct route_rule rules[MAX_RULES] = { { NULL, NULL, 0 } };

    memset(f, 0, sizeof *f);
    arena_init(&f->arena, 4096);
    headers_init(&f->headers, &f->arena, NULL, 0);
    for (unsigned i = 0; i < n; i++)
        rules[i] = (struct route_rule){ .match = &matches[i] };
    f->router = router_build(rules, n, note, f);
}

static void teardown(struct fixture *f)
{
    router_free(&f->router);
    arena_fini(&f->arena);
}

/* The rule for "METHOD HOST PATH[?QUERY]". */
static int find(struct fixture *f, const char *request)
{
    struct sc_str rest = str_of(request);
    struct route_request q = { .headers = &f->headers };

    str_split(&rest, ' ', &q.method);
    str_split(&rest, ' ', &q.host);
    str_split(&rest, '?', &q.path);
    q.query = rest;
    router_find(f->router, &q, &f->found);
    return f->found.rule;
}

#define SETUP(f, matches) setup(f, matches, sizeof(matches) / sizeof((matches)[0]))

static void hosts_exact_then_longest_suffix_then_none(void **state)
{
    const struct route_match m[] = {
        { .paths = LIST("/**") },
        { .hosts = LIST("*.example.com") },
        { .hosts = LIST("*.api.example.com") },
        { .hosts = LIST("API.example.com", "[::1]") },
    };
    struct fixture f;

    (void)state;
    SETUP(&f, m);
    assert_non_null(f.router);
    assert_int_equal(find(&f, "GET api.example.com /"), 3);
    assert_int_equal(find(&f, "GET API.Example.Com /"), 3);
    assert_int_equal(find(&f, "GET api.example.com. /"), 3);
    assert_int_equal(find(&f, "GET [::1] /"), 3);
    assert_int_equal(find(&f, "GET a.b.api.example.com /"), 2);
    assert_int_equal(find(&f, "GET xapi.example.com /"), 1);
    assert_int_equal(find(&f, "GET example.com /"), 0);
    assert_int_equal(find(&f, "GET .example.com /"), 0);
    assert_int_equal(find(&f, "GET badexample.com /"), 0);
    assert_int_equal(find(&f, "GET  /"), 0);
    teardown(&f);
}

static void paths_in_order_of_precision(void **state)
{
    const struct route_match m[] = {
        { .paths = LIST("/**") },
        { .paths = LIST("~^/a/[0-9]+$") },
        { .paths = LIST("/a/*") },
        { .paths = LIST("/a/b") },
        { .paths = LIST("/{x}/b/c") },
        { .paths = LIST("/a/{x}/c") },
        { .paths = LIST("/a/**") },
        { .paths = LIST("/a/b/c/**") },
        { .paths = LIST("/*/b/c/d/**") },
        { .paths = LIST("/~z") },
    };
    struct fixture f;

    (void)state;
    SETUP(&f, m);
    assert_non_null(f.router);
    assert_int_equal(find(&f, "GET h /a/b"), 3);
    assert_int_equal(find(&f, "GET h /a/77"), 2);
    assert_int_equal(find(&f, "GET h /a/b/c"), 5);
    assert_int_equal(find(&f, "GET h /x/b/c"), 4);
    assert_int_equal(find(&f, "GET h /a/b/c/d"), 7);
    assert_int_equal(find(&f, "GET h /a/b/c/"), 7);
    assert_int_equal(find(&f, "GET h /x/b/c/d/e"), 8);
    assert_int_equal(find(&f, "GET h /a"), 6);
    assert_int_equal(find(&f, "GET h /a/"), 6);
    assert_int_equal(find(&f, "GET h /a/b/"), 6);
    assert_int_equal(find(&f, "GET h /ab"), 0);
    assert_int_equal(find(&f, "GET h /A/b"), 0);
    assert_int_equal(find(&f, "GET h /"), 0);
    assert_int_equal(find(&f, "GET h /~z"), 9);
    assert_int_equal(find(&f, "OPTIONS h *"), -1);
    teardown(&f);
}

static void expressions_go_before_rest_in_file_order(void **state)
{
    const struct route_match m[] = {
        { .paths = LIST("/v/**") },
        { .paths = LIST("~^/v/[a-z]+/") },
        { .paths = LIST("~\\.png$") },
        { .paths = LIST("~^/v/abc/"), .methods = LIST("PUT") },
        { .paths = LIST("~^/v?/"), .methods = LIST("DELETE") },
    };
    struct fixture f;

    (void)state;
    SETUP(&f, m);
    assert_int_equal(find(&f, "GET h /v/abc/x.png"), 1);
    assert_int_equal(find(&f, "PUT h /v/abc/x.png"), 1);
    assert_int_equal(find(&f, "GET h /v/1/x.png"), 2);
    assert_int_equal(find(&f, "GET h /v/1"), 0);
    assert_int_equal(find(&f, "DELETE h //x"), 4);
    teardown(&f);
}

static void names_and_rest_are_told(void **state)
{
    const struct route_match m[] = {
        { .paths = LIST("/users/{id}/*/{what}/**") },
        { .paths = LIST("/users/{user}") },
    };
    struct fixture f;

    (void)state;
    SETUP(&f, m);
    assert_int_equal(find(&f, "GET h /users/7%20/x/orders/a/b/"), 0);
    assert_int_equal(f.found.nparams, 2);
    assert_str(f.found.params[0].name, "id");
    assert_str(f.found.params[0].value, "7%20");
    assert_str(f.found.params[1].name, "what");
    assert_str(f.found.params[1].value, "orders");
    assert_true(f.found.has_rest);
    assert_str(f.found.rest, "a/b/");
    assert_int_equal(find(&f, "GET h /users/7/x/orders"), 0);
    assert_true(f.found.has_rest);
    assert_str(f.found.rest, "");
    assert_int_equal(find(&f, "GET h /users/7"), 1);
    assert_str(f.found.params[0].name, "user");
    assert_false(f.found.has_rest);
    assert_int_equal(find(&f, "GET h /users/"), -1);
    assert_int_equal(f.found.status, 404);
    teardown(&f);
}

static void a_failed_condition_falls_through(void **state)
{
    const struct route_match m[] = {
        { .paths = LIST("/a") },
        { .paths = LIST("/a"), .methods = LIST("GET", "PURGE") },
        { .paths = LIST("/a"), .headers = PAIRS({ "X-Canary", "~^(1|true)$" }) },
        { .paths = LIST("/a"), .headers = PAIRS({ "x-canary", "1" }), .query = PAIRS({ "beta", NULL }) },
        { .paths = LIST("/{any}"), .query = PAIRS({ "q x", "a b" }) },
    };
    struct fixture f;

    (void)state;
    SETUP(&f, m);
    assert_int_equal(find(&f, "POST h /a"), 0);
    assert_int_equal(find(&f, "GET h /a"), 1);
    assert_int_equal(find(&f, "PURGE h /a"), 1);
    assert_int_equal(find(&f, "get h /a"), 0);
    headers_add(&f.headers, STR("x-canary"), STR("2"));
    assert_int_equal(find(&f, "POST h /a"), 0);
    headers_add(&f.headers, STR("x-Canary"), STR("1"));
    assert_int_equal(find(&f, "POST h /a"), 2);
    assert_int_equal(find(&f, "POST h /a?x&beta"), 3);
    assert_int_equal(find(&f, "POST h /a?beta="), 3);
    assert_int_equal(find(&f, "POST h /b?q+x=a%20b"), 4);
    assert_int_equal(find(&f, "POST h /b?q+x=a%20"), -1);
    assert_int_equal(f.found.status, 404);
    teardown(&f);
}

static void only_the_method_failed_is_405(void **state)
{
    const struct route_match m[] = {
        { .paths = LIST("/a"), .methods = LIST("PUT", "PURGE") },
        { .paths = LIST("/**"), .methods = LIST("GET") },
        { .paths = LIST("/a"), .methods = LIST("DELETE"), .headers = PAIRS({ "x-admin", NULL }) },
        { .hosts = LIST("other"), .methods = LIST("PATCH") },
    };
    struct fixture f;

    (void)state;
    SETUP(&f, m);
    assert_int_equal(find(&f, "POST h /a"), -1);
    assert_int_equal(f.found.status, 405);
    assert_str(router_allow(f.router, &f.found, &f.arena), "PUT, PURGE, GET, HEAD");
    assert_int_equal(find(&f, "GET h /a"), 1);
    teardown(&f);
}

static void get_takes_head_along(void **state)
{
    const struct route_match m[] = {
        { .paths = LIST("/a", "~^/x", "/w/**"), .methods = LIST("GET"), .headers = PAIRS({ "x-more", NULL }) },
        { .paths = LIST("/a", "~^/x"), .methods = LIST("POST", "GET") },
        { .paths = LIST("/a", "~^/x"), .methods = LIST("HEAD"), .headers = PAIRS({ "x-head", NULL }) },
        { .paths = LIST("/**", "~^/x1") },
    };
    struct fixture f;

    (void)state;
    SETUP(&f, m);
    assert_string_equal(f.problems, "");
    assert_int_equal(find(&f, "HEAD h /a"), 1);
    assert_int_equal(find(&f, "HEAD h /x1"), 1);
    assert_int_equal(find(&f, "PUT h /x1"), 3);
    assert_int_equal(find(&f, "HEAD h /w/a"), 3);
    headers_add(&f.headers, STR("x-more"), STR("1"));
    assert_int_equal(find(&f, "HEAD h /a"), 0);
    assert_int_equal(find(&f, "HEAD h /w/a"), 0);
    headers_add(&f.headers, STR("x-head"), STR("1"));
    assert_int_equal(find(&f, "HEAD h /a"), 2);         /* who names it comes first, with fewer conditions, too */
    assert_int_equal(find(&f, "HEAD h /x1"), 2);
    assert_int_equal(find(&f, "GET h /x1"), 0);
    teardown(&f);
}

static void a_preflight_is_matched_by_the_method_it_asks_about(void **state)
{
    const struct route_match m[] = {
        { .paths = LIST("/a"), .methods = LIST("PUT") },
        { .paths = LIST("/a"), .methods = LIST("OPTIONS") },
    };
    struct fixture f;

    (void)state;
    SETUP(&f, m);
    headers_add(&f.headers, STR("access-control-request-method"), STR("PUT"));
    assert_int_equal(find(&f, "OPTIONS h /a"), 1);
    headers_add(&f.headers, STR("origin"), STR("https://x.example"));
    assert_int_equal(find(&f, "OPTIONS h /a"), 0);
    headers_set(&f.headers, HDR_AC_REQUEST_METHOD, STR("DELETE"));
    assert_int_equal(find(&f, "OPTIONS h /a"), -1);
    assert_int_equal(f.found.status, 405);
    teardown(&f);
}

static void listeners_are_a_condition(void **state)
{
    const struct route_match m = { .paths = LIST("/a"), .methods = LIST("PUT") };
    const struct route_rule rule = { .match = &m, .listeners = 1u << 3 };
    struct router *r = router_build(&rule, 1, NULL, NULL);
    struct route_request q = { .method = STR("PUT"), .path = STR("/a"), .listener = 3 };
    struct route_found found;

    (void)state;
    assert_true(router_find(r, &q, &found));
    q.listener = 2;
    assert_false(router_find(r, &q, &found));
    q.method = STR("GET");
    assert_false(router_find(r, &q, &found));
    assert_int_equal(found.status, 404);
    router_free(&r);
}

static void paths_of_rules_are_normalised(void **state)
{
    const struct route_match m[] = { { .paths = LIST("/caf\xc3\xa9/%7eme/%2f/%c3") } };
    struct fixture f;

    (void)state;
    SETUP(&f, m);
    assert_int_equal(find(&f, "GET h /caf%C3%A9/~me/%2F/%C3"), 0);
    teardown(&f);
}

static void every_mistake_is_reported(void **state)
{
    const struct {
        struct route_match match;
        const char *want;
    } cases[] = {
        { { .paths = LIST("a") }, "0.paths[0]: a path begins with \"/\"" },
        { { .paths = LIST("/a", "") }, "0.paths[1]: a path begins with \"/\"" },
        { { .paths = LIST("/a/**/b") }, "0.paths[0]: \"**\" can only be the last segment" },
        { { .paths = LIST("/a/x*") }, "0.paths[0]: \"x*\": \"*\" and \"{name}\" stand for whole segments" },
        { { .paths = LIST("/a/{x") }, "0.paths[0]: \"{x\": " },
        { { .paths = LIST("/{x}/{x}") }, "0.paths[0]: \"{x}\" stands twice" },
        { { .paths = LIST("/{x y}") }, "0.paths[0]: \"{x y}\" is not a name" },
        { { .paths = LIST("/a/../b") }, "0.paths[0]: \".\" and \"..\" never reach a route" },
        { { .paths = LIST("/a/%2e") }, "0.paths[0]: \".\" and \"..\" never reach a route" },
        { { .paths = LIST("/a?b") }, "0.paths[0]: \"?\" cannot stand in a path" },
        { { .paths = LIST("/a b") }, "0.paths[0]: a character 0x20" },
        { { .paths = LIST("/a%2") }, "0.paths[0]: \"%\" is not followed by" },
        { { .paths = LIST("~") }, "0.paths[0]: no regular expression" },
        { { .paths = LIST("~^/a(b") }, "0.paths[0]: at offset 5: missing closing parenthesis" },
        { { .paths = LIST("~/a") }, "warning 0.paths[0]: found anywhere" },
        { { .paths = LIST("/a//b") }, "warning 0.paths[0]: an empty segment" },
        { { .hosts = LIST("a:80") }, "0.hosts[0]: hosts are matched without a port" },
        { { .hosts = LIST("a", "*") }, "0.hosts[1]: \"*\" can only stand before" },
        { { .hosts = LIST("a.*.b") }, "0.hosts[0]: \"*\" can only stand before" },
        { { .hosts = LIST("a..b") }, "0.hosts[0]: an empty label" },
        { { .hosts = LIST("") }, "0.hosts[0]: a host name has 1 to 253" },
        { { .hosts = LIST("caf\xc3\xa9") }, "0.hosts[0]: not a host name" },
        { { .methods = LIST("GET", "get") }, "0.methods[1]: methods are matched as they are written" },
        { { .methods = LIST("G T") }, "0.methods[0]: not a method" },
        { { .headers = PAIRS({ "a b", NULL }) }, "0.headers[-1].a b: not the name of a header" },
        { { .headers = PAIRS({ "a", "~(" }) }, "0.headers[-1].a: at offset 1: missing closing parenthesis" },
        { { .query = PAIRS({ "a", "~[" }) }, "0.query[-1].a: at offset 1: missing terminating ]" },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;

        setup(&f, &cases[i].match, 1);
        if (strncmp(f.problems, cases[i].want, strlen(cases[i].want)) != 0)
            fail_msg("wanted %s, got %s", cases[i].want, f.problems);
        assert_int_equal(f.router == NULL, strncmp(cases[i].want, "warning", 7) != 0);
        teardown(&f);
    }
}

static void all_mistakes_in_one_run(void **state)
{
    const struct route_match m[] = {
        { .hosts = LIST("a:1", "b:2"), .paths = LIST("x", "/y") },
        { .paths = LIST("z"), .methods = LIST("put") },
    };
    struct fixture f;
    unsigned lines = 0;

    (void)state;
    SETUP(&f, m);
    assert_null(f.router);
    for (const char *p = f.problems; *p != '\0'; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 5);
    teardown(&f);
}

static void warns_of_what_can_never_match(void **state)
{
    const struct route_match m[] = {
        { .paths = LIST("/a"), .methods = LIST("GET") },
        { .paths = LIST("/a"), .methods = LIST("GET", "PUT") },
        { .paths = LIST("/a"), .methods = LIST("PUT") },            /* dead: 1 */
        { .paths = LIST("/a/{x}") },
        { .paths = LIST("/a/*") },                                  /* dead: 3 */
        { .paths = LIST("/a/*", "/b") },
        { .paths = LIST("/b"), .headers = PAIRS({ "h", "1" }) },
        { .paths = LIST("/b"), .headers = PAIRS({ "H", "1" }) },    /* dead: 6 */
        { .paths = LIST("~^/c$") },
        { .paths = LIST("~^/c$"), .methods = LIST("GET") },         /* dead: 8 */
        { .hosts = LIST("x"), .paths = LIST("/a") },
        { .paths = LIST("/a", "~^/d$"), .methods = LIST("HEAD") },  /* GET has taken it along, but gives way */
        { .paths = LIST("/a"), .methods = LIST("GET", "HEAD") },    /* dead: 0, 11 */
    };
    struct fixture f;

    (void)state;
    SETUP(&f, m);
    assert_string_equal(f.problems,
        "warning 2.[-1]: can never match: route number 2 takes all of its requests first\n"
        "warning 4.[-1]: can never match: route number 4 takes all of its requests first\n"
        "warning 7.[-1]: can never match: route number 7 takes all of its requests first\n"
        "warning 9.[-1]: can never match: route number 9 takes all of its requests first\n"
        "warning 12.[-1]: can never match: route number 12 takes all of its requests first\n");
    teardown(&f);
}

static void nothing_configured_finds_nothing(void **state)
{
    struct router *r = router_build(NULL, 0, NULL, NULL);
    struct route_request q = { .method = STR("GET"), .host = STR("h"), .path = STR("/") };
    struct route_found found;

    (void)state;
    assert_false(router_find(r, &q, &found));
    assert_int_equal(found.status, 404);
    router_free(&r);
}

static void hostile_requests_are_only_not_found(void **state)
{
    const struct route_match m[] = { { .hosts = LIST("*.x"), .paths = LIST("/a/{b}/c") } };
    struct fixture f;
    char *path = malloc(65537);
    char host[1000];
    struct route_request q = { .method = STR("GET"), .host = { host, sizeof host }, .path = { path, 65536 } };

    (void)state;
    SETUP(&f, m);
    memset(path, '/', 65536);
    memset(host, '.', sizeof host);
    assert_false(router_find(f.router, &q, &f.found));
    q.host.n = 255;
    assert_false(router_find(f.router, &q, &f.found));
    q.path = STR("");
    assert_false(router_find(f.router, &q, &f.found));
    q.path = STR("a/b/c");
    q.host = STR(".");
    assert_false(router_find(f.router, &q, &f.found));
    free(path);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_exact_then_longest_suffix_then_none),
        cmocka_unit_test(paths_in_order_of_precision),
        cmocka_unit_test(expressions_go_before_rest_in_file_order),
        cmocka_unit_test(names_and_rest_are_told),
        cmocka_unit_test(a_failed_condition_falls_through),
        cmocka_unit_test(only_the_method_failed_is_405),
        cmocka_unit_test(get_takes_head_along),
        cmocka_unit_test(a_preflight_is_matched_by_the_method_it_asks_about),
        cmocka_unit_test(listeners_are_a_condition),
        cmocka_unit_test(paths_of_rules_are_normalised),
        cmocka_unit_test(every_mistake_is_reported),
        cmocka_unit_test(all_mistakes_in_one_run),
        cmocka_unit_test(warns_of_what_can_never_match),
        cmocka_unit_test(nothing_configured_finds_nothing),
        cmocka_unit_test(hostile_requests_are_only_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
