/* sidecar/proxy/worker.h - one event loop with all it carries: pumps, pool, exchanges.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Workers share nothing but immutable snapshots. worker_* from the control thread unless said otherwise. */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"
#include "proxy/entrance.h"
#include "proxy/naming.h"
#include "proxy/reserved.h"
#include "proxy/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct access_port;
struct curlmux;
struct pool;
struct sc_exchange;
struct sc_worker;
struct writer;

/* The way to the end, in this order. Each but the first is answered by `drained`. */
enum drain {
    DRAIN_LAST_ANSWERS,     /* every answer ends its connection; accepting goes on */
    DRAIN_QUIET,            /* accepting ends */
    DRAIN_REST,             /* one worker, when all are quiet: accepts what waits, and nobody new gets into the queue */
    DRAIN_SHUT,             /* the same worker, a moment later: once more, and it closes the listening sockets */
    DRAIN_END,              /* what runs may end until the deadline, then it is cut; answered when no client is left */
};

/* Control is told of these on the worker's thread: post, do not work. */
struct worker_events {
    void *arg;
    void (*adopted)(void *arg, unsigned worker, const struct snapshot *s);  /* the first of its plan is in use */
    /* A path names a service that no plan has: one is to come that does, or worker_refuse(). The texts are the worker's. */
    void (*named)(void *arg, unsigned worker, const char *registry, const char *name);
    void (*shut)(void *arg, unsigned worker);                               /* of worker_shut() */
    void (*drained)(void *arg, unsigned worker, enum drain stage);
    void (*ask)(void *arg, struct reserved_ask *q);     /* the admin thread is to answer (reserved.h) */
};

/* How many views of this worker show one plan: its policies' worker states live as long. */
struct plan_views {
    unsigned n;
};

/* A worker's window on a snapshot: what of it is this worker's own. Counted with a plain integer. */
struct view {
    unsigned refs;
    struct snapshot *snapshot;
    struct sc_worker *worker;
    struct plan_views *plan_views;
};

enum { WORKER_SCRATCH = 128 * 1024, WORKER_READ = 24 * 1024, WORKER_FREE_EXCHANGES = 256, WORKER_FREE_READS = 32 };

/* What answers are read into. An answer too long to be copied for nothing keeps the buffer until its exchange ends. */
struct read_buffer {
    struct read_buffer *next;
    char bytes[WORKER_READ];
};

struct sc_worker {
    /* Any thread may read these. */
    _Alignas(64) atomic_llong turned_ms;    /* monotonic; at most TICK_MS old while the loop turns (watchdog) */
    atomic_uint in_flight;

    unsigned index, nworkers;
    struct loop *loop;
    pthread_t thread;
    bool running;
    struct worker_events events;
    struct view *view;                  /* NULL until the first snapshot */
    _Atomic(struct snapshot *) inbox;
    struct mail adopt;
    atomic_bool adopting;               /* the letter is on its way */
    struct entrances entrances;
    struct curlmux *curl;
    struct pool *pool;
    struct access_port *log;
    struct limit_queue queue;
    struct link naming;                 /* exchanges that wait for a service that their path names */
    struct reserved_load reserved;
    struct sc_worker *const *peers;     /* all workers, this one too; set before it starts */
    sc_msec asked_at;                   /* when the peers were last asked for room */
    struct sc_exchange *free;
    unsigned nfree;
    struct timer tick;                  /* once a second */
    bool last_answers, quiet, draining, aborting;
    struct timer drain;
    sc_msec drain_until;
    sc_msec wall_offset;                /* wall clock minus monotonic */
    sc_msec date_at;                    /* of `date` */
    char date[32];                      /* "Fri, 20 Nov 2026 09:00:00 GMT" */
    char *scratch;                      /* WORKER_SCRATCH bytes for whoever holds the thread; heads are written here */
    struct read_buffer *read;           /* answers are read here first */
    struct read_buffer *reads;          /* free ones */
    unsigned nreads;
};

/* peers: where all nworkers of them stand once they are made. */
struct sc_worker *worker_new(unsigned index, unsigned nworkers, struct sc_worker *const *peers, struct writer *writer,
                             const struct worker_events *events);
/* Starts the thread; it accepts from the first snapshot on. False: said in the log. */
bool worker_start(struct sc_worker *w);
/* Takes over the reference. Any thread; a later one replaces an earlier one that was not adopted yet. Once the worker is
 * quiet, it takes no new plan. */
void worker_post(struct sc_worker *w, struct snapshot *s);
/* A listener that no plan has any more, when all workers have adopted the one without it: stage REST, and then SHUT. Takes
 * over the reference; answered by `shut`. */
void worker_shut(struct sc_worker *w, struct listener *l, enum drain stage);
/* A service that was asked for (NAME@REGISTRY) does not come. */
void worker_refuse(struct sc_worker *w, const char *key, enum naming why);
/* deadline: ms, of DRAIN_END; said again, the new one counts. */
void worker_drain(struct sc_worker *w, enum drain stage, sc_msec deadline);
/* Ends the thread; everything must be drained or will be cut. */
void worker_stop(struct sc_worker *w);
void worker_free(struct sc_worker **w);

/* --- on the worker's thread --- */

struct view *view_ref(struct view *v);
void view_unref(struct view **v);
/* Another worker keeps idle connections that a service has no room for: they shall be closed. */
void worker_ask_for_room(struct sc_worker *w, struct limit_counts *counts);
/* Gives w->read away and puts another one in its place; and takes it back. */
struct read_buffer *worker_take_read(struct sc_worker *w);
void worker_give_read(struct sc_worker *w, struct read_buffer *b);
/* ms since 1970; follows a jump of the clock within a second. */
sc_msec worker_wall(struct sc_worker *w);
/* The Date of now (RFC 9110 5.6.7). */
struct sc_str worker_date(struct sc_worker *w);
