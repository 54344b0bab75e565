/* tests/unit/loop/offload.c - jobs go out, come home, are cancelled, or are dropped at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/alloc.h"
#include "loop/offload.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* One loop on this thread, and jobs that add up. */
struct bench {
    struct loop *loop;
    struct offload *offload;
    atomic_uint worked, done, dropped;
    unsigned expected;              /* done; then the loop stops */
    pthread_t home;
    atomic_bool gate;               /* closed: work waits */
    struct timer watchdog;
};

struct job {
    struct offload_job job;
    struct bench *b;
};

static void work(struct offload_job *j)
{
    struct bench *b = list_entry(j, struct job, job)->b;

    assert_false(pthread_equal(pthread_self(), b->home));
    while (b->gate)
        usleep(1000);
    b->worked++;
}

static void done(struct offload_job *j)
{
    struct bench *b = list_entry(j, struct job, job)->b;

    assert_true(pthread_equal(pthread_self(), b->home));
    free(list_entry(j, struct job, job));
    if (++b->done == b->expected)
        loop_stop(b->loop);
}

static void drop(struct offload_job *j)
{
    struct job *job = list_entry(j, struct job, job);

    job->b->dropped++;
    free(job);
}

static void too_long(struct timer *t)
{
    loop_stop(list_entry(t, struct bench, watchdog)->loop);
}

static void bench_init(struct bench *b, unsigned threads, unsigned limit)
{
    *b = (struct bench){ .loop = loop_new(), .offload = offload_new(threads, limit), .home = pthread_self() };
    b->watchdog.fn = too_long;
}

static struct job *submit(struct bench *b)
{
    struct job *job = xnew(struct job);

    job->job = (struct offload_job){ .work = work, .done = done, .drop = drop };
    job->b = b;
    if (offload_submit(b->offload, b->loop, &job->job))
        return job;
    free(job);
    return NULL;
}

static void run(struct bench *b, sc_msec limit)
{
    timer_start(b->loop, &b->watchdog, limit);
    loop_run(b->loop);
    timer_stop(&b->watchdog);
}

static void jobs_come_home(void **state)
{
    struct bench b;

    (void)state;
    bench_init(&b, 2, 1000);
    b.expected = 500;
    for (unsigned i = 0; i < 500; i++)
        assert_non_null(submit(&b));
    run(&b, 10000);
    assert_int_equal(b.done, 500);
    assert_int_equal(b.worked, 500);
    assert_int_equal(b.dropped, 0);
    offload_free(&b.offload, 1000);
    loop_free(&b.loop);
}

static void too_many_are_refused(void **state)
{
    struct bench b;
    unsigned taken = 0;

    (void)state;
    bench_init(&b, 1, 3);
    b.gate = true;
    for (unsigned i = 0; i < 10; i++)
        taken += submit(&b) != NULL;
    assert_in_range(taken, 3, 4);       /* three wait, one may have been fetched already */
    b.gate = false;
    b.expected = taken;
    run(&b, 10000);
    assert_int_equal(b.done, taken);
    offload_free(&b.offload, 1000);
    loop_free(&b.loop);
}

static void cancelled_jobs_are_dropped(void **state)
{
    struct job *jobs[6];
    struct bench b;

    (void)state;
    bench_init(&b, 2, 100);
    b.gate = true;
    for (unsigned i = 0; i < 6; i++)
        jobs[i] = submit(&b);
    for (unsigned i = 0; i < 6; i++)    /* some run, some wait */
        offload_cancel(b.offload, &jobs[i]->job);
    assert_in_range(b.dropped, 4, 6);
    b.gate = false;
    for (unsigned i = 0; i < 10000 && b.dropped < 6; i++)
        usleep(1000);
    run(&b, 1);
    assert_int_equal(b.dropped, 6);
    assert_int_equal(b.done, 0);
    offload_free(&b.offload, 1000);
    loop_free(&b.loop);
}

/* The result is in the mailbox already. */
static void a_job_cancelled_on_its_way_home_is_dropped(void **state)
{
    struct bench b;
    struct job *job;

    (void)state;
    bench_init(&b, 1, 100);
    job = submit(&b);
    for (unsigned i = 0; i < 10000 && b.worked < 1; i++)
        usleep(1000);
    usleep(20000);                      /* from work to the mailbox; earlier is another case, and right as well */
    offload_cancel(b.offload, &job->job);
    run(&b, 20);
    assert_int_equal(b.dropped, 1);
    assert_int_equal(b.done, 0);
    offload_free(&b.offload, 1000);
    loop_free(&b.loop);
}

static void the_end_drops_what_waits_and_does_not_wait_for_ever(void **state)
{
    sc_msec before = clock_mono_ms();
    struct bench b;

    (void)state;
    bench_init(&b, 2, 100);
    b.gate = true;
    for (unsigned i = 0; i < 5; i++)
        assert_non_null(submit(&b));
    for (unsigned i = 0; i < 20; i++)
        usleep(1000);
    offload_free(&b.offload, 50);
    assert_true(clock_mono_ms() - before < 5000);
    assert_true(b.dropped >= 3);
    b.gate = false;                     /* the late ones drop their jobs and end by themselves */
    for (unsigned i = 0; i < 10000 && b.dropped < 5; i++)
        usleep(1000);
    assert_int_equal(b.dropped, 5);
    assert_int_equal(b.done, 0);
    loop_free(&b.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_come_home),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(cancelled_jobs_are_dropped),
        cmocka_unit_test(a_job_cancelled_on_its_way_home_is_dropped),
        cmocka_unit_test(the_end_drops_what_waits_and_does_not_wait_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
