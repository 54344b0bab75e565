/* sidecar/proxy/entrance.c - where clients come in: a worker's pumps, one for each listener.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/entrance.h"

#include "base/alloc.h"
#include "proxy/downstream.h"
#include "proxy/worker.h"

#include <stdlib.h>

/* ---- a new plan ---- */

static struct entrance *entrance_new(struct sc_worker *w, const struct plan_listener *l)
{
    struct entrance *e = xnew(struct entrance);

    e->pump = pump_new(w->loop, l->socket, w->index, &l->limits, &downstream_ops, w);
    pump_set_tag(e->pump, e);
    if (w->last_answers)
        pump_last_answers(e->pump);
    return e;
}

/* The one that has this listener's socket, taken out. */
static struct entrance *take(struct entrances *all, const struct listener *socket)
{
    for (unsigned i = 0; i < all->n; i++)
        if (all->at[i] != NULL && pump_listener(all->at[i]->pump) == socket) {
            struct entrance *e = all->at[i];

            all->at[i] = NULL;
            return e;
        }
    return NULL;
}

static void leave(struct entrances *all, struct entrance *e, struct view *last)
{
    e->view = view_ref(last);
    e->next = all->leaving;
    all->leaving = e;
    pump_stop(e->pump);
    pump_drain(e->pump, ENTRANCE_GRACE_MS);
}

/* Descriptors may be short when the plan is not the first one: then the pump starts when the first client comes. */
static bool open_or_keep(struct sc_worker *w, struct entrance **to, const struct plan_listener *l, bool first)
{
    struct entrance *e = take(&w->entrances, l->socket);
    bool fresh = e == NULL;

    if (fresh)
        e = entrance_new(w, l);
    else
        pump_set_limits(e->pump, &l->limits);
    e->position = l->index;
    *to = e;
    return !fresh || pump_ready(e->pump) || !first;
}

bool entrances_adopt(struct sc_worker *w, struct view *was)
{
    const struct plan *plan = w->view->snapshot->plan;
    struct entrances *all = &w->entrances;
    struct entrance **now = xcalloc(plan->nlisteners, sizeof *now);
    bool fine = true;

    for (unsigned i = 0; i < plan->nlisteners; i++)
        fine &= open_or_keep(w, &now[i], &plan->listeners[i], was == NULL);
    for (unsigned i = 0; i < all->n; i++)
        if (all->at[i] != NULL)
            leave(all, all->at[i], was);
    free(all->at);
    all->at = now;
    all->n = plan->nlisteners;
    for (unsigned i = 0; i < all->n && fine; i++)
        pump_start(all->at[i]->pump);
    return fine;
}

/* ---- all of them ---- */

void entrances_each(struct entrances *all, void (*fn)(struct pump *p))
{
    for (unsigned i = 0; i < all->n; i++)
        fn(all->at[i]->pump);
    for (struct entrance *e = all->leaving; e != NULL; e = e->next)
        fn(e->pump);
}

void entrances_drain(struct entrances *all, sc_msec grace)
{
    for (unsigned i = 0; i < all->n; i++)
        pump_drain(all->at[i]->pump, grace);
    for (struct entrance *e = all->leaving; e != NULL; e = e->next)
        pump_drain(e->pump, grace);
}

unsigned entrances_clients(const struct entrances *all)
{
    unsigned n = 0;

    for (unsigned i = 0; i < all->n; i++)
        n += pump_connections(all->at[i]->pump);
    for (const struct entrance *e = all->leaving; e != NULL; e = e->next)
        n += pump_connections(e->pump);
    return n;
}

void entrances_shut(struct entrances *all, const struct listener *l, bool last)
{
    for (struct entrance *e = all->leaving; e != NULL; e = e->next)
        if (pump_listener(e->pump) == l) {
            pump_accept_rest(e->pump);
            if (last)
                listener_shut(pump_listener(e->pump));
        }
}

static void entrance_free(struct entrance *e)
{
    pump_free(&e->pump);
    view_unref(&e->view);
    free(e);
}

void entrances_sweep(struct entrances *all)
{
    struct entrance **at = &all->leaving;

    while (*at != NULL) {
        struct entrance *e = *at;

        if (!pump_is_over(e->pump)) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        entrance_free(e);
    }
}

void entrances_fini(struct entrances *all)
{
    for (unsigned i = 0; i < all->n; i++)
        entrance_free(all->at[i]);
    while (all->leaving != NULL) {
        struct entrance *e = all->leaving;

        all->leaving = e->next;
        entrance_free(e);
    }
    free(all->at);
    *all = (struct entrances){ .at = NULL };
}

/* ---- a client's ---- */

struct view *entrance_view(struct sc_worker *w, const struct client *c)
{
    const struct entrance *e = pump_tag(c->pump);

    return e->view != NULL ? e->view : w->view;
}

const struct plan_listener *entrance_listener(struct sc_worker *w, const struct client *c)
{
    const struct entrance *e = pump_tag(c->pump);

    return &entrance_view(w, c)->snapshot->plan->listeners[e->position];
}
