/* sidecar/daemon/stop.c - the end of the process, in stages.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gently: not ready any more, but still accepting for `delay`, so that whoever sends clients here can stop it; every answer
 * ends its connection. Then services of this host are deregistered, and accepting goes on until others are seen not to find
 * them any more, for `deregister_wait` at most. Then the workers' stages (enum drain), each when all have ended the one
 * before: nobody accepts; one of them takes what waits in the kernel's queues and closes the sockets, so that nobody is left
 * in them; what runs may end until the deadline, and then it is cut. At once: without delay and wait, although services are
 * deregistered, and with no time for what runs. */
#include "daemon/control_priv.h"

#include "base/log.h"
#include "discovery/manager.h"
#include "loop/listen.h"
#include "loop/offload.h"
#include "telemetry/metrics.h"
#include "telemetry/writer.h"

#include <stdlib.h>

enum {
    OFFLOAD_PATIENCE_MS = 1000,
    WRITER_FLUSH_MS = 2000,
    CHANGE_PATIENCE_MS = 1000,      /* for a reload that is under way: its new listeners may have somebody waiting */
};

/* ---- stages ---- */

/* One stage of the workers' end after the other; the rest of the queue of connections is for the first worker alone. */
static void drain(struct control *c, enum drain stage)
{
    c->stage = stage;
    c->waiting_for = stage == DRAIN_REST || stage == DRAIN_SHUT ? 1 : c->nworkers;
    for (unsigned i = 0; i < c->waiting_for; i++)
        worker_drain(c->workers[i], stage, c->deadline);
}

static void on_stage_over(struct control *c)
{
    if (--c->waiting_for > 0)
        return;
    if (c->stage == DRAIN_REST && c->deadline > 0) {
        timer_start(c->loop, &c->lull, control_lull(c->listeners, c->nlisteners));
        return;
    }
    if (c->stage != DRAIN_END) {
        drain(c, c->stage + 1);
        return;
    }
    control_set_phase(c, STOPPED);
    loop_stop(c->loop);
}

void control_lull_over(struct timer *t)
{
    drain(list_entry(t, struct control, lull), DRAIN_SHUT);
}

void control_drained(void *arg, unsigned worker, enum drain stage)
{
    (void)worker;
    (void)stage;                        /* control asks for one stage at a time */
    control_post(arg, on_stage_over);
}

/* ---- what comes before them ---- */

static void begin_drain(struct control *c)
{
    timer_stop(&c->delay);
    timer_stop(&c->withdrawal);
    c->patient = false;
    control_set_phase(c, DRAINING);
    drain(c, DRAIN_QUIET);
}

static void tell_withdrawal(struct control *c)
{
    if (!c->withdrawn)
        discovery_withdraw(c->discovery);
    c->withdrawn = true;
}

/* Others send their requests here until they have seen that there is nobody. */
static void withdraw(struct control *c)
{
    sc_msec wait = c->config->shutdown.deregister_wait;

    tell_withdrawal(c);
    if (wait == 0) {
        begin_drain(c);
        return;
    }
    if (c->config->registrations.n > 0)
        log_info("stopping: services of this host are deregistered, still accepting");
    control_set_phase(c, WITHDRAWING);
    timer_start(c->loop, &c->withdrawal, wait);
}

static void on_withdrawn(struct control *c)
{
    if (c->phase == WITHDRAWING)
        begin_drain(c);
}

void control_withdrawn(void *arg)
{
    control_post(arg, on_withdrawn);
}

void control_withdrawal_over(struct timer *t)
{
    log_warn("stopping: others may still find services of this host; `shutdown.deregister_wait` is over");
    begin_drain(list_entry(t, struct control, withdrawal));
}

/* ---- what begins the end ---- */

void control_delay_over(struct timer *t)
{
    struct control *c = list_entry(t, struct control, delay);

    if (c->changing && !c->patient && c->generation > 1) {
        c->patient = true;
        timer_start(c->loop, t, CHANGE_PATIENCE_MS);
        return;
    }
    c->patient = false;
    withdraw(c);
}

static void stop_gently(struct control *c)
{
    log_info("stopping: %s", c->config->shutdown.delay > 0 ? "not ready any more, still accepting" : "draining");
    control_set_phase(c, DELAYING);
    c->deadline = c->config->shutdown.deadline;
    for (unsigned i = 0; i < c->nworkers; i++)
        worker_drain(c->workers[i], DRAIN_LAST_ANSWERS, 0);
    timer_start(c->loop, &c->delay, c->config->shutdown.delay);
}

static void stop_at_once(struct control *c)
{
    log_info("stopping at once");
    c->deadline = 0;
    tell_withdrawal(c);
    if (c->phase != DRAINING) {
        begin_drain(c);
    } else if (c->stage == DRAIN_END) {
        for (unsigned i = 0; i < c->nworkers; i++)
            worker_drain(c->workers[i], DRAIN_END, 0);
    }
}

void control_stop(struct control *c, bool at_once)
{
    sc_msec allowed = c->config->shutdown.delay + CHANGE_PATIENCE_MS + c->config->shutdown.deregister_wait +
                      c->config->shutdown.deadline;

    control_watch_stop(c, at_once ? 0 : allowed);
    if (c->phase <= RUNNING && !at_once)
        stop_gently(c);
    else if (c->phase < STOPPED)
        stop_at_once(c);
}

/* ---- giving back ---- */

void control_end(struct control *c)
{
    for (unsigned i = 0; i < c->nworkers && c->workers != NULL; i++)
        worker_stop(c->workers[i]);
    control_set_phase(c, STOPPED);
    loop_read_mail(c->loop);
    control_orders_end(c);
    admin_stop(&c->admin);
    loop_read_mail(c->loop);                    /* what it wrote last */
    control_orders_end(c);
    if (c->discovery != NULL)
        discovery_stop(&c->discovery);          /* until then it may have a table for the workers */
    loop_read_mail(c->loop);                    /* and a letter for us */
    for (unsigned i = 0; i < c->nworkers && c->workers != NULL; i++)
        worker_free(&c->workers[i]);
    free(c->workers);
    offload_free(&c->offload, OFFLOAD_PATIENCE_MS);
    plan_unref(&c->shown);
    plan_unref(&c->plan);
    control_naming_drop(&c->named);
    control_dig(c);
    metrics_free(&c->metrics);
    for (unsigned i = 0; i < c->nlisteners; i++)
        listener_unref(&c->listeners[i]);
    free(c->listeners);
    for (unsigned i = 0; i < c->ngone; i++)
        listener_unref(&c->gone[i]);
    free(c->gone);
    log_info("stopped");
    process_log_stop();
    writer_stop(&c->writer, WRITER_FLUSH_MS);
}
