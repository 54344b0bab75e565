/* sidecar/daemon/watch.c - what the service manager hears again and again: that all is well, and that the end goes on.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Both only while every worker turns. One that does not serves nobody and never ends: then nothing is said, and the manager
 * ends the process by its own rules (WatchdogSec=, TimeoutStopSec=). */
#include "daemon/control_priv.h"

#include "base/log.h"
#include "loop/handed.h"

enum {
    BEAT_MS = 5000,                 /* between two words while the end goes on */
    PATIENCE_MS = 3 * BEAT_MS,      /* what each of them asks for */
    STALL_MIN_MS = 3000,            /* workers say once a second that they turn */
};

unsigned control_stalled(const struct control *c, sc_msec limit)
{
    sc_msec now = clock_mono_ms();
    unsigned n = 0;

    for (unsigned i = 0; i < c->nworkers; i++)
        n += now - (sc_msec)atomic_load_explicit(&c->workers[i]->turned_ms, memory_order_relaxed) > limit;
    return n;
}

unsigned control_in_flight(const struct control *c)
{
    unsigned n = 0;

    for (unsigned i = 0; i < c->nworkers; i++)
        n += atomic_load_explicit(&c->workers[i]->in_flight, memory_order_relaxed);
    return n;
}

/* Half of the time is for noticing, and the manager waits for all of it after the last word. */
static sc_msec stall_limit(const struct control *c)
{
    sc_msec half = c->watchdog > 0 ? c->watchdog / 2 : BEAT_MS;

    return half > STALL_MIN_MS ? half : STALL_MIN_MS;
}

/* A quarter: a word that falls out because a worker was busy for a moment is made up for in time. */
static sc_msec period(const struct control *c)
{
    sc_msec quarter = c->watchdog > 3 ? c->watchdog / 4 : 1;

    if (c->watchdog > 0 && (c->phase <= RUNNING || quarter < BEAT_MS))
        return quarter;
    return BEAT_MS;
}

static void ask_for_time(const struct control *c)
{
    handed_notify("EXTEND_TIMEOUT_USEC=%lld\nSTATUS=draining, %u requests in flight", PATIENCE_MS * 1000LL,
                  control_in_flight(c));
}

static void on_watch(struct timer *t)
{
    struct control *c = list_entry(t, struct control, watch);
    unsigned stalled = control_stalled(c, stall_limit(c));

    if (stalled != c->stalled)
        log_warn("%u of %u workers do not turn", stalled, c->nworkers);
    c->stalled = stalled;
    if (stalled == 0 && c->watchdog > 0)
        handed_notify("WATCHDOG=1");
    if (stalled == 0 && c->phase > RUNNING && clock_mono_ms() < c->stop_by)
        ask_for_time(c);
    timer_start(c->loop, t, period(c));
}

void control_watch(struct control *c)
{
    c->watch.fn = on_watch;
    c->watchdog = handed_watchdog();
    if (c->watchdog > 0)
        timer_start(c->loop, &c->watch, 0);
}

/* The manager's own limit may be shorter than what the configuration allows, so it is asked for more while things go on,
 * but not for longer than they may take: who is not done then is stuck. */
void control_watch_stop(struct control *c, sc_msec allowed)
{
    c->stop_by = clock_mono_ms() + allowed + PATIENCE_MS;
    handed_notify("STOPPING=1");
    ask_for_time(c);
    timer_start(c->loop, &c->watch, period(c));
}
