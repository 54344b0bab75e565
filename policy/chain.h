/* policy/chain.h - the policies of one route in their order, and running them for one exchange.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A chain is immutable; it has one compact array per kind of hook, so that a hook that is NULL costs nothing. A run
 * is the way of one exchange through it and belongs to the exchange's worker. */
#pragma once

#include "base/arena.h"
#include "policy/instance.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct chain;

enum chain_body { CHAIN_REQUEST_BODY, CHAIN_RESPONSE_BODY };

/* Where a body goes behind the last hook: the bounded queue to the target or to the client. */
typedef bool chain_sink(void *arg, struct sc_str data, bool last);

/* Embedded in the exchange. */
struct chain_run {
    const struct chain *chain;
    struct sc_exchange *x;
    char *local;                    /* of all policies, one after the other */
    struct chain_pipe *pipes[2];    /* by enum chain_body; NULL: not opened */
    uint16_t worker;
    uint16_t next;                  /* in the array of the running phase: the hook to call next */
    uint16_t passed;                /* policies that the request has passed: they get on_done */
    uint16_t answers;               /* policies whose response hooks see the answer: all before the one that replied */
    uint16_t waits_for;             /* the policy that suspended + 1; 0: none */
    uint8_t phase;
    bool done;
};

/* Begins a run; allocates (arena) only when the chain's policies keep state per exchange. The chain stays valid as long
 * as the view that the exchange holds. */
void chain_start(struct chain_run *r, const struct chain *c, struct sc_exchange *x, unsigned worker, struct arena *a);

/* Each runs its hooks from the first one, and returns
 *   SC_CONTINUE  all of them agreed,
 *   SC_RESPOND   a policy has set a reply; go on with chain_response(),
 *   SC_SUSPEND   park; when sc_resume() was called: chain_resume(), when the request is over instead: chain_cancel(),
 *   SC_ABORT     drop the connection; go on with chain_done().
 * In chain_response, SC_RESPOND does not come out: the hooks before go on with the new answer, and *replaced is set. */
enum sc_verdict chain_request(struct chain_run *r);
enum sc_verdict chain_attempt(struct chain_run *r);
enum sc_verdict chain_response(struct chain_run *r, bool *replaced);
/* Goes on in the phase that was suspended, with the verdict given to sc_resume(). `replaced` as above, else
 * untouched. */
enum sc_verdict chain_resume(struct chain_run *r, enum sc_verdict verdict, bool *replaced);

/* Tells the policy that suspended, if one did, that nothing will come of it. */
void chain_cancel(struct chain_run *r);
/* Once, at the end of every run that was started; harmless after that. */
void chain_done(struct chain_run *r, const struct sc_outcome *o);

/* False: bytes go straight into the queue. Response: ask after chain_response(). */
bool chain_has_body(const struct chain_run *r, enum chain_body which);
/* Sets the pipe up; the sink gets what comes out of it. */
void chain_body_open(struct chain_run *r, enum chain_body which, chain_sink *sink, void *arg, struct arena *a);
/* False: the body is broken. An empty last piece ends it. */
bool chain_body_write(struct chain_run *r, enum chain_body which, struct sc_str data, bool last);

/* For `explain`, /routes, /policies: the policies in order. */
unsigned chain_length(const struct chain *c);
const struct policy_instance *chain_policy(const struct chain *c, unsigned i);

/* --- building --- */

/* One route's list over the global one, from where it stands in the file. */
struct chain_scope {
    const char *name;               /* of the route; the global list has "" */
    const struct policy_list *list; /* may be NULL */
};

/* All chains and instances of one configuration. */
struct chain_set;

/* Called for an instance that could not be opened: scope index (0: the global list, i + 1: routes[i]), entry,
 * message. */
typedef void chain_report_fn(void *arg, unsigned scope, unsigned entry, const char *text);

/* Control thread. previous: the set of the configuration that runs now (NULL: none); what is equal keeps its state.
 * NULL after a mistake; then nothing of the previous set has changed. */
struct chain_set *chain_set_build(const struct policy_list *global, const struct chain_scope *routes, unsigned n,
                                  const struct chain_set *previous, unsigned nworkers, chain_report_fn *report,
                                  void *arg);
/* Control thread; every worker that opened it has closed it. */
void chain_set_free(struct chain_set **s);

/* The chain of routes[i]; never NULL. */
const struct chain *chain_set_route(const struct chain_set *s, unsigned i);
/* Every instance once, for counters and /policies; NULL past the end. */
const struct policy_instance *chain_set_instance(const struct chain_set *s, unsigned i);

/* Worker: a view of the configuration begins, and ends, to exist there. Between them exchanges may run its chains. */
void chain_set_worker_open(const struct chain_set *s, unsigned worker, struct sc_worker *w);
void chain_set_worker_close(const struct chain_set *s, unsigned worker, struct sc_worker *w);
