/* tests/unit/discovery/hands.c - what is wanted of which source, and until when.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/hands.h"

struct bench {
    struct loop *loop;
    struct hands *hands;
    struct timer end;
    unsigned changes;
};

static void on_change(void *arg)
{
    struct bench *b = arg;

    b->changes++;
}

static void on_end(struct timer *t)
{
    loop_stop(list_entry(t, struct bench, end)->loop);
}

static void begin(struct bench *b)
{
    *b = (struct bench){ .loop = loop_new(), .end = { .fn = on_end } };
    b->hands = hands_new(b->loop, on_change, b);
}

static void end(struct bench *b)
{
    hands_free(&b->hands);
    loop_free(&b->loop);
}

static void turn(struct bench *b, sc_msec ms)
{
    timer_start(b->loop, &b->end, ms);
    loop_run(b->loop);
}

static void order(struct bench *b, enum source_hand kind, bool of_registry, const char *name, sc_msec ttl)
{
    const struct endpoint target = { .host = "192.0.2.1", .port = 80 };

    hands_order(b->hands, &(struct hand_order){ .kind = kind, .of_registry = of_registry, .name = name, .ttl = ttl,
                                                .by = "somebody", .targets = &target, .ntargets = kind == HAND_PIN });
}

static enum source_hand wanted(const struct bench *b, const char *service, const char *registry)
{
    const struct hand *h = hands_find(b->hands, service, registry);

    return h == NULL ? HAND_NONE : h->kind;
}

static void a_service_goes_before_its_registry(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    assert_int_equal(wanted(&b, "s", "r"), HAND_NONE);
    order(&b, HAND_FAIL, true, "r", 60000);
    assert_int_equal(wanted(&b, "s", "r"), HAND_FAIL);
    assert_int_equal(wanted(&b, "r", "other"), HAND_NONE);
    order(&b, HAND_FREEZE, false, "s", 60000);
    assert_int_equal(wanted(&b, "s", "r"), HAND_FREEZE);
    assert_int_equal(wanted(&b, "t", "r"), HAND_FAIL);
    order(&b, HAND_NONE, false, "s", 0);
    assert_int_equal(wanted(&b, "s", "r"), HAND_FAIL);
    order(&b, HAND_NONE, false, "r", 0);                /* no service is called so */
    assert_int_equal(wanted(&b, "s", "r"), HAND_FAIL);
    order(&b, HAND_NONE, true, "r", 0);
    assert_int_equal(wanted(&b, "s", "r"), HAND_NONE);
    end(&b);
}

static void the_last_one_holds(void **state)
{
    const struct hand *h;
    struct bench b;
    uint64_t first;

    (void)state;
    begin(&b);
    order(&b, HAND_FREEZE, false, "s", 50);
    first = hands_find(b.hands, "s", "r")->id;
    order(&b, HAND_PIN, false, "s", 60000);
    h = hands_find(b.hands, "s", "r");
    assert_int_equal(h->kind, HAND_PIN);
    assert_true(h->id != first && h->id != 0);
    assert_string_equal(h->by, "somebody");
    assert_int_equal(h->ntargets, 1);
    assert_string_equal(h->targets[0].host, "192.0.2.1");
    turn(&b, 100);                      /* the end of the first one is not that of the second */
    assert_int_equal(wanted(&b, "s", "r"), HAND_PIN);
    end(&b);
}

static void each_ends_by_itself(void **state)
{
    struct bench b;
    unsigned before;

    (void)state;
    begin(&b);
    order(&b, HAND_FREEZE, false, "s", 20);
    order(&b, HAND_FAIL, true, "r", 60000);
    before = b.changes;
    for (unsigned i = 0; i < 1000 && wanted(&b, "s", "r") == HAND_FREEZE; i++)
        turn(&b, 5);
    assert_int_equal(wanted(&b, "s", "r"), HAND_FAIL);
    order(&b, HAND_FAIL, true, "r", 20);
    for (unsigned i = 0; i < 1000 && wanted(&b, "s", "r") == HAND_FAIL; i++)
        turn(&b, 5);
    assert_int_equal(wanted(&b, "s", "r"), HAND_NONE);
    assert_true(b.changes >= before + 3);           /* an end, an order, an end */
    end(&b);
}

static void a_letter_is_a_copy(void **state)
{
    char name[] = "users", by[] = "ops", host[] = "192.0.2.1";
    struct endpoint target = { .host = host, .port = 80 };
    struct hand_letter *l = hand_letter_new(&(struct hand_order){ .kind = HAND_PIN, .name = name, .ttl = 1000, .by = by,
                                                                  .targets = &target, .ntargets = 1 });

    (void)state;
    name[0] = by[0] = host[0] = 'x';
    assert_string_equal(l->order.name, "users");
    assert_string_equal(l->order.by, "ops");
    assert_string_equal(l->order.targets[0].host, "192.0.2.1");
    hand_letter_free(&l);
    assert_null(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_goes_before_its_registry),
        cmocka_unit_test(the_last_one_holds),
        cmocka_unit_test(each_ends_by_itself),
        cmocka_unit_test(a_letter_is_a_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
