/* sidecar/proxy/entrance.h - where clients come in: a worker's pumps, one for each listener.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A listener that a new plan has too keeps its pump; a new one gets one, which accepts at once; one that is gone leaves: it
 * accepts no more, answers what comes on connections that are there with the last view that had it, and is freed with
 * the last of them. Worker's thread. */
#pragma once

#include "loop/mhdpump.h"

struct sc_worker;
struct view;

/* How long a connection that stays quiet is waited for when it has to end, in ms: for the request that may be on its way. */
enum { ENTRANCE_GRACE_MS = 500 };

struct entrance {
    struct pump *pump;
    unsigned position;                  /* of its listener in the plan of its view */
    struct view *view;                  /* NULL: the worker's; else a reference: it leaves */
    struct entrance *next;              /* of those that leave */
};

struct entrances {
    struct entrance **at;               /* by listener of the worker's view */
    unsigned n;
    struct entrance *leaving;
};

/* The worker's view has a new plan; was: the one before, or NULL. False: a first pump does not start, said in the log. */
bool entrances_adopt(struct sc_worker *w, struct view *was);
void entrances_each(struct entrances *e, void (*fn)(struct pump *p));
/* pump_drain() of each. */
void entrances_drain(struct entrances *e, sc_msec grace);
/* Of all of them: connections. */
unsigned entrances_clients(const struct entrances *e);
/* The queue of a listener that leaves is accepted to its end; `last`: and its socket shut. */
void entrances_shut(struct entrances *e, const struct listener *l, bool last);
/* Frees those that have left. */
void entrances_sweep(struct entrances *e);
void entrances_fini(struct entrances *e);

/* By which view, and as which listener of it, a client's request is served. */
struct view *entrance_view(struct sc_worker *w, const struct client *c);
const struct plan_listener *entrance_listener(struct sc_worker *w, const struct client *c);
