/* tests/unit/proxy/route_cost.c - what finding a route costs with 10 routes and with 10 000.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The same request, found among many more routes of every kind, must not cost much more. Times are the best of several
 * rounds, so that a busy machine does not matter; the numbers are printed. */
#include "tests/unit/unit.h"

#include "base/arena.h"
#include "base/clock.h"
#include "proxy/route.h"

#include <stdio.h>
#include <stdlib.h>

#define MANY   10000
#define ROUNDS 40
#define FINDS  2000

static struct arena memory;

/* Exact, template, rest, expression, in turn; every fifth under a host of its own, every seventh below a wildcard. */
static const struct route_match *match_of(unsigned i)
{
    static const char *const forms[] = { "/svc%u/users/list", "/svc%u/{id}/orders/{order}", "/svc%u/files/**",
                                         "~^/svc%u/v[0-9]+/" };
    struct route_match *m = arena_zero(&memory, sizeof *m);
    const char **path = arena_alloc(&memory, sizeof *path), **host = arena_alloc(&memory, sizeof *host);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    *path = arena_printf(&memory, forms[i % 4], i / 4);
#pragma GCC diagnostic pop
    m->paths = (struct sc_strings){ path, 1 };
    *host = i % 5 == 0 ? arena_printf(&memory, "h%u.example", i) : arena_printf(&memory, "*.w%u.example", i);
    if (i >= 10 && (i % 5 == 0 || i % 7 == 0))
        m->hosts = (struct sc_strings){ host, 1 };
    return m;
}

static struct router *build(unsigned n)
{
    struct route_rule *rules = calloc(n, sizeof *rules);
    struct router *r;

    for (unsigned i = 0; i < n; i++)
        rules[i].match = match_of(i);
    r = router_build(rules, n, NULL, NULL);
    free(rules);
    return r;
}

static const struct {
    const char *path;
    int rule;
} requests[] = {
    { "/svc0/users/list", 0 },
    { "/svc1/42/orders/7", 5 },
    { "/svc0/files/a/b/c.txt", 2 },
    { "/svc1/v12/x", 7 },
    { "/nowhere/to/be/found", -1 },
};
#define REQUESTS (sizeof requests / sizeof requests[0])

/* Nanoseconds of one find: the best round. */
static int64_t cost(const struct router *r, unsigned which)
{
    const struct route_request q = { .method = STR("GET"), .host = STR("api.h.example"),
                                     .path = str_of(requests[which].path) };
    struct route_found found;
    int64_t best = INT64_MAX;

    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t from = clock_mono_ns(), took;

        for (unsigned i = 0; i < FINDS; i++) {
            router_find(r, &q, &found);
            assert_int_equal(found.rule, requests[which].rule);
        }
        took = (clock_mono_ns() - from) / FINDS;
        if (took < best)
            best = took;
    }
    return best;
}

static void ten_thousand_cost_what_ten_cost(void **state)
{
    struct router *few, *many;

    (void)state;
    arena_init(&memory, 1 << 16);
    few = build(10);
    many = build(MANY);
    assert_non_null(few);
    assert_non_null(many);
    for (unsigned i = 0; i < REQUESTS; i++) {
        int64_t a = cost(few, i), b = cost(many, i);

        print_message("# %-24s 10 routes: %4lld ns, %d routes: %4lld ns\n", requests[i].path, (long long)a, MANY,
                      (long long)b);
        assert_true(b < 3 * a + 200);   /* trying them one by one: a thousand times as much */
    }
    router_free(&few);
    router_free(&many);
    arena_fini(&memory);
}

/* One request after the other goes to another route: now the router's memory counts, too. */
static void all_routes_in_turn(void **state)
{
    struct router *r;
    char paths[MANY / 4][32];
    int64_t best = INT64_MAX;

    (void)state;
    arena_init(&memory, 1 << 16);
    r = build(MANY);
    for (unsigned i = 0; i < MANY / 4; i++)
        snprintf(paths[i], sizeof paths[i], "/svc%u/42/orders/7", i);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t from = clock_mono_ns(), took;

        for (unsigned i = 0; i < MANY / 4; i++) {
            unsigned which = i * 1237 % (MANY / 4), rule = 4 * which + 1;
            const struct route_request q = { .method = STR("GET"), .path = str_of(paths[which]) };
            struct route_found found;

            router_find(r, &q, &found);
            assert_int_equal(found.rule, rule >= 10 && (rule % 5 == 0 || rule % 7 == 0) ? -1 : (int)rule);
        }
        took = (clock_mono_ns() - from) / (MANY / 4);
        if (took < best)
            best = took;
    }
    print_message("# each of %d routes in turn: %lld ns\n", MANY / 4, (long long)best);
    assert_true(best < 5000);
    router_free(&r);
    arena_fini(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_cost_what_ten_cost),
        cmocka_unit_test(all_routes_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
