/* discovery/manager.c - the discovery thread: plans in, tables out.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whatever happens (an answer, a name, a plan) marks a service dirty and pokes; once per turn of the loop publish()
 * builds the sets of the dirty ones and, if any changed, makes one table of all. */
#include "discovery/manager.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/refs.h"
#include "discovery/probe.h"
#include "discovery/tracked.h"
#include "loop/curlmux.h"
#include "loop/offload.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum {
    FIRST_WAIT = 5000,
    SETTLE = 100,           /* ms: a service gets a new set this often at most; the first change is not kept waiting */
};

/* Travels from the control thread. */
struct plan {
    struct mail mail;
    struct discovery *d;
    void *tag;
    unsigned n;
    const struct discovery_service *services[];
};

/* Where tables end: on the discovery thread while there is one, afterwards wherever they are let go. */
struct graveyard {
    atomic_uint refs;                   /* one per table, one for the discovery */
    pthread_mutex_t lock;
    struct loop *loop;                  /* behind the lock */
};

struct discovery {
    struct discovery_options options;
    struct loop *loop;
    pthread_t thread;
    struct resolver *resolver;
    struct curlmux *curl;
    struct prober *prober;
    struct map services;                /* of struct tracked, by name */
    struct link registries;             /* of struct registry_use */
    struct plan *plan;                  /* in force */
    struct tracked **order;             /* by index in the plan */
    uint64_t plans, tables;             /* how many so far */
    bool pending;                       /* the plan had no table yet */
    bool changed;                       /* a set did */
    struct timer first_wait, again, stop_wait;
    struct task publish;
    struct mail stop;
    bool stopping;
    struct graveyard *graveyard;

    pthread_mutex_t lock;
    struct discovery_status *status;    /* behind the lock */
};

/* --- status --- */

static struct discovery_status *status_new(unsigned n)
{
    struct discovery_status *s = xcalloc(1, sizeof *s + n * sizeof s->services[0]);

    refs_init(&s->refs);
    s->n = n;
    return s;
}

static void publish_status(struct discovery *d)
{
    unsigned n = d->plan == NULL ? 0 : d->plan->n;
    struct discovery_status *fresh = status_new(n), *old;

    fresh->version = d->tables;
    for (unsigned i = 0; i < n; i++)
        fresh->services[i] = tracked_status(d->order[i]);
    pthread_mutex_lock(&d->lock);
    old = d->status;
    d->status = fresh;
    pthread_mutex_unlock(&d->lock);
    discovery_status_unref(&old);
}

struct discovery_status *discovery_status(struct discovery *d)
{
    struct discovery_status *s;

    pthread_mutex_lock(&d->lock);
    s = d->status;
    refs_get(&s->refs);
    pthread_mutex_unlock(&d->lock);
    return s;
}

/* --- tables --- */

static void graveyard_unref(struct graveyard *g)
{
    if (!refs_put(&g->refs))
        return;
    pthread_mutex_destroy(&g->lock);
    free(g);
}

static void on_grave(struct mail *m)
{
    struct table *t = list_entry(m, struct table, grave);
    struct graveyard *g = t->owner;

    table_free(t);
    graveyard_unref(g);
}

/* Whoever held it last. */
static void bury(struct table *t)
{
    struct graveyard *g = t->owner;

    t->grave.fn = on_grave;
    pthread_mutex_lock(&g->lock);
    if (g->loop != NULL) {
        loop_post(g->loop, &t->grave);
        pthread_mutex_unlock(&g->lock);
        return;
    }
    pthread_mutex_unlock(&g->lock);
    on_grave(&t->grave);
}

static struct graveyard *graveyard_new(struct loop *loop)
{
    struct graveyard *g = xnew(struct graveyard);

    refs_init(&g->refs);
    pthread_mutex_init(&g->lock, NULL);
    g->loop = loop;
    return g;
}

static void graveyard_close(struct graveyard *g)
{
    pthread_mutex_lock(&g->lock);
    g->loop = NULL;
    pthread_mutex_unlock(&g->lock);
}

static struct table *make_table(struct discovery *d)
{
    struct table *t = table_new(d->plan->n);

    for (unsigned i = 0; i < t->n; i++)
        t->sets[i] = target_set_ref(d->order[i]->set);
    t->version = ++d->tables;
    t->slots = target_slots();
    t->bury = bury;
    t->owner = d->graveyard;
    refs_get(&d->graveyard->refs);
    d->pending = d->changed = false;
    timer_stop(&d->first_wait);
    return t;
}

static bool publish_in(struct discovery *d, sc_msec delay)
{
    if (!d->again.pending || d->again.at > loop_now(d->loop) + delay)
        timer_start(d->loop, &d->again, delay);
    return true;
}

/* An answer whose names are still being looked up must not take the targets away that serve meanwhile. */
static bool wants_patience(struct discovery *d, struct tracked *t)
{
    sc_msec left = t->patience - loop_now(d->loop);

    return left > 0 && !tracked_is_ready(t) && publish_in(d, left);
}

/* What changes many times in a row is built once for all of them. */
static bool wants_to_settle(struct discovery *d, struct tracked *t)
{
    sc_msec left = t->built + SETTLE - loop_now(d->loop);

    return t->built > 0 && left > 0 && publish_in(d, left);
}

static bool is_ready(const struct discovery *d)
{
    for (unsigned i = 0; i < d->plan->n; i++)
        if (!tracked_is_ready(d->order[i]))
            return false;
    return true;
}

static bool build_dirty(struct discovery *d)
{
    bool stale = false, no_wait = d->pending && !d->first_wait.pending;

    for (unsigned i = 0; i < d->plan->n; i++) {
        struct tracked *t = d->order[i];

        if (t->dirty && (no_wait || !wants_patience(d, t)) && (d->pending || !wants_to_settle(d, t))) {
            tracked_build(t);
            d->changed = true;
        }
        stale |= t->stale_status;
    }
    return stale;
}

static void publish(struct task *task)
{
    struct discovery *d = list_entry(task, struct discovery, publish);
    struct table *t = NULL;
    bool stale;

    if (d->plan == NULL)
        return;
    stale = build_dirty(d);
    if (d->pending ? !d->first_wait.pending || is_ready(d) : d->changed)
        t = make_table(d);
    if (stale || t != NULL)
        publish_status(d);              /* first: who sees a table also sees what is known of it */
    if (t != NULL)
        d->options.on_table(d->options.arg, d->plan->tag, t);
}

static void on_again(struct timer *t)
{
    struct discovery *d = list_entry(t, struct discovery, again);

    loop_task(d->loop, &d->publish);
}

static void on_first_wait(struct timer *t)
{
    struct discovery *d = list_entry(t, struct discovery, first_wait);

    for (unsigned i = 0; i < d->plan->n; i++)
        if (!tracked_is_ready(d->order[i]))
            log_warn("discovery: %s: no answer yet; starting without it", d->order[i]->shared->name);
    loop_task(d->loop, &d->publish);
}

static void on_poke(struct tracked *t)
{
    struct discovery *d = t->owner;

    loop_task(d->loop, &d->publish);
}

/* --- plans --- */

static struct registry_use *registry_use(struct discovery *d, const struct registry *conf)
{
    struct registry_use *use;

    if (conf == NULL)
        return NULL;
    list_each(it, &d->registries) {
        use = list_entry(it, struct registry_use, link);
        if (registry_same(use->conf, conf)) {
            use->conf = conf;                   /* the old plan will be gone soon */
            use->live.name = conf->name;
            use->live.conf = conf->conf;
            return use;
        }
    }
    use = xnew(struct registry_use);
    use->conf = conf;
    use->live = (struct registry_live){ conf->name, conf->provider, conf->conf, d->loop, d->curl, NULL };
    list_push(&d->registries, &use->link);
    return use;
}

static void drop_unused_registries(struct discovery *d)
{
    list_each(it, &d->registries) {
        struct registry_use *use = list_entry(it, struct registry_use, link);

        if (use->watches == 0) {
            list_remove(&use->link);
            free(use);
        }
    }
}

static struct tracked *track(struct discovery *d, const struct discovery_service *conf)
{
    struct tracked *t = map_get(&d->services, str_of(conf->name));

    if (t == NULL) {
        t = tracked_new(conf->name, d->loop, d->resolver, d->prober);
        t->poke = on_poke;
        t->owner = d;
        map_put(&d->services, str_of(conf->name), t);
    } else if (!balancer_same(&t->conf->balancer, &conf->balancer)) {
        t->dirty = true;
    }
    tracked_watch(t, conf, registry_use(d, conf->source.registry));
    health_sync(t);
    t->seen = d->plans;
    return t;
}

static void drop_untracked(struct discovery *d)
{
    struct map_item *item;

    for (unsigned i = 0; (item = map_next(&d->services, &i)) != NULL;) {
        struct tracked *t = item->value;

        if (t->seen == d->plans)
            continue;
        map_remove(&d->services, str_of(t->shared->name));
        tracked_free(&t);
    }
}

static void release(struct discovery *d, struct plan **pp)
{
    struct plan *p = *pp;

    *pp = NULL;
    if (p == NULL)
        return;
    if (d->options.on_release != NULL)
        d->options.on_release(d->options.arg, p->tag);
    free(p);
}

static void on_plan(struct mail *m)
{
    struct plan *p = list_entry(m, struct plan, mail), *old;
    struct discovery *d = p->d;

    if (d->stopping) {
        release(d, &p);
        return;
    }
    d->plans++;
    free(d->order);
    d->order = xcalloc(p->n + 1, sizeof *d->order);
    for (unsigned i = 0; i < p->n; i++)
        d->order[i] = track(d, p->services[i]);
    old = d->plan;
    d->plan = p;
    drop_untracked(d);
    drop_unused_registries(d);
    release(d, &old);
    d->pending = true;
    timer_start(d->loop, &d->first_wait, d->options.first_wait);
    loop_task(d->loop, &d->publish);
}

void discovery_plan(struct discovery *d, const struct discovery_service *const *services, unsigned n, void *tag)
{
    struct plan *p = xcalloc(1, sizeof *p + n * sizeof p->services[0]);

    p->mail.fn = on_plan;
    p->d = d;
    p->tag = tag;
    p->n = n;
    for (unsigned i = 0; i < n; i++)
        p->services[i] = services[i];
    loop_post(d->loop, &p->mail);
}

/* --- the thread --- */

static void on_stopped(struct timer *t)
{
    loop_stop(list_entry(t, struct discovery, stop_wait)->loop);
}

/* Letters that are under way (jobs, tables) come in during one more turn. */
static void on_stop(struct mail *m)
{
    struct discovery *d = list_entry(m, struct discovery, stop);

    d->stopping = true;
    d->plans++;
    drop_untracked(d);
    drop_unused_registries(d);
    prober_free(&d->prober);
    resolver_free(&d->resolver);
    curlmux_free(&d->curl);
    graveyard_close(d->graveyard);
    timer_stop(&d->first_wait);
    timer_stop(&d->again);
    release(d, &d->plan);
    timer_start(d->loop, &d->stop_wait, 1);
}

static void *discovery_thread(void *arg)
{
    struct discovery *d = arg;

    loop_run(d->loop);
    return NULL;
}

static void start_thread(struct discovery *d)
{
    sigset_t all, was;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    if (pthread_create(&d->thread, NULL, discovery_thread, d) != 0) {
        log_error("no discovery thread: %m");
        abort();
    }
    pthread_setname_np(d->thread, "discovery");
    pthread_sigmask(SIG_SETMASK, &was, NULL);
}

struct discovery *discovery_start(const struct discovery_options *options)
{
    struct discovery *d = xnew(struct discovery);

    d->options = *options;
    if (d->options.first_wait == 0)
        d->options.first_wait = FIRST_WAIT;
    d->loop = loop_new();
    d->resolver = resolver_new(d->loop, options->offload);
    d->curl = curlmux_new(d->loop);
    d->prober = prober_new(d->loop, d->curl);
    d->graveyard = graveyard_new(d->loop);
    d->services = (struct map)MAP_INIT;
    list_init(&d->registries);
    d->first_wait.fn = on_first_wait;
    d->again.fn = on_again;
    d->stop_wait.fn = on_stopped;
    d->publish.fn = publish;
    d->stop.fn = on_stop;
    pthread_mutex_init(&d->lock, NULL);
    d->status = status_new(0);
    start_thread(d);
    return d;
}

void discovery_stop(struct discovery **dp)
{
    struct discovery *d = *dp;

    *dp = NULL;
    if (d == NULL)
        return;
    loop_post(d->loop, &d->stop);
    pthread_join(d->thread, NULL);
    discovery_status_unref(&d->status);
    graveyard_unref(d->graveyard);
    pthread_mutex_destroy(&d->lock);
    map_fini(&d->services);
    free(d->order);
    loop_free(&d->loop);
    free(d);
}
