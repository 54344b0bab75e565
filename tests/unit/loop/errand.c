/* tests/unit/loop/errand.c - a question comes back, or is dropped by whoever comes second.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "loop/errand.h"

#include <pthread.h>

static unsigned came_back, dropped;

static void on_back(struct errand *e)
{
    (void)e;
    came_back++;
}

static void on_drop(struct errand *e)
{
    (void)e;
    dropped++;
}

static void comes_back(void **state)
{
    struct loop *loop = loop_new();
    struct errand e;

    (void)state;
    came_back = dropped = 0;
    errand_begin(&e, loop, on_back, on_drop);
    assert_true(errand_is_wanted(&e));
    errand_return(&e);
    assert_int_equal(came_back, 0);
    loop_read_mail(loop);
    assert_int_equal(came_back, 1);
    assert_int_equal(dropped, 0);
    loop_free(&loop);
}

static void abandoned_before(void **state)
{
    struct loop *loop = loop_new();
    struct errand e;

    (void)state;
    came_back = dropped = 0;
    errand_begin(&e, loop, on_back, on_drop);
    errand_abandon(&e);
    assert_false(errand_is_wanted(&e));
    assert_int_equal(dropped, 0);
    errand_return(&e);
    assert_int_equal(dropped, 1);
    loop_read_mail(loop);
    assert_int_equal(came_back, 0);
    loop_free(&loop);
}

static void abandoned_on_its_way(void **state)
{
    struct loop *loop = loop_new();
    struct errand e;

    (void)state;
    came_back = dropped = 0;
    errand_begin(&e, loop, on_back, on_drop);
    errand_return(&e);
    errand_abandon(&e);
    assert_int_equal(dropped, 0);
    loop_read_mail(loop);
    assert_int_equal(dropped, 1);
    assert_int_equal(came_back, 0);
    loop_free(&loop);
}

/* ---- both at once ---- */

enum { MANY = 20000 };

static struct errand many[MANY];
static atomic_uint dropped_by_any, given;

static void on_drop_counted(struct errand *e)
{
    (void)e;
    atomic_fetch_add(&dropped_by_any, 1);
}

static void *return_all(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < MANY; i++) {
        while (atomic_load(&given) <= i)
            ;
        errand_return(&many[i]);
    }
    return NULL;
}

static void both_at_once(void **state)
{
    struct loop *loop = loop_new();
    pthread_t other;

    (void)state;
    came_back = 0;
    assert_int_equal(pthread_create(&other, NULL, return_all, NULL), 0);
    for (unsigned i = 0; i < MANY; i++) {
        errand_begin(&many[i], loop, on_back, on_drop_counted);
        atomic_fetch_add(&given, 1);
        errand_abandon(&many[i]);
    }
    pthread_join(other, NULL);
    loop_read_mail(loop);
    assert_int_equal(came_back, 0);
    assert_int_equal(atomic_load(&dropped_by_any), MANY);
    loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back), cmocka_unit_test(abandoned_before), cmocka_unit_test(abandoned_on_its_way),
        cmocka_unit_test(both_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
