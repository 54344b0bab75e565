/* sidecar/loop/slack.c - memory that many clients have left behind goes back to the system.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The allocator keeps what a crowd has freed, since a few who are still there lie between. When far fewer clients are left
 * than there were, it is asked to give back what it can: some milliseconds of this thread, so not more often than needed. */
#include "loop/pump_priv.h"

#include <malloc.h>

enum {
    FEWER = 128,                    /* that many clients fewer than there were, and half of them at least */
    WAIT_MS = 500,                  /* others of the crowd are about to go, too */
};

static void on_slack(struct timer *t)
{
    struct pump *p = list_entry(t, struct pump, slack);

    p->most_clients = p->nclients;
    malloc_trim(0);
}

void slack_init(struct pump *p)
{
    p->slack.fn = on_slack;
}

void slack_more(struct pump *p)
{
    if (p->nclients > p->most_clients)
        p->most_clients = p->nclients;
}

void slack_less(struct pump *p)
{
    unsigned gone = p->most_clients - p->nclients;

    if (gone >= FEWER && gone >= p->nclients && !p->slack.pending)
        timer_start(p->loop, &p->slack, WAIT_MS);
}

void slack_stop(struct pump *p)
{
    timer_stop(&p->slack);
}
