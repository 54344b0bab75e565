/* sidecar/proxy/deadline.c - how long an exchange may take: one lazy timer for all of its deadlines.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Until the answer: the total of the route, the try, and the head of the answer. From then on: the silence between two
 * pieces of the answer. The timer may fire early, and is then set anew, so that a deadline that moves costs nothing. */
#include "proxy/deadline.h"

#include "proxy/flow.h"
#include "proxy/worker.h"

static void sooner(sc_msec *at, enum deadline *which, sc_msec other, enum deadline d)
{
    if (other != 0 && (*at == 0 || other < *at)) {
        *at = other;
        *which = d;
    }
}

void deadline_arm(struct sc_exchange *x)
{
    struct loop *l = x->worker->loop;
    enum deadline which = DEADLINE_NONE;
    sc_msec at = 0, now = loop_now(l);

    if (x->step >= FLOW_DELIVER) {
        sooner(&at, &which, x->stamp + x->route->timeout.idle_stream, DEADLINE_IDLE);
    } else {
        if (x->paused_since == 0)
            sooner(&at, &which, x->total_at, DEADLINE_TOTAL);
        sooner(&at, &which, x->try_at, DEADLINE_TRY);
        sooner(&at, &which, x->response_at, DEADLINE_RESPONSE);
    }
    if (at == 0)
        return;
    x->deadline = which;
    if (!x->timer.pending || x->timer.at > at)
        timer_start(l, &x->timer, at - now);
}

static bool is_over(sc_msec at, sc_msec now)
{
    return at != 0 && at <= now;
}

static enum deadline passed(const struct sc_exchange *x, sc_msec now)
{
    if (x->step >= FLOW_DELIVER)
        return x->stamp + x->route->timeout.idle_stream <= now ? DEADLINE_IDLE : DEADLINE_NONE;
    if (x->paused_since == 0 && is_over(x->total_at, now))
        return DEADLINE_TOTAL;
    if (is_over(x->try_at, now))
        return DEADLINE_TRY;
    return is_over(x->response_at, now) ? DEADLINE_RESPONSE : DEADLINE_NONE;
}

void deadline_fired(struct timer *t)
{
    struct sc_exchange *x = list_entry(t, struct sc_exchange, timer);
    enum deadline which = passed(x, loop_now(x->worker->loop));

    if (which == DEADLINE_NONE) {
        deadline_arm(x);
        return;
    }
    x->deadline = which;
    x->facts |= FACT_DEADLINE;
    flow_run(x);
}

void deadline_pause(struct sc_exchange *x)
{
    if (x->paused_since == 0)
        x->paused_since = loop_now(x->worker->loop);
}

void deadline_resume(struct sc_exchange *x)
{
    if (x->paused_since == 0)
        return;
    if (x->total_at != 0)
        x->total_at += loop_now(x->worker->loop) - x->paused_since;
    x->paused_since = 0;
    if (x->route != NULL && x->step < FLOW_DELIVER)
        deadline_arm(x);
}
