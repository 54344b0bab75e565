/* tests/unit/loop/wheel.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/rand.h"
#include "loop/wheel.h"

#include <stdlib.h>

static sc_msec now;
static unsigned fired, early;
static sc_msec worst;

static void on_fire(struct timer *t)
{
    fired++;
    if (now < t->at)
        early++;
    if (now - t->at > worst)
        worst = now - t->at;
}

/* Never early; late only by how far the clock jumps. */
static void fires_in_time(void **state)
{
    enum { N = 20000 };
    static const sc_msec spans[] = { 3, 255, 256, 300, 16384, 20000, 1048576, 3000000, 67108864, 100000000 };
    struct wheel *w = malloc(sizeof *w);
    struct timer *t = calloc(N, sizeof *t);
    unsigned cancelled = 0;

    (void)state;
    now = 123456789;
    wheel_init(w, now);
    for (int i = 0; i < N; i++) {
        t[i].fn = on_fire;
        t[i].at = now + (sc_msec)rand_below((uint64_t)spans[i % 10] + 1);
        wheel_add(w, &t[i]);
    }
    for (int i = 0; i < N; i += 7) {
        wheel_remove(w, &t[i]);
        cancelled++;
    }
    fired = early = 0;
    worst = 0;
    while (w->n > 0) {
        sc_msec wait = wheel_wait(w, now);

        assert_true(wait >= 0);
        now += wait;
        wheel_run(w, now);
    }
    assert_int_equal(fired, N - cancelled);
    assert_int_equal(early, 0);
    assert_true(worst <= 1);
    assert_int_equal(wheel_wait(w, now), -1);
    free(t);
    free(w);
}

static void a_long_sleep_fires_all(void **state)
{
    struct wheel *w = malloc(sizeof *w);
    struct timer t[100] = { { .fn = NULL } };

    (void)state;
    now = 5;
    wheel_init(w, now);
    for (int i = 0; i < 100; i++) {
        t[i].fn = on_fire;
        t[i].at = now + i * 997;
        wheel_add(w, &t[i]);
    }
    fired = 0;
    now += 200000;
    wheel_run(w, now);
    assert_int_equal(fired, 100);
    free(w);
}

static struct wheel *again_in;
static unsigned again_left;

static void on_again(struct timer *t)
{
    if (--again_left > 0) {
        t->at = now + 256;                      /* the same slot, one round later */
        wheel_add(again_in, t);
    }
}

static void can_start_itself_again(void **state)
{
    struct wheel *w = malloc(sizeof *w);
    struct timer t = { .fn = on_again, .at = 1000 };

    (void)state;
    now = 1000;
    wheel_init(w, now);
    again_in = w;
    again_left = 10;
    wheel_add(w, &t);
    for (; again_left > 0 && now < 100000; now++)
        wheel_run(w, now);
    assert_int_equal(again_left, 0);
    assert_in_range(now, 1000 + 9 * 256, 1000 + 9 * 256 + 2);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_in_time),
        cmocka_unit_test(a_long_sleep_fires_all),
        cmocka_unit_test(can_start_itself_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
