/* sidecar/proxy/limit.h - how much a service may have at once, and who waits for its turn.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The numbers hold for the process: counters are shared by all workers and survive reloads; whoever waits does so in a
 * list of its worker, first come first served. Worker's thread, but for the making of counts. */
#pragma once

#include "base/list.h"
#include "loop/loop.h"

#include <stdatomic.h>
#include <stdbool.h>

struct metrics_row;
struct sc_exchange;
struct sc_worker;

/* What a worker keeps for itself; only it touches it. */
struct limit_local {
    _Alignas(64) int64_t retry_balance;     /* millionths of a retry that the budget allows now */
    sc_msec retry_filled;
    _Atomic(int64_t) idle;                  /* connections that rest; others may read it */
};

/* Of one service; shared by the plans that name it. */
struct limit_counts {
    atomic_uint refs;
    unsigned workers;
    _Atomic(struct metrics_row *) tally;    /* NULL: it is not told apart by name so far; tally.c */
    _Alignas(64) atomic_int requests;       /* in flight */
    atomic_int pending;                     /* waiting, all workers */
    _Alignas(64) atomic_int connections;    /* to its targets, idle ones included */
    struct limit_local local[];             /* by worker */
};

struct limit_counts *limit_counts_new(unsigned workers);
struct limit_counts *limit_counts_ref(struct limit_counts *c);
void limit_counts_unref(struct limit_counts **c);

/* A connection has begun to rest (+1), or does so no longer (-1). The worker's thread. */
void limit_rests(struct limit_counts *c, unsigned worker, int change);
/* Connections that rest, of all workers. Any thread. */
uint64_t limit_resting(const struct limit_counts *c);

/* Those who wait on one worker. */
struct limit_queue {
    struct link waiters;                    /* of struct sc_exchange, by queued.link */
    struct timer look;                      /* another worker may have let go */
};

void limit_queue_init(struct limit_queue *q);
void limit_queue_fini(struct limit_queue *q);

enum limit { LIMIT_PASS, LIMIT_WAIT, LIMIT_FULL, LIMIT_LATE };

/* Asks for a place; again after LIMIT_WAIT, when flow_run comes. LIMIT_LATE: it waited too long. */
enum limit limit_enter(struct sc_exchange *x);
/* Gives the place, or the wish for one, back. Harmless without either. */
void limit_leave(struct sc_exchange *x);
