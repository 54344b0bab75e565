/* sidecar/proxy/tally.c - what is counted of requests.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A request is counted where its listener, route, service, method and status meet. Which combinations there are shows when
 * they come: each worker keeps a hash of those that it has met since the plan began, and asks for the others, under a lock,
 * once. */
#include "proxy/tally.h"

#include "base/alloc.h"
#include "base/map.h"
#include "proxy/view.h"

#include <stdio.h>
#include <stdlib.h>

enum { REQUESTS, TRAFFIC, SERVICES, LISTENERS, ERRORS, TABLES };
enum { BYTES_IN = METRICS_HISTOGRAM, BYTES_OUT, TRAFFIC_CELLS };
enum { BEGUN, ENDED, LISTENER_CELLS };

static const struct metrics_table tables[TABLES] = {
    [REQUESTS] = { 5, 1, 1 },                           /* listener, route, service, method, status */
    [TRAFFIC] = { 3, TRAFFIC_CELLS, METRICS_SUM },      /* route, service, method */
    [SERVICES] = { 1, OUTCOMES + REASONS, OUTCOMES },
    [LISTENERS] = { 1, LISTENER_CELLS, BEGUN + 1 },
    [ERRORS] = { 0, ERR_COUNT, 0 },
};

/* ---- what is shown ---- */

static const char *const outcome_names[OUTCOMES] = {
#define OUTCOME_NAME(id, name) name,
    TALLY_OUTCOMES(OUTCOME_NAME)
#undef OUTCOME_NAME
};

static const char *const reason_names[REASONS] = {
#define REASON_NAME(id, name) name,
    TALLY_REASONS(REASON_NAME)
#undef REASON_NAME
};

static const char *error_names[ERR_COUNT];              /* filled before there is a worker */

const struct metric tally_shown[] = {
    { "outrider_requests_total", "Requests that are over, by what was answered; status is none when nothing was.",
      METRIC_COUNTER, REQUESTS, 0, NULL, NULL, 0,
      { { "listener", 0 }, { "route", 1 }, { "service", 2 }, { "method", 3 }, { "status", 4 } } },
    { "outrider_request_duration_seconds",
      "From the head of a request to the last byte of its answer, or to the end of the tunnel.",
      METRIC_HISTOGRAM, TRAFFIC, 0, NULL, NULL, 0, { { "route", 0 }, { "service", 1 } } },
    { "outrider_request_body_bytes_total", "Bytes of bodies that came from clients, and of tunnels.",
      METRIC_COUNTER, TRAFFIC, BYTES_IN, NULL, NULL, 0, { { "route", 0 }, { "service", 1 } } },
    { "outrider_response_body_bytes_total", "Bytes of bodies that went to clients, and of tunnels.",
      METRIC_COUNTER, TRAFFIC, BYTES_OUT, NULL, NULL, 0, { { "route", 0 }, { "service", 1 } } },
    { "outrider_errors_total", "Answers with an error of the sidecar's own, by its code; other: a code of a policy.",
      METRIC_COUNTER, ERRORS, 0, "code", error_names, ERR_COUNT, { { NULL, 0 } } },
    { "outrider_upstream_requests_total", "Tries at targets, by the class of the answer's status or by what became of them.",
      METRIC_COUNTER, SERVICES, 0, "outcome", outcome_names, OUTCOMES, { { "service", 0 } } },
    { "outrider_retries_total", "Tries that followed another one, by the reason.",
      METRIC_COUNTER, SERVICES, OUTCOMES, "reason", reason_names, REASONS, { { "service", 0 } } },
    { .name = NULL },
};

const struct metric tally_compat[] = {
    { "gateway_requests_total", "As outrider_requests_total; path is the name of the route.",
      METRIC_COUNTER, REQUESTS, 0, NULL, NULL, 0,
      { { "method", 3 }, { "path", 1 }, { "service", 2 }, { "status", 4 } } },
    { "gateway_request_duration_seconds", "As outrider_request_duration_seconds; path is the name of the route.",
      METRIC_HISTOGRAM, TRAFFIC, 0, NULL, NULL, 0, { { "method", 2 }, { "path", 0 }, { "service", 1 } } },
    { .name = NULL },
};

/* ---- made on the control thread ---- */

enum { FIRST_LIMIT = 10000 };           /* until a configuration says it */

/* Codes that two errors share are shown once. */
static void name_errors(void)
{
    error_names[ERR_NONE] = "other";
    for (unsigned i = 1; i < ERR_COUNT; i++) {
        struct sc_str code = problem_of((enum err)i)->code;

        error_names[i] = problem_find(code) == (enum err)i ? code.p : NULL;
    }
}

struct metrics *tally_metrics_new(unsigned workers)
{
    name_errors();
    return metrics_new(tables, TABLES, workers, FIRST_LIMIT);
}

struct metrics_row *tally_listener(struct metrics *m, struct sc_str name)
{
    return metrics_row(m, LISTENERS, &name);
}

void tally_service(struct metrics *m, const struct plan_service *s)
{
    atomic_store_explicit(&s->counts->tally, metrics_row(m, SERVICES, &s->name), memory_order_release);
}

/* NULL: it has no name here. */
static struct metrics_row *row_of(const struct plan_service *s)
{
    return s == NULL || s->counts == NULL ? NULL : atomic_load_explicit(&s->counts->tally, memory_order_acquire);
}

struct cells {
    uint64_t key;                       /* 0: free */
    const struct metrics_row *service;
    uint64_t *requests, *traffic;
};

/* Of one worker. */
struct known {
    _Alignas(64) struct cells *at;
    uint32_t mask, n;
};

struct tally {
    struct metrics *metrics;
    struct metrics_row *errors;
    unsigned nworkers;
    struct known known[];
};

enum { KNOWN_FIRST = 16, KNOWN_MOST = 65536 };

struct tally *tally_new(struct metrics *m, unsigned workers)
{
    size_t size = sizeof(struct tally) + workers * sizeof(struct known);
    struct tally *t = aligned_alloc(64, (size + 63) & ~(size_t)63);

    if (t == NULL)
        abort();
    memset(t, 0, size);
    t->metrics = m;
    t->nworkers = workers;
    t->errors = metrics_row(m, ERRORS, NULL);
    for (unsigned i = 0; i < workers; i++) {
        t->known[i].at = xcalloc(KNOWN_FIRST, sizeof(struct cells));
        t->known[i].mask = KNOWN_FIRST - 1;
    }
    return t;
}

void tally_free(struct tally **tp)
{
    struct tally *t = *tp;

    *tp = NULL;
    if (t == NULL)
        return;
    for (unsigned i = 0; i < t->nworkers; i++)
        free(t->known[i].at);
    free(t);
}

/* ---- where a request is counted ---- */

struct subject {
    const struct plan_listener *listener;
    const struct plan_route *route;     /* NULL: none */
    const struct metrics_row *service;  /* likewise */
    enum method method;
    unsigned status;                    /* 0: none; below 1024 */
};

static uint64_t key_of(const struct subject *s)
{
    uint64_t route = s->route == NULL ? 0 : s->route->index + 1ULL;

    return (s->listener->index + 1ULL) << 48 | route << 16 | (uint64_t)s->method << 10 | (s->status & 1023);
}

/* The place of the two, or the free one where they belong. */
static struct cells *place_of(const struct known *k, uint64_t key, const struct metrics_row *service)
{
    uint64_t hash = (key ^ (uintptr_t)service) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t i = (uint32_t)(hash >> 32) & k->mask;

    while (k->at[i].key != 0 && (k->at[i].key != key || k->at[i].service != service))
        i = (i + 1) & k->mask;
    return &k->at[i];
}

static void grow(struct known *k)
{
    struct known wide = { .at = xcalloc(2 * (k->mask + 1ULL), sizeof(struct cells)), .mask = 2 * k->mask + 1, .n = k->n };

    for (uint32_t i = 0; i <= k->mask; i++)
        if (k->at[i].key != 0)
            *place_of(&wide, k->at[i].key, k->at[i].service) = k->at[i];
    free(k->at);
    *k = wide;
}

static struct sc_str method_label(enum method m)
{
    return m == METHOD_OTHER ? STR("_OTHER") : method_info[m].name;
}

static struct cells ask_for_cells(struct tally *t, unsigned worker, const struct subject *s, uint64_t key)
{
    struct sc_str route = s->route == NULL ? STR("") : s->route->name;
    struct sc_str service = s->service == NULL ? STR("") : s->service->values[0];
    struct sc_str method = method_label(s->method);
    char status[8];

    snprintf(status, sizeof status, "%u", s->status & 1023);
    return (struct cells){
        .key = key, .service = s->service,
        .requests = metrics_row(t->metrics, REQUESTS,
                                (struct sc_str[]){ str_of(s->listener->conf->name), route, service, method,
                                                   s->status == 0 ? STR("none") : str_of(status) })->cells[worker],
        .traffic = metrics_row(t->metrics, TRAFFIC, (struct sc_str[]){ route, service, method })->cells[worker],
    };
}

static struct cells cells_of(struct tally *t, unsigned worker, const struct subject *s)
{
    struct known *k = &t->known[worker];
    uint64_t key = key_of(s);
    struct cells *at = place_of(k, key, s->service), fresh;

    if (__builtin_expect(at->key != 0, 1))
        return *at;
    fresh = ask_for_cells(t, worker, s, key);
    if (k->n >= KNOWN_MOST)             /* somebody invents statuses: they cost a look under the lock, and no memory */
        return fresh;
    *at = fresh;
    k->n++;
    if (k->n > k->mask / 4 * 3)
        grow(k);
    return fresh;
}

/* ---- counting ---- */

void tally_begin(const struct sc_exchange *x)
{
    metrics_add(x->listener->tally, x->worker->index, BEGUN, 1);
}

static void count_error(const struct tally *t, unsigned worker, const char *code)
{
    metrics_add(t->errors, worker, problem_find(str_of(code)), 1);
}

void tally_end(const struct sc_exchange *x, const char *code, int64_t duration_us)
{
    struct tally *t = exchange_plan(x)->tally;
    unsigned worker = x->worker->index;
    struct subject s = { x->listener, x->route, row_of(x->service), x->req.method, x->down.queued ? x->res.status : 0 };
    struct cells c = cells_of(t, worker, &s);

    metrics_count(c.requests, 1);
    metrics_observe(c.traffic, duration_us);
    metrics_count(c.traffic + BYTES_IN, x->req.received + x->down.discarded);
    metrics_count(c.traffic + BYTES_OUT, x->down.sent);
    metrics_add(x->listener->tally, worker, ENDED, 1);
    if (code != NULL)
        count_error(t, worker, code);
}

/* Nothing is known of it, so it is not among the durations. */
void tally_refused(const struct sc_worker *w, const struct plan *plan, const struct plan_listener *l, enum err e)
{
    struct subject s = { l, NULL, NULL, METHOD_OTHER, problem_of(e)->status };

    metrics_count(cells_of(plan->tally, w->index, &s).requests, 1);
    count_error(plan->tally, w->index, problem_of(e)->code.p);
}

void tally_try(struct sc_exchange *x)
{
    x->tries.open = true;
    if (__builtin_expect(row_of(x->service) == NULL, 0))
        tally_service(exchange_plan(x)->tally->metrics, x->service);
}

void tally_outcome(struct sc_exchange *x, enum tally_outcome o)
{
    if (!x->tries.open)
        return;
    x->tries.open = false;
    metrics_add(row_of(x->service), x->worker->index, o, 1);
}

void tally_retry(const struct sc_exchange *x, enum tally_reason r)
{
    metrics_add(row_of(x->service), x->worker->index, OUTCOMES + r, 1);
}

enum tally_outcome tally_outcome_of(enum failure f)
{
    static const enum tally_outcome of[] = {
        [FAIL_NONE] = OUTCOME_CANCELLED, [FAIL_CONNECT] = OUTCOME_CONNECT, [FAIL_UNSENT] = OUTCOME_CLOSED,
        [FAIL_KEPT] = OUTCOME_CLOSED, [FAIL_RESET] = OUTCOME_RESET, [FAIL_TIMEOUT] = OUTCOME_TIMEOUT,
        [FAIL_PROTOCOL] = OUTCOME_PROTOCOL,
    };

    return of[f];
}

enum tally_reason tally_reason_of(enum failure f)
{
    switch (f) {
    case FAIL_CONNECT:
        return REASON_CONNECT;
    case FAIL_UNSENT:
    case FAIL_KEPT:
        return REASON_CLOSED;
    case FAIL_TIMEOUT:
        return REASON_TIMEOUT;
    default:
        return REASON_RESET;
    }
}

/* ---- reading ---- */

uint64_t tally_active(const struct metrics *m, const struct metrics_row *listener)
{
    uint64_t ended = metrics_sum(m, listener, ENDED), begun = metrics_sum(m, listener, BEGUN);

    return begun > ended ? begun - ended : 0;
}

void tally_sums(const struct metrics *m, struct map *to)
{
    for (const struct metrics_row *r = NULL; (r = metrics_next(m, TRAFFIC, r)) != NULL;) {
        struct tally_sum *sum = map_get(to, r->values[1]);

        if (sum == NULL) {
            sum = xnew(struct tally_sum);
            map_put(to, r->values[1], sum);
        }
        for (unsigned i = 0; i <= METRICS_BUCKETS; i++)
            sum->requests += metrics_sum(m, r, i);
        sum->us += metrics_sum(m, r, METRICS_SUM);
    }
}
