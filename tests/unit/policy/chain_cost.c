/* tests/unit/policy/chain_cost.c - what the policies of a request cost when there is only request-id.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The whole way: start, request hooks, attempt, response hooks, done. The best of several rounds, printed beside the
 * same way through an empty chain. The bound is far above what it takes, for slow machines: it finds a chain that got
 * slower by its order of magnitude. Under a sanitizer the time says nothing, and the test is skipped. */
#include "tests/unit/unit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/refs.h"
#include "conf/load.h"
#include "policy/chain.h"
#include "policy/registry.h"
#include "tests/unit/policy/fake.h"

#include <stdlib.h>

#define ROUNDS 50
#define RUNS   1000

#ifdef __has_feature
#define CLANG_HAS(x) __has_feature(x)
#else
#define CLANG_HAS(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || CLANG_HAS(address_sanitizer) || \
    CLANG_HAS(thread_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static struct header fields[3][8];

/* An exchange as the proxy would hand it over: its memory is there already. */
static void reset(struct sc_exchange *x)
{
    arena_reset(&x->arena);
    headers_init(&x->request, &x->arena, fields[0], 8);
    headers_init(&x->outgoing, &x->arena, fields[1], 8);
    headers_init(&x->response, &x->arena, fields[2], 8);
}

static void one_run(const struct chain *c, struct sc_exchange *x)
{
    const struct sc_outcome outcome = { .status = 200 };
    struct chain_run run;
    bool replaced;

    chain_start(&run, c, x, 0, &x->arena);
    assert_int_equal(chain_request(&run), SC_CONTINUE);
    assert_int_equal(chain_attempt(&run), SC_CONTINUE);
    assert_int_equal(chain_response(&run, &replaced), SC_CONTINUE);
    chain_done(&run, &outcome);
}

static int64_t cost(const struct chain *c)
{
    struct sc_exchange x;
    int64_t best = INT64_MAX;

    fake_init(&x);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t from = clock_mono_ns(), took;

        for (unsigned i = 0; i < RUNS; i++) {
            reset(&x);
            one_run(c, &x);
        }
        took = (clock_mono_ns() - from) / RUNS;
        if (took < best)
            best = took;
    }
    fake_fini(&x);
    return best;
}

static void a_request_id_is_cheap(void **state)
{
    struct arena a;
    struct conf_report report;
    struct conf_load load;
    struct policy_list list;
    struct sc_worker worker = { 0 };
    struct chain_scope routes[] = { { "with", NULL }, { "without", NULL } };
    struct policy_entry off = { .policy = policy_find(STR("request-id")), .id = "", .off = true, .enabled = true };
    struct policy_list none = { &off, 1 };
    struct chain_set *set;
    int64_t with, without;

    (void)state;
    if (SANITIZED)
        skip();
    arena_init(&a, 4096);
    report_init(&report);
    conf_load_init(&load, &a, &report);
    assert_true(policy_list_load(&load, tree_parse(&a, &report, "t.yaml", STR("[ request-id ]")), &list));
    routes[1].list = &none;
    set = chain_set_build(&list, routes, 2, NULL, 1, NULL, NULL);
    chain_set_worker_open(set, 0, &worker);
    with = cost(chain_set_route(set, 0));
    without = cost(chain_set_route(set, 1));
    print_message("# request-id: %lld ns a request (an empty chain: %lld ns)\n", (long long)(with - without),
                  (long long)without);
    assert_true(with < 3000);
    chain_set_worker_close(set, 0, &worker);
    chain_set_free(&set);
    policy_list_fini(&list);
    conf_load_fini(&load);
    report_fini(&report);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_id_is_cheap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
