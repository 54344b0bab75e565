/* sidecar/daemon/control_priv.h - the process from inside: only for control.c and those beside it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Control's thread, but for what says otherwise. */
#pragma once

#include "admin/admin.h"
#include "base/str.h"
#include "loop/loop.h"
#include "proxy/worker.h"

#include <pthread.h>
#include <stdatomic.h>

struct conf_report;
struct config;
struct discovery;
struct listener;
struct metrics;
struct offload;
struct order;

struct named_list {
    struct named **at;
    unsigned n;
};

enum phase { STARTING, RUNNING, DELAYING, WITHDRAWING, DRAINING, STOPPED };

struct control {
    const char *path;
    struct loop *loop;
    struct io signals;
    enum phase phase;
    struct config *config;              /* of the plan that runs; a reference */
    struct plan *plan;                  /* a reference */
    uint64_t generation, said;          /* in force, or on its way; that the log knows to be in force */
    struct writer *writer;
    struct metrics *metrics;
    struct offload *offload;
    struct discovery *discovery;
    struct admin *admin;
    struct admin_state admin_state;
    struct listener **listeners;        /* of the plan, in its order; references */
    unsigned nlisteners;
    struct listener **gone;             /* those of the plan before that this one has not, until they are shut */
    unsigned ngone, shutting;
    enum drain shutting_to;             /* the stage that those are in */
    struct timer shutting_lull;         /* between the stages */
    struct named_list named;            /* services that paths have named; naming.c */
    bool naming_due;                    /* there is one that the plan does not have, or has and need not */
    sc_msec named_at;                   /* when the last plan for their sake was made */
    struct timer naming, naming_sweep;
    bool changing;                      /* the plan is not in force everywhere yet */
    bool reload_wanted;                 /* when it is, the configuration is to be read again */
    struct sc_worker **workers;
    unsigned nworkers, adopted;
    enum drain stage;                   /* of the end */
    unsigned waiting_for;               /* workers, in that stage */
    sc_msec deadline;
    struct timer delay, lull;           /* before the stages; between two of them */
    struct timer withdrawal;            /* between the delay and the stages */
    bool announced, withdrawn;          /* discovery was told to register what is this host's, and to take it back */
    bool patient;                       /* the end waits a moment for the plan to be in force */
    struct timer watch;
    sc_msec watchdog;                   /* how often the service manager wants to hear that all is well, ms; 0: not */
    sc_msec stop_by;                    /* until then the end may take; monotonic */
    unsigned stalled;                   /* workers that did not turn when last looked at */
    sc_msec started_wall;
    int exit_code;
    /* for the admin thread */
    _Atomic(enum phase) phase_seen;
    atomic_bool targets_seen;
    atomic_ullong generation_seen;
    pthread_mutex_t admin_lock;         /* of these two */
    struct plan *shown;                 /* the one made last; a reference */
    struct order *asked;                /* by the admin thread (orders.c) */
    struct order *waiting, *running;    /* control's own */
    atomic_bool reload_failed;
    atomic_llong loaded_wall;           /* of the configuration that was accepted last */
    /* plans that nobody uses any more */
    pthread_mutex_t graves_lock;
    struct plan *graves;
    struct mail dig;
    atomic_bool digging;
};

static inline void control_set_phase(struct control *c, enum phase p)
{
    c->phase = p;
    atomic_store(&c->phase_seen, p);
}

/* ---- control.c ---- */

/* Runs fn on control's thread. Any thread. */
void control_post(struct control *c, void (*fn)(struct control *c));
/* Puts a plan into force: discovery makes the snapshot, and control_in_force() follows when all workers have it. Takes
 * over the reference. */
void control_run_plan(struct control *c, struct plan *p);
/* The plan made last: a reference for the caller; NULL: none yet. Any thread. */
struct plan *control_shown(struct control *c);
/* The same for a plan of the configuration that is in force, which waits for nobody. */
void control_run_same(struct control *c, struct plan *p);
/* Frees the plans that nobody uses any more. */
void control_dig(struct control *c);
/* Lets services of this host be registered, once: when the listeners accept. */
void control_announce(struct control *c);
/* Tells the service manager that the process is ready, and with what. */
void control_notify(struct control *c);
/* The mistakes and warnings of a configuration: into the log, or onto standard error. */
void control_print(struct conf_report *report, bool to_log);

/* ---- reload.c ---- */

/* Reads the configuration again, now or when the plan that was made last is in force. */
void control_reload(struct control *c);
/* All workers have the plan. */
void control_in_force(struct control *c);
/* How long those who are half connected may need to get into a queue that nobody new joins, in ms. */
sc_msec control_lull(struct listener *const *all, unsigned n);
/* Of c->shutting_lull. */
void control_shutting_lull_over(struct timer *t);
/* Of the workers' events: a listener that is gone is shut. A worker's thread. */
void control_shut(void *arg, unsigned worker);
/* The listening sockets for a configuration, in its order: those that are open already, and the rest newly opened. NULL:
 * in the report, and nothing has changed. The caller owns the array and its references. */
struct listener **control_listeners(struct control *c, const struct config *config, struct conf_report *report);
/* They are control's from now on; of those before, what is not among them is gone. Takes the array over. */
void control_set_listeners(struct control *c, struct listener **now, const struct config *config);

/* ---- orders.c ---- */

/* Somebody wants to know what comes of a reload. Takes the order over. Any thread. */
void control_ask_reload(struct control *c, struct order *o);
/* The reload that all waited for has ended in a new plan, or in nothing; text: mistakes and warnings. */
void control_orders_judged(struct control *c, struct sc_str text, bool taken);
/* The plan made last is in force. */
void control_orders_in_force(struct control *c);
/* Those that still wait will see no reload. */
void control_orders_refuse(struct control *c, const char *why);
/* Answers all that there are, at the end of the process. */
void control_orders_end(struct control *c);

/* ---- start.c ---- */

/* Starts everything by a configuration, which is the plan's afterwards. False: said in the log; what was started is
 * control_end()'s. */
bool control_start(struct control *c, struct config *config, struct conf_report *report);

/* ---- naming.c ---- */

void control_naming_init(struct control *c);
/* Of the workers' events: a path has named a service that no plan has. A worker's thread. */
void control_named(void *arg, unsigned worker, const char *registry, const char *name);
/* A plan is in force everywhere: the next one, with the services that were named meanwhile, may be made. */
void control_naming_in_force(struct control *c);
/* The services that were named, as another configuration has them; those that it leads nowhere to are left out. The caller
 * gives them to control_naming_take() when that is in force, else to control_naming_drop(). */
struct named_list control_naming_for(struct control *c, struct config *config);
void control_naming_take(struct control *c, struct named_list *list);
void control_naming_drop(struct named_list *list);

/* ---- stop.c ---- */

/* Of the workers' events: a stage of the end is over. A worker's thread. */
void control_drained(void *arg, unsigned worker, enum drain stage);
/* Of c->delay, and of c->lull. */
void control_delay_over(struct timer *t);
void control_lull_over(struct timer *t);
/* Of c->withdrawal. */
void control_withdrawal_over(struct timer *t);
/* Of discovery: nothing of this host is registered any more. Its thread. */
void control_withdrawn(void *arg);
/* Begins the end, or hurries it. */
void control_stop(struct control *c, bool at_once);
/* Gives everything back that was started, whole or not. */
void control_end(struct control *c);

/* ---- watch.c ---- */

/* Begins to tell the service manager that all is well, if it wants to hear that. Once the workers run. */
void control_watch(struct control *c);
/* Tells it that the end has begun and may take so long, ms; and from then on that it goes on. Again when it is hurried. */
void control_watch_stop(struct control *c, sc_msec allowed);
/* How many workers have not turned for so long, ms. Any thread. */
unsigned control_stalled(const struct control *c, sc_msec limit);
/* Requests in flight in all workers. Any thread. */
unsigned control_in_flight(const struct control *c);
