/* discovery/publisher.c - when sets are built, and what goes out of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/publisher.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/refs.h"
#include "discovery/announce.h"
#include "discovery/graveyard.h"
#include "discovery/tracked.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    SETTLE = 100,           /* ms: a service gets a new set this often at most; the first change is not kept waiting */
};

struct publisher {
    struct publisher_options options;
    struct loop *loop;
    struct tracked **order;             /* by index in the plan; NULL: there is none */
    unsigned n;
    void *tag;
    uint64_t tables;                    /* how many so far */
    bool pending;                       /* the plan had no table yet */
    bool changed;                       /* a set did */
    bool stale;                         /* the status does not show how the registrations are */
    struct timer first_wait, again;
    struct task publish;
    struct graveyard *graveyard;

    pthread_mutex_t lock;
    struct discovery_status *status;    /* behind the lock */
};

/* --- status --- */

static void put_registrations(const struct publisher *p, struct discovery_status *s)
{
    unsigned n = announcer_count(p->options.announcer);
    struct registration_status *to;

    if (n == 0)
        return;
    s->registrations = to = arena_zero(&s->arena, n * sizeof *to);
    s->nregistrations = n;
    announcer_status(p->options.announcer, &s->arena, to);
}

static void publish_status(struct publisher *p)
{
    struct discovery_status *fresh = discovery_status_new(p->n), *old;

    fresh->version = p->tables;
    put_registrations(p, fresh);
    p->stale = false;
    for (unsigned i = 0; i < p->n; i++)
        fresh->services[i] = tracked_status(p->order[i]);
    pthread_mutex_lock(&p->lock);
    old = p->status;
    p->status = fresh;
    pthread_mutex_unlock(&p->lock);
    discovery_status_unref(&old);
}

struct discovery_status *publisher_status(struct publisher *p)
{
    struct discovery_status *s;

    pthread_mutex_lock(&p->lock);
    s = p->status;
    refs_get(&s->refs);
    pthread_mutex_unlock(&p->lock);
    return s;
}

/* --- tables --- */

static struct table *make_table(struct publisher *p)
{
    struct table *t = table_new(p->n);

    for (unsigned i = 0; i < t->n; i++)
        t->sets[i] = target_set_ref(p->order[i]->set);
    t->version = ++p->tables;
    t->slots = target_slots();
    graveyard_adopt(p->graveyard, t);
    p->pending = p->changed = false;
    timer_stop(&p->first_wait);
    return t;
}

static bool publish_in(struct publisher *p, sc_msec delay)
{
    if (!p->again.pending || p->again.at > loop_now(p->loop) + delay)
        timer_start(p->loop, &p->again, delay);
    return true;
}

/* What changes many times in a row is built once for all of them. */
static bool wants_to_settle(struct publisher *p, struct tracked *t)
{
    sc_msec left = t->built + SETTLE - loop_now(p->loop);

    return t->built > 0 && left > 0 && publish_in(p, left);
}

static bool is_ready(const struct publisher *p)
{
    for (unsigned i = 0; i < p->n; i++)
        if (!tracked_is_ready(p->order[i]))
            return false;
    return true;
}

static bool build_dirty(struct publisher *p)
{
    bool stale = false;

    for (unsigned i = 0; i < p->n; i++) {
        struct tracked *t = p->order[i];

        if (t->dirty && (p->pending || !wants_to_settle(p, t))) {
            tracked_build(t);
            p->changed = true;
        }
        stale |= t->stale_status;
    }
    return stale;
}

static void publish(struct task *task)
{
    struct publisher *p = list_entry(task, struct publisher, publish);
    struct table *t = NULL;
    bool stale;

    if (p->order == NULL)
        return;
    stale = build_dirty(p);
    if (p->pending ? !p->first_wait.pending || is_ready(p) : p->changed)
        t = make_table(p);
    if (stale || p->stale || t != NULL)
        publish_status(p);              /* first: who sees a table also sees what is known of it */
    if (t != NULL)
        p->options.on_table(p->options.arg, p->tag, t);
}

void publisher_poke(struct publisher *p)
{
    loop_task(p->loop, &p->publish);
}

void publisher_registrations_changed(struct publisher *p)
{
    p->stale = true;
    publisher_poke(p);
}

static void on_again(struct timer *t)
{
    publisher_poke(list_entry(t, struct publisher, again));
}

static void on_first_wait(struct timer *t)
{
    struct publisher *p = list_entry(t, struct publisher, first_wait);

    for (unsigned i = 0; i < p->n; i++)
        if (!tracked_is_ready(p->order[i]))
            log_warn("discovery: %s: no answer yet; starting without it", p->order[i]->shared->name);
    publisher_poke(p);
}

/* --- the whole --- */

void publisher_plan(struct publisher *p, struct tracked **order, unsigned n, void *tag, bool at_once)
{
    free(p->order);
    p->order = order;
    p->n = n;
    p->tag = tag;
    p->pending = true;
    if (!at_once)
        timer_start(p->loop, &p->first_wait, p->options.first_wait);
    publisher_poke(p);
}

struct publisher *publisher_new(const struct publisher_options *options)
{
    struct publisher *p = xnew(struct publisher);

    p->options = *options;
    p->loop = options->loop;
    p->first_wait.fn = on_first_wait;
    p->again.fn = on_again;
    p->publish.fn = publish;
    p->graveyard = graveyard_new(p->loop);
    pthread_mutex_init(&p->lock, NULL);
    p->status = discovery_status_new(0);
    return p;
}

void publisher_close(struct publisher *p)
{
    timer_stop(&p->first_wait);
    timer_stop(&p->again);
    loop_task_cancel(p->loop, &p->publish);
    graveyard_close(&p->graveyard);
    free(p->order);
    p->order = NULL;
    p->n = 0;
}

void publisher_free(struct publisher **pp)
{
    struct publisher *p = *pp;

    *pp = NULL;
    discovery_status_unref(&p->status);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
