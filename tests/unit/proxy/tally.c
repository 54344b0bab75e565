/* tests/unit/proxy/tally.c - what is counted of requests and tries, and where it shows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/map.h"
#include "proxy/tally.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 2, STATUSES = 900 };

/* A world of two listeners, two routes to one service and one to another. */
static struct metrics *metrics;
static struct listener_conf listener_conf[2] = { { .name = "main" }, { .name = "side" } };
static struct plan_listener listeners[2];
static struct plan_service services[2] = {
    { .name = STR_INIT("alpha"), .index = 0 }, { .name = STR_INIT("beta"), .index = 1 },
};
static struct plan_route routes[3];
static struct plan plan;
static struct snapshot snapshot = { .plan = &plan };
static struct view view = { .snapshot = &snapshot };
static struct sc_worker workers[WORKERS];

static int set_up(void **state)
{
    static const char *const names[] = { "one", "two", "three" };

    (void)state;
    metrics = tally_metrics_new(WORKERS);
    for (unsigned i = 0; i < 2; i++) {
        listeners[i] = (struct plan_listener){ .conf = &listener_conf[i], .index = i };
        listeners[i].tally = tally_listener(metrics, str_of(listener_conf[i].name));
        services[i].counts = limit_counts_new(WORKERS);
        tally_service(metrics, &services[i]);
        workers[i].index = i;
    }
    for (unsigned i = 0; i < 3; i++)
        routes[i] = (struct plan_route){ .name = str_of(names[i]), .index = i, .service = &services[i / 2] };
    plan = (struct plan){ .tally = tally_new(metrics, WORKERS) };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tally_free(&plan.tally);
    metrics_free(&metrics);
    for (unsigned i = 0; i < 2; i++)
        limit_counts_unref(&services[i].counts);
    return 0;
}

static struct sc_exchange exchange(unsigned worker, const struct plan_route *route, enum method method, unsigned status)
{
    return (struct sc_exchange){
        .view = &view, .worker = &workers[worker], .listener = &listeners[0], .route = route,
        .service = route == NULL ? NULL : route->service, .req.method = method,
        .down.queued = status != 0, .res.status = status,
    };
}

static void one_request(unsigned worker, const struct plan_route *route, enum method method, unsigned status)
{
    struct sc_exchange x = exchange(worker, route, method, status);

    tally_begin(&x);
    tally_end(&x, NULL, 3000);
}

/* ---- what the page says ---- */

static struct buf page;

static void render(const struct metric *shown, const char *name)
{
    struct exposition e = { .to = &page, .format = EXPOSITION_PROMETHEUS };

    buf_clear(&page);
    while (strcmp(shown->name, name) != 0)
        shown++;
    exposition_metric(&e, metrics, shown);
    buf_putc(&page, '\0');
}

/* Of the sample that begins like this; -1: there is none. */
static double value(const char *series)
{
    const char *at = page.p;
    size_t n = strlen(series);

    while ((at = strstr(at, series)) != NULL) {
        if (at[-1] == '\n' && at[n] == ' ')
            return strtod(at + n, NULL);
        at += n;
    }
    return -1;
}

#define assert_value(series, number) assert_true(value(series) > (number) - 1e-9 && value(series) < (number) + 1e-9)

/* How many samples there are, all with labels, and what they are together. */
static unsigned samples(uint64_t *sum)
{
    unsigned n = 0;

    *sum = 0;
    for (const char *line = page.p; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (*line == '#')
            continue;
        n++;
        *sum += strtoull(strstr(line, "} ") + 2, NULL, 10);
    }
    return n;
}

/* ---- requests ---- */

static void requests(void **state)
{
    uint64_t sum;

    (void)state;
    one_request(0, &routes[0], METHOD_GET, 200);
    one_request(1, &routes[0], METHOD_GET, 200);
    one_request(0, &routes[0], METHOD_GET, 404);
    one_request(0, &routes[1], METHOD_OTHER, 200);
    one_request(0, &routes[2], METHOD_GET, 0);
    one_request(0, NULL, METHOD_POST, 404);
    render(tally_shown, "outrider_requests_total");
#define OF_ANY(listener, route, service, method, status) \
    "outrider_requests_total{listener=\"" listener "\",route=\"" route "\",service=\"" service "\",method=\"" method \
    "\",status=\"" status "\"}"
#define OF(route, service, method, status) OF_ANY("main", route, service, method, status)
    assert_value(OF("one", "alpha", "GET", "200"), 2);
    assert_value(OF("one", "alpha", "GET", "404"), 1);
    assert_value(OF("two", "alpha", "_OTHER", "200"), 1);
    assert_value(OF("three", "beta", "GET", "none"), 1);
    assert_value(OF("", "", "POST", "404"), 1);
    assert_int_equal(samples(&sum), 5);
    render(tally_compat, "gateway_requests_total");
    assert_value("gateway_requests_total{method=\"GET\",path=\"one\",service=\"alpha\",status=\"200\"}", 2);
}

static void listeners_are_told_apart(void **state)
{
    struct sc_exchange x = exchange(0, &routes[0], METHOD_GET, 200);
    uint64_t sum;

    (void)state;
    one_request(0, &routes[0], METHOD_GET, 200);
    x.listener = &listeners[1];
    tally_end(&x, NULL, 0);
    render(tally_shown, "outrider_requests_total");
    assert_int_equal(samples(&sum), 2);
    render(tally_compat, "gateway_requests_total");     /* it has no such label: one sample for both */
    assert_int_equal(samples(&sum), 1);
    assert_int_equal(sum, 2);
}

static void bytes_and_durations(void **state)
{
    struct sc_exchange x = exchange(1, &routes[0], METHOD_POST, 200);

    (void)state;
    x.down.sent = 1000;
    tally_end(&x, NULL, 6000);
    x.req.received = 70;
    x.down.discarded = 7;
    tally_end(&x, NULL, 20000000);
    render(tally_shown, "outrider_request_body_bytes_total");
    assert_value("outrider_request_body_bytes_total{route=\"one\",service=\"alpha\"}", 77);
    render(tally_shown, "outrider_response_body_bytes_total");
    assert_value("outrider_response_body_bytes_total{route=\"one\",service=\"alpha\"}", 2000);
    render(tally_shown, "outrider_request_duration_seconds");
#define BUCKET(le) "outrider_request_duration_seconds_bucket{route=\"one\",service=\"alpha\",le=\"" le "\"}"
    assert_value(BUCKET("0.005"), 0);
    assert_value(BUCKET("0.01"), 1);
    assert_value(BUCKET("10.0"), 1);
    assert_value(BUCKET("+Inf"), 2);
    assert_value("outrider_request_duration_seconds_sum{route=\"one\",service=\"alpha\"}", 20.006);
}

/* Many more combinations than a worker's first hash has places: none is lost, none is taken for another. */
static void many_combinations(void **state)
{
    char series[160];

    (void)state;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned s = 0; s < STATUSES; s++)
            for (unsigned k = 0; k <= (s + round) % 2; k++)
                one_request(s % WORKERS, &routes[round], METHOD_GET, 100 + s);
    render(tally_shown, "outrider_requests_total");
    for (unsigned round = 0; round < 3; round++)
        for (unsigned s = 0; s < STATUSES; s++) {
            snprintf(series, sizeof series, "outrider_requests_total{listener=\"main\",route=\"%s\",service=\"%s\","
                     "method=\"GET\",status=\"%u\"}", routes[round].name.p, round < 2 ? "alpha" : "beta", 100 + s);
            assert_value(series, 1 + (s + round) % 2);
        }
}

/* 24: a target that invents statuses, under very many routes: a worker keeps no more than so many, and all are counted. */
static void invented_statuses(void **state)
{
    enum { ROUTES = 80 };
    struct plan_route *many = calloc(ROUTES, sizeof *many);
    char names[ROUTES][8];
    unsigned n;
    uint64_t sum;
    double other;

    (void)state;
    for (unsigned r = 0; r < ROUTES; r++) {
        snprintf(names[r], sizeof names[r], "r%u", r);
        many[r] = (struct plan_route){ .name = str_of(names[r]), .index = r, .service = &services[0] };
    }
    for (unsigned round = 0; round < 2; round++)
        for (unsigned r = 0; r < ROUTES; r++)
            for (unsigned s = 0; s < STATUSES; s++)
                one_request(0, &many[r], METHOD_GET, 100 + s);
    render(tally_shown, "outrider_requests_total");
    n = samples(&sum);
    assert_in_range(n, 9000, 10001);
    assert_int_equal(sum, 2 * ROUTES * STATUSES);
    other = value(OF_ANY("other", "other", "other", "other", "other"));
    assert_int_equal(other, sum - 2 * (n - 1));
    assert_true((double)metrics_overflow(metrics) >= other);
    free(many);
}

/* The plan after a reload goes on where the one before was. */
static void the_next_plan(void **state)
{
    struct tally *first = plan.tally;
    uint64_t sum;

    (void)state;
    one_request(0, &routes[0], METHOD_GET, 200);
    plan.tally = tally_new(metrics, WORKERS);
    one_request(0, &routes[0], METHOD_GET, 200);
    tally_free(&first);
    render(tally_shown, "outrider_requests_total");
    assert_int_equal(samples(&sum), 1);
    assert_int_equal(sum, 2);
}

static void those_under_way(void **state)
{
    struct sc_exchange x = exchange(0, &routes[0], METHOD_GET, 200), y = exchange(1, &routes[0], METHOD_GET, 200);

    (void)state;
    tally_begin(&x);
    tally_begin(&y);
    assert_int_equal(tally_active(metrics, listeners[0].tally), 2);
    assert_int_equal(tally_active(metrics, listeners[1].tally), 0);
    tally_end(&x, NULL, 0);
    assert_int_equal(tally_active(metrics, listeners[0].tally), 1);
    tally_end(&y, NULL, 0);
    assert_int_equal(tally_active(metrics, listeners[0].tally), 0);
}

static void sums_of_services(void **state)
{
    struct map sums = MAP_INIT;
    struct map_item *item;
    struct tally_sum *alpha;

    (void)state;
    one_request(0, &routes[0], METHOD_GET, 200);
    one_request(1, &routes[1], METHOD_POST, 500);
    one_request(0, &routes[2], METHOD_GET, 200);
    tally_sums(metrics, &sums);
    alpha = map_get(&sums, STR("alpha"));
    assert_int_equal(alpha->requests, 2);
    assert_int_equal(alpha->us, 6000);
    assert_int_equal(((struct tally_sum *)map_get(&sums, STR("beta")))->requests, 1);
    for (unsigned i = 0; (item = map_next(&sums, &i)) != NULL;)
        free(item->value);
    map_fini(&sums);
}

/* 24: a service that a path names is told apart from the first try on: an invented name is no label. */
static void named_services(void **state)
{
    struct plan_service common = { .name = STR_INIT("{name}") };
    struct plan_service named = { .name = STR_INIT("gamma@consul"), .counts = limit_counts_new(WORKERS) };
    struct sc_exchange x = exchange(0, &routes[0], METHOD_GET, 503);

    (void)state;
    x.service = &common;                                /* it was never known */
    tally_end(&x, NULL, 0);
    x.service = &named;
    tally_end(&x, NULL, 0);                             /* it has no targets */
    render(tally_shown, "outrider_requests_total");
    assert_value(OF("one", "", "GET", "503"), 2);
    assert_null(strstr(page.p, "gamma"));
    tally_try(&x);
    tally_outcome(&x, OUTCOME_2XX);
    x.res.status = 200;
    tally_end(&x, NULL, 0);
    one_request(0, &routes[0], METHOD_GET, 200);        /* the same route, to another service */
    render(tally_shown, "outrider_requests_total");
    assert_value(OF("one", "gamma@consul", "GET", "200"), 1);
    assert_value(OF("one", "alpha", "GET", "200"), 1);
    render(tally_shown, "outrider_upstream_requests_total");
    assert_value("outrider_upstream_requests_total{service=\"gamma@consul\",outcome=\"2xx\"}", 1);
    limit_counts_unref(&named.counts);
}

/* ---- errors and tries ---- */

static void errors(void **state)
{
    struct sc_exchange x = exchange(0, &routes[0], METHOD_GET, 502);

    (void)state;
    tally_end(&x, "connect-refused", 0);
    tally_end(&x, "tls-failed", 0);
    tally_end(&x, "a-policy-says-so", 0);
    tally_refused(&workers[1], &plan, &listeners[0], ERR_BAD_REQUEST);
    tally_refused(&workers[1], &plan, &listeners[0], ERR_TLS_FAILED);   /* the second of two with one code */
    render(tally_shown, "outrider_errors_total");
    assert_value("outrider_errors_total{code=\"connect-refused\"}", 1);
    assert_value("outrider_errors_total{code=\"tls-failed\"}", 2);
    assert_value("outrider_errors_total{code=\"bad-request\"}", 1);
    assert_value("outrider_errors_total{code=\"other\"}", 1);
    assert_ptr_equal(strstr(strstr(page.p, "\"tls-failed\"") + 1, "\"tls-failed\""), NULL);
    render(tally_shown, "outrider_requests_total");
    assert_value(OF("", "", "_OTHER", "400"), 1);
    render(tally_shown, "outrider_request_duration_seconds");           /* how long that took, nobody knows */
    assert_value("outrider_request_duration_seconds_count{route=\"one\",service=\"alpha\"}", 3);
    assert_value("outrider_request_duration_seconds_count{route=\"\",service=\"\"}", 0);
}

static void tries_are_counted_once(void **state)
{
    struct sc_exchange x = exchange(0, &routes[0], METHOD_GET, 200);

    (void)state;
    tally_outcome(&x, OUTCOME_RESET);                   /* none was begun */
    tally_try(&x);
    tally_outcome(&x, OUTCOME_CONNECT);
    tally_outcome(&x, OUTCOME_CANCELLED);               /* what is said of it later does not matter */
    tally_retry(&x, REASON_CONNECT);
    tally_try(&x);
    tally_outcome(&x, OUTCOME_2XX);
    render(tally_shown, "outrider_upstream_requests_total");
#define TRIES(outcome) "outrider_upstream_requests_total{service=\"alpha\",outcome=\"" outcome "\"}"
    assert_value(TRIES("connect-failure"), 1);
    assert_value(TRIES("2xx"), 1);
    assert_value(TRIES("cancelled"), 0);
    assert_value(TRIES("reset"), 0);
    render(tally_shown, "outrider_retries_total");
    assert_value("outrider_retries_total{service=\"alpha\",reason=\"connect-failure\"}", 1);
    assert_value("outrider_retries_total{service=\"beta\",reason=\"connect-failure\"}", 0);
}

static void failures_have_names(void **state)
{
    static const struct { enum failure failure; enum tally_outcome outcome; enum tally_reason reason; } all[] = {
        { FAIL_CONNECT, OUTCOME_CONNECT, REASON_CONNECT }, { FAIL_UNSENT, OUTCOME_CLOSED, REASON_CLOSED },
        { FAIL_KEPT, OUTCOME_CLOSED, REASON_CLOSED }, { FAIL_RESET, OUTCOME_RESET, REASON_RESET },
        { FAIL_TIMEOUT, OUTCOME_TIMEOUT, REASON_TIMEOUT }, { FAIL_PROTOCOL, OUTCOME_PROTOCOL, REASON_RESET },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_int_equal(tally_outcome_of(all[i].failure), all[i].outcome);
        assert_int_equal(tally_reason_of(all[i].failure), all[i].reason);
    }
    assert_int_equal(tally_outcome_of(FAIL_NONE), OUTCOME_CANCELLED);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static int free_page(void **state)
{
    (void)state;
    buf_fini(&page);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(requests),
        CASE(listeners_are_told_apart),
        CASE(bytes_and_durations),
        CASE(many_combinations),
        CASE(invented_statuses),
        CASE(the_next_plan),
        CASE(those_under_way),
        CASE(sums_of_services),
        CASE(named_services),
        CASE(errors),
        CASE(tries_are_counted_once),
        CASE(failures_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, free_page);
}
