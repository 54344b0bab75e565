/* tests/unit/discovery/balance.c - who is picked, in which order, how often.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/arena.h"
#include "base/rand.h"
#include "conf/load.h"
#include "discovery/balance/order.h"
#include "tests/unit/discovery/kit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* What struct least_request_conf holds. */
static const struct { int64_t choices; } two = { 2 };

#define N(array) (sizeof(array) / sizeof (array)[0])
#define SET(service, balancer, conf, ...)                                                               \
    kit_set(service, balancer, conf, (uint32_t[]){ __VA_ARGS__ }, N(((uint32_t[]){ __VA_ARGS__ })))

static void picks_in_exact_order(void **state)
{
    static const struct { const char *balancer; uint32_t weights[5]; const char *order; } cases[] = {
        { "round_robin", { 100, 100, 100 }, "abcabcabcabc" },
        { "round_robin", { 7 }, "aaaaaaaaaaaa" },
        { "round_robin", { 100, 0, 100 }, "acacacacacac" },
        { "round_robin", { 200, 100 }, "aabaabaabaab" },
        { "round_robin", { 1, 1, 4 }, "ccaccbccaccb" },
        { "strict_round_robin", { 5, 1, 1 }, "abcabcabcabc" },
        { "strict_round_robin", { 5, 0, 1 }, "acacacacacac" },
        { "weighted", { 5, 1, 1 }, "aaabaacaaaba" },
        { "weighted", { 3, 3, 3 }, "abcabcabcabc" },
    };

    (void)state;
    for (unsigned c = 0; c < N(cases); c++) {
        struct service_shared *service = service_shared_new("users");
        unsigned n = 0;
        struct target_set *set;

        for (unsigned i = 0; i < 5; i++)
            if (cases[c].weights[i] > 0)
                n = i + 1;
        set = kit_set(service, cases[c].balancer, NULL, cases[c].weights, n);
        for (unsigned i = 0; cases[c].order[i] != '\0'; i++)
            assert_int_equal('a' + balancer_pick(set, NULL), cases[c].order[i]);
        target_set_unref(&set);
        service_shared_unref(&service);
    }
}

static void the_turn_goes_on_in_the_next_set(void **state)
{
    struct service_shared *service = service_shared_new("users");
    struct target_set *one = SET(service, "round_robin", NULL, 100, 100, 100);
    struct target_set *next = SET(service, "round_robin", NULL, 100, 100, 100);

    (void)state;
    assert_int_equal(balancer_pick(one, NULL), 0);
    assert_int_equal(balancer_pick(next, NULL), 1);
    assert_int_equal(balancer_pick(one, NULL), 2);
    assert_int_equal(balancer_pick(next, NULL), 0);
    assert_true(next->version > one->version);
    target_set_unref(&one);
    target_set_unref(&next);
    service_shared_unref(&service);
}

static void passes_over_what_was_tried(void **state)
{
    static const char *const all[] = { "round_robin", "strict_round_robin", "weighted", "least_request", "random" };

    (void)state;
    for (unsigned b = 0; b < N(all); b++)
        for (unsigned n = 1; n <= 20; n++) {
            struct service_shared *service = service_shared_new("users");
            uint32_t weights[20];
            struct target_set *set;
            uint64_t tried = 0;

            for (unsigned i = 0; i < n; i++)
                weights[i] = i * 1000;                      /* the first gets nothing */
            set = kit_set(service, all[b], &two, weights, n);
            for (unsigned i = 1; i < n; i++) {
                int at = balancer_pick(set, &tried);

                assert_in_range(at, 1, n - 1);
                assert_int_equal(tried >> at & 1, 0);
                tried |= (uint64_t)1 << at;
            }
            assert_int_equal(balancer_pick(set, &tried), -1);
            target_set_unref(&set);
            service_shared_unref(&service);
        }
}

static void a_tried_target_does_not_disturb_the_order(void **state)
{
    struct service_shared *service = service_shared_new("users");
    struct target_set *set = SET(service, "round_robin", NULL, 1, 1, 1);
    uint64_t tried = 1 << 1;

    (void)state;
    assert_int_equal(balancer_pick(set, NULL), 0);
    assert_int_equal(balancer_pick(set, &tried), 2);        /* b's turn, passed on */
    assert_int_equal(balancer_pick(set, NULL), 2);
    target_set_unref(&set);
    service_shared_unref(&service);
}

/* After any k turns everyone is within one turn of its share. */
static void assert_smooth(const struct target_set *set, const struct order *o)
{
    uint64_t sum = 0, *had = calloc(set->n, sizeof *had);

    for (unsigned i = 0; i < set->n; i++)
        sum += set->at[i].weight;
    for (unsigned k = 0; k < o->n; k++) {
        had[o->at[k]]++;
        for (unsigned i = 0; i < set->n; i++) {             /* |had - (k+1) * w / sum| < 1 */
            __int128 off = (__int128)had[i] * sum - (__int128)(k + 1) * set->at[i].weight;

            if (off <= -(__int128)sum || off >= (__int128)sum)
                fail_msg("target %u of %u: %lu turns of %u", i, set->n, (unsigned long)had[i], k + 1);
        }
    }
    free(had);
}

static void the_smooth_order_keeps_its_bound(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct service_shared *service = service_shared_new("users");
        unsigned n = 1 + (unsigned)rand_below(12);
        uint32_t weights[12];
        struct target_set *set;
        struct order *o;

        for (unsigned i = 0; i < n; i++)
            weights[i] = 1 + (uint32_t)rand_below(round % 3 == 0 ? 3 : 200);
        set = kit_set(service, "weighted", NULL, weights, n);
        o = order_smooth(set);
        assert_smooth(set, o);
        free(o);
        target_set_unref(&set);
        service_shared_unref(&service);
    }
}

static void long_orders_are_rounded(void **state)
{
    struct service_shared *service = service_shared_new("users");
    struct target_set *set = SET(service, "weighted", NULL, 65535, 65534, 1, 30011);
    struct order *o = order_smooth(set);
    unsigned had[4] = { 0 };

    (void)state;
    assert_in_range(o->n, 60000, 65540);
    for (unsigned i = 0; i < o->n; i++)
        had[o->at[i]]++;
    for (unsigned i = 0; i < 4; i++) {
        double want = (double)set->at[i].weight * o->n / (65535.0 + 65534 + 1 + 30011) / WEIGHT_UNIT;

        assert_true(had[i] >= 1 && had[i] >= want - 1 && had[i] <= want + 1);
    }
    free(o);
    target_set_unref(&set);
    service_shared_unref(&service);
}

static void a_divided_weight_has_no_rest(void **state)
{
    struct service_shared *service = service_shared_new("users");
    struct target_set *set = SET(service, "weighted", NULL, 1, 1, 1, 1);
    struct order *o;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        set->at[i].weight = WEIGHT_UNIT / 3;
    o = order_smooth(set);
    assert_int_equal(o->n, 6);                              /* 1 + 1 + 1 + 3 */
    free(o);
    target_set_unref(&set);
    service_shared_unref(&service);
}

static void least_request_takes_the_idlest(void **state)
{
    struct service_shared *service = service_shared_new("users");
    struct target_set *set = SET(service, "least_request", &two, 100, 100, 300);
    unsigned had[3] = { 0 };

    (void)state;
    for (unsigned i = 0; i < 500; i++) {                    /* requests that never end: by weight */
        int at = balancer_pick(set, NULL);

        atomic_fetch_add(&set->at[at].target->inflight, 1);
        had[at]++;
    }
    assert_int_equal(had[0], 100);
    assert_int_equal(had[1], 100);
    assert_int_equal(had[2], 300);
    atomic_store(&set->at[1].target->inflight, 3);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(balancer_pick(set, NULL), 1);
    target_set_unref(&set);
    service_shared_unref(&service);
}

static void least_request_spreads_by_weight_when_idle(void **state)
{
    struct service_shared *service = service_shared_new("users");
    struct target_set *set = SET(service, "least_request", &two, 100, 300);
    unsigned had[2] = { 0 };

    (void)state;
    for (unsigned i = 0; i < 400; i++)
        had[balancer_pick(set, NULL)]++;
    assert_int_equal(had[0], 100);
    assert_int_equal(had[1], 300);
    target_set_unref(&set);
    service_shared_unref(&service);
}

static void two_choices_keep_many_targets_level(void **state)
{
    struct service_shared *service = service_shared_new("users");
    uint32_t weights[100];
    struct target_set *set;
    unsigned most = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        weights[i] = 100;
    set = kit_set(service, "least_request", &two, weights, 100);
    for (unsigned i = 0; i < 10000; i++)
        atomic_fetch_add(&set->at[balancer_pick(set, NULL)].target->inflight, 1);
    for (unsigned i = 0; i < 100; i++)
        if (set->at[i].target->inflight > most)
            most = set->at[i].target->inflight;
    assert_in_range(most, 100, 110);                        /* by lot alone: about 125 */
    target_set_unref(&set);
    service_shared_unref(&service);
}

static void lots_follow_the_weights(void **state)
{
    struct service_shared *service = service_shared_new("users");
    struct target_set *set = SET(service, "random", NULL, 10, 20, 70);
    unsigned had[3] = { 0 };

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        had[balancer_pick(set, NULL)]++;
    assert_in_range(had[0], 9400, 10600);                   /* six standard deviations */
    assert_in_range(had[1], 19200, 20800);
    assert_in_range(had[2], 69100, 70900);
    target_set_unref(&set);
    service_shared_unref(&service);
}

static void nobody_eligible_is_nobody(void **state)
{
    struct service_shared *service = service_shared_new("users");
    struct target_set *none = target_set_new(service, 0), *zero = SET(service, "round_robin", NULL, 0, 0);

    (void)state;
    target_set_finish(none, balancers[0], NULL);
    assert_int_equal(balancer_pick(none, NULL), -1);
    assert_int_equal(balancer_pick(zero, NULL), -1);
    assert_string_equal(zero->at[0].reason, "weight 0");
    target_set_unref(&none);
    target_set_unref(&zero);
    service_shared_unref(&service);
}

struct crowd {
    struct target_set *set;
    atomic_uint had[4];
};

static void *pick_many(void *arg)
{
    struct crowd *c = arg;

    for (unsigned i = 0; i < 30000; i++) {
        int at = balancer_pick(c->set, NULL);

        atomic_fetch_add_explicit(&c->set->at[at].target->inflight, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&c->had[at], 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&c->set->at[at].target->inflight, 1, memory_order_relaxed);
    }
    return NULL;
}

static void threads_share_one_turn(void **state)
{
    struct service_shared *service = service_shared_new("users");
    struct crowd c = { SET(service, "round_robin", NULL, 1, 1, 1, 3), { 0 } };
    pthread_t threads[4];

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, pick_many, &c);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(c.had[0], 20000);
    assert_int_equal(c.had[1], 20000);
    assert_int_equal(c.had[2], 20000);
    assert_int_equal(c.had[3], 60000);
    target_set_unref(&c.set);
    service_shared_unref(&service);
}

static void every_balancer_can_be_named(void **state)
{
    (void)state;
    for (unsigned i = 0; balancers[i] != NULL; i++) {
        char quoted[64];

        assert_ptr_equal(balancer_find(str_of(balancers[i]->name)), balancers[i]);
        assert_non_null(balancers[i]->summary);
        snprintf(quoted, sizeof quoted, "\"%s\"", balancers[i]->name);
        assert_non_null(strstr(balancer_schema, quoted));
        for (const struct sc_field *f = balancers[i]->fields; f != NULL && f->type != SC_T_END; f++) {
            snprintf(quoted, sizeof quoted, "\"%s\"", f->name);
            assert_non_null(strstr(balancer_schema, quoted));
        }
    }
    assert_string_equal(balancers[0]->name, "round_robin");
    assert_null(balancer_find(STR("round-robin")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_in_exact_order),
        cmocka_unit_test(the_turn_goes_on_in_the_next_set),
        cmocka_unit_test(passes_over_what_was_tried),
        cmocka_unit_test(a_tried_target_does_not_disturb_the_order),
        cmocka_unit_test(the_smooth_order_keeps_its_bound),
        cmocka_unit_test(long_orders_are_rounded),
        cmocka_unit_test(a_divided_weight_has_no_rest),
        cmocka_unit_test(least_request_takes_the_idlest),
        cmocka_unit_test(least_request_spreads_by_weight_when_idle),
        cmocka_unit_test(two_choices_keep_many_targets_level),
        cmocka_unit_test(lots_follow_the_weights),
        cmocka_unit_test(nobody_eligible_is_nobody),
        cmocka_unit_test(threads_share_one_turn),
        cmocka_unit_test(every_balancer_can_be_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
