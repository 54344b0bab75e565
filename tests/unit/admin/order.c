/* tests/unit/admin/order.c - an order is answered, or abandoned, or both, and freed once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "admin/changes.h"
#include "admin/order.h"

static unsigned answers;

static void on_answered(struct order *o)
{
    assert_ptr_equal(o->asker, &answers);
    assert_int_equal(o->end, ORDER_MISTAKES);
    assert_int_equal(o->generation, 7);
    answers++;
    order_free(&o);
}

static void answered(void **state)
{
    struct loop *loop = loop_new();

    (void)state;
    answers = 0;
    order_answer(order_new(loop, on_answered, &answers), ORDER_MISTAKES, 7);
    assert_int_equal(answers, 0);
    loop_read_mail(loop);
    assert_int_equal(answers, 1);
    loop_free(&loop);
}

static void abandoned(void **state)
{
    struct loop *loop = loop_new();
    struct order *first = order_new(loop, on_answered, &answers), *second = order_new(loop, on_answered, &answers);
    struct order *of_control = first;

    (void)state;
    answers = 0;
    order_abandon(&first);                              /* before the answer */
    assert_null(first);
    order_answer(of_control, ORDER_MISTAKES, 7);
    order_answer(second, ORDER_MISTAKES, 7);
    order_abandon(&second);                             /* while it is on its way */
    loop_read_mail(loop);
    assert_int_equal(answers, 0);
    loop_free(&loop);
}

static void told(void **state)
{
    struct order o = { .end = ORDER_DONE, .generation = 3 };
    struct admin_answer a = { 0 };

    (void)state;
    changes_reloaded(&o, &a);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body.p, "{\"status\":\"reloaded\",\"generation\":3,\"warnings\":[]}\n");
    buf_fini(&a.body);
    o.end = ORDER_MISTAKES;
    buf_puts(&o.text, "f:1:2: a: wrong\nf:3:4: b: \"wrong\"\n");
    changes_reloaded(&o, &a);
    assert_int_equal(a.status, 422);
    assert_string_equal(a.body.p, "{\"status\":\"refused\",\"generation\":3,\"mistakes\":[\"f:1:2: a: wrong\","
                                  "\"f:3:4: b: \\\"wrong\\\"\"]}\n");
    buf_fini(&a.body);
    o.end = ORDER_REFUSED;
    changes_reloaded(&o, &a);
    assert_int_equal(a.status, 503);
    buf_fini(&a.body);
    buf_fini(&o.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(answered), cmocka_unit_test(abandoned), cmocka_unit_test(told) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
