/* sidecar/proxy/tally.h - what is counted of requests, tries and connections of clients.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The metrics are declared in tally.c. Counters are the process's and go on over reloads for routes, services and listeners
 * of the same name; a plan keeps where to count, so that a request finds its cells without a lock. The rest of what
 * /metrics shows is read from where it is when it is asked for (admin/metrics.c). */
#pragma once

#include "proxy/exchange.h"
#include "telemetry/exposition.h"

struct sc_worker;
struct tally;
struct map;

/* How a try at a target ended; its name is the value of a label. */
#define TALLY_OUTCOMES(X)                                                                \
    X(1XX, "1xx")                       /* a change of protocol */                       \
    X(2XX, "2xx")                                                                        \
    X(3XX, "3xx")                                                                        \
    X(4XX, "4xx")                                                                        \
    X(5XX, "5xx")                                                                        \
    X(CONNECT, "connect-failure")                                                        \
    X(CLOSED, "closed")                 /* a kept connection, or one that had taken nothing yet */ \
    X(RESET, "reset")                                                                    \
    X(TIMEOUT, "timeout")                                                                \
    X(PROTOCOL, "protocol")             /* what came was no answer; TLS failed */        \
    X(CANCELLED, "cancelled")           /* the client left, or a policy answered */

enum tally_outcome {
#define TALLY_OUTCOME_ENUM(id, name) OUTCOME_##id,
    TALLY_OUTCOMES(TALLY_OUTCOME_ENUM)
#undef TALLY_OUTCOME_ENUM
    OUTCOMES
};

/* Why there was another try. */
#define TALLY_REASONS(X)                                                                 \
    X(CONNECT, "connect-failure")                                                        \
    X(CLOSED, "closed")                                                                  \
    X(RESET, "reset")                                                                    \
    X(TIMEOUT, "timeout")                                                                \
    X(STATUS, "status")

enum tally_reason {
#define TALLY_REASON_ENUM(id, name) REASON_##id,
    TALLY_REASONS(TALLY_REASON_ENUM)
#undef TALLY_REASON_ENUM
    REASONS
};

/* ---- control thread ---- */

/* The counters of the process. */
struct metrics *tally_metrics_new(unsigned workers);
struct metrics_row *tally_listener(struct metrics *m, struct sc_str name);
/* From now on the service is counted by its name. One that a path names comes to that with its first try: whoever invents
 * names gets no series by them. Any thread. */
void tally_service(struct metrics *m, const struct plan_service *s);
/* Of one plan. */
struct tally *tally_new(struct metrics *m, unsigned workers);
/* Takes NULL. */
void tally_free(struct tally **t);

/* ---- the worker's thread ---- */

/* A request has begun; and it is over: how long it took, and the code of our own error, or NULL. */
void tally_begin(const struct sc_exchange *x);
void tally_end(const struct sc_exchange *x, const char *code, int64_t duration_us);
/* Refused before it was a request. */
void tally_refused(const struct sc_worker *w, const struct plan *plan, const struct plan_listener *l, enum err e);
/* A try has begun; and it has ended, which is counted once, the first time that it is said. */
void tally_try(struct sc_exchange *x);
void tally_outcome(struct sc_exchange *x, enum tally_outcome o);
void tally_retry(const struct sc_exchange *x, enum tally_reason r);
/* Of a failure that is one. */
enum tally_outcome tally_outcome_of(enum failure f);
enum tally_reason tally_reason_of(enum failure f);

/* ---- any thread ---- */

/* Requests of a listener that are not over. */
uint64_t tally_active(const struct metrics *m, const struct metrics_row *listener);
/* Requests of each service so far and the sum of what they took: by its name, a new struct tally_sum, the caller's. */
struct tally_sum {
    uint64_t requests, us;
};
void tally_sums(const struct metrics *m, struct map *to);

/* What is shown of them; name NULL ends. compat: under the names of the predecessors. */
extern const struct metric tally_shown[], tally_compat[];
