/* tests/unit/telemetry/metrics.c - cells, rows, their limit, buckets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "telemetry/metrics.h"

#include <pthread.h>
#include <stdio.h>

enum { REQUESTS, ROUTES, TOTALS, TABLES };
static const struct metrics_table tables[TABLES] = { { 2, 1, 1 }, { 1, METRICS_HISTOGRAM, METRICS_SUM }, { 0, 3, 0 } };

static struct metrics_row *request(struct metrics *m, const char *method, const char *status)
{
    return metrics_row(m, REQUESTS, (struct sc_str[]){ str_of(method), str_of(status) });
}

static unsigned count_rows(const struct metrics *m, unsigned table)
{
    unsigned n = 0;

    for (const struct metrics_row *r = NULL; (r = metrics_next(m, table, r)) != NULL;)
        n++;
    return n;
}

static void workers_add_up(void **state)
{
    struct metrics *m = metrics_new(tables, TABLES, 3, 100);
    struct metrics_row *a = request(m, "GET", "200"), *b = request(m, "GET", "404");

    (void)state;
    for (unsigned w = 0; w < 3; w++)
        metrics_add(a, w, 0, w + 1);
    metrics_add(b, 1, 0, 10);
    assert_int_equal(metrics_sum(m, a, 0), 6);
    assert_int_equal(metrics_sum(m, b, 0), 10);
    metrics_free(&m);
    assert_null(m);
    metrics_free(&m);
}

static void same_values_are_the_same_row(void **state)
{
    struct metrics *m = metrics_new(tables, TABLES, 1, 100);
    char get[] = "GET";
    struct metrics_row *a = request(m, get, "200");

    (void)state;
    get[0] = 'X';                                       /* they were copied */
    assert_ptr_equal(request(m, "GET", "200"), a);
    assert_ptr_not_equal(request(m, "XET", "200"), a);
    assert_ptr_not_equal(request(m, "GET2", "00"), a);  /* where one ends and the other begins tells them apart */
    assert_ptr_not_equal(request(m, "", ""), a);
    assert_int_equal(count_rows(m, REQUESTS), 4);
    assert_int_equal(count_rows(m, ROUTES), 0);
    assert_str(a->values[0], "GET");
    assert_str(a->values[1], "200");
    metrics_free(&m);
}

static void rows_come_in_order(void **state)
{
    static const char *const names[] = { "c", "a", "b" };
    struct metrics *m = metrics_new(tables, TABLES, 1, 100);
    const struct metrics_row *r = NULL;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        metrics_row(m, ROUTES, (struct sc_str[]){ str_of(names[i]) });
    for (unsigned i = 0; i < 3; i++) {
        r = metrics_next(m, ROUTES, r);
        assert_str(r->values[0], names[i]);
    }
    assert_null(metrics_next(m, ROUTES, r));
    metrics_free(&m);
}

/* Past the limit everything of a table is "other", and counted as such, once for each event. */
static void past_the_limit(void **state)
{
    struct metrics *m = metrics_new(tables, TABLES, 2, 2);
    struct metrics_row *a = request(m, "GET", "200"), *other, *route;

    (void)state;
    request(m, "GET", "404");
    assert_int_equal(metrics_overflow(m), 0);
    other = request(m, "GET", "500");
    assert_str(other->values[0], "other");
    assert_str(other->values[1], "other");
    assert_ptr_equal(request(m, "PUT", "500"), other);
    assert_ptr_equal(request(m, "GET", "200"), a);
    metrics_add(other, 0, 0, 3);
    metrics_add(other, 1, 0, 4);
    metrics_add(a, 0, 0, 100);
    assert_int_equal(metrics_overflow(m), 7);
    route = metrics_row(m, ROUTES, (struct sc_str[]){ STR("r") });
    assert_str(route->values[0], "other");
    metrics_observe(route->cells[1], 7000);             /* its sum is no event */
    assert_int_equal(metrics_overflow(m), 8);
    assert_int_equal(count_rows(m, REQUESTS), 3);
    metrics_limit(m, 3);
    assert_ptr_not_equal(request(m, "GET", "500"), other);
    metrics_free(&m);
}

/* More than fit a page, of several sizes: no two share a cell. */
static void many_rows(void **state)
{
    enum { N = 400 };
    struct metrics *m = metrics_new(tables, TABLES, 2, 10000);
    struct metrics_row *rows[N];
    char name[16];

    (void)state;
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "route-%u", i);
        rows[i] = metrics_row(m, ROUTES, (struct sc_str[]){ str_of(name) });
        for (unsigned c = 0; c < METRICS_HISTOGRAM; c++) {
            metrics_add(rows[i], 0, c, i * 100 + c);
            metrics_add(rows[i], 1, c, 1);
        }
    }
    for (unsigned i = 0; i < N; i++)
        for (unsigned c = 0; c < METRICS_HISTOGRAM; c++)
            assert_int_equal(metrics_sum(m, rows[i], c), i * 100 + c + 1);
    metrics_free(&m);
}

static void buckets(void **state)
{
    static const struct { int64_t us; unsigned bucket; } known[] = {
        { 0, 0 }, { 4999, 0 }, { 5000, 0 }, { 5001, 1 }, { 10000, 1 }, { 10001, 2 }, { 1000000, 9 }, { 1000001, 10 },
        { 10000000, 13 }, { 10000001, 14 }, { INT64_MAX, 14 },
    };
    struct metrics *m = metrics_new(tables, TABLES, 1, 10);
    struct metrics_row *r = metrics_row(m, ROUTES, (struct sc_str[]){ STR("r") });

    (void)state;
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_int_equal(metrics_bucket(known[i].us), known[i].bucket);
    metrics_observe(r->cells[0], 5001);
    metrics_observe(r->cells[0], -3);                   /* a clock that was read late */
    metrics_observe(r->cells[0], 20000000);
    assert_int_equal(metrics_sum(m, r, 0), 1);
    assert_int_equal(metrics_sum(m, r, 1), 1);
    assert_int_equal(metrics_sum(m, r, METRICS_BUCKETS), 1);
    assert_int_equal(metrics_sum(m, r, METRICS_SUM), 20005001);
    metrics_free(&m);
}

/* ---- threads ---- */

enum { WORKERS = 3, ROUNDS = 20000 };

struct counting {
    struct metrics *m;
    unsigned worker;
};

static void *count_on(void *arg)
{
    struct counting *c = arg;
    char status[16];

    for (unsigned i = 0; i < ROUNDS; i++) {
        snprintf(status, sizeof status, "%u", i % 50);
        metrics_add(request(c->m, "GET", status), c->worker, 0, 1);
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    struct metrics *m = metrics_new(tables, TABLES, WORKERS, 40);
    struct counting c[WORKERS];
    pthread_t threads[WORKERS];
    uint64_t seen = 0, before = 0;

    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        c[i] = (struct counting){ m, i };
        pthread_create(&threads[i], NULL, count_on, &c[i]);
    }
    for (unsigned k = 0; k < 100; k++) {                /* a reader never goes back */
        seen = 0;
        for (const struct metrics_row *r = NULL; (r = metrics_next(m, REQUESTS, r)) != NULL;)
            seen += metrics_sum(m, r, 0);
        assert_true(seen >= before);
        before = seen;
    }
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    seen = 0;
    for (const struct metrics_row *r = NULL; (r = metrics_next(m, REQUESTS, r)) != NULL;)
        seen += metrics_sum(m, r, 0);
    assert_int_equal(seen, WORKERS * ROUNDS);
    assert_int_equal(metrics_overflow(m), WORKERS * ROUNDS / 5);
    assert_int_equal(count_rows(m, REQUESTS), 41);
    metrics_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_add_up),
        cmocka_unit_test(same_values_are_the_same_row),
        cmocka_unit_test(rows_come_in_order),
        cmocka_unit_test(past_the_limit),
        cmocka_unit_test(many_rows),
        cmocka_unit_test(buckets),
        cmocka_unit_test(threads_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
