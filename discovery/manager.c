/* discovery/manager.c - the discovery thread: plans in, tables out.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Here are the thread, its letters, and which services and registrations a plan has. What comes of them is made by
 * publisher.c; which registries that takes, registry_use.c. */
#include "discovery/manager.h"

#include "base/alloc.h"
#include "base/log.h"
#include "discovery/registration/announce.h"
#include "discovery/hand.h"
#include "discovery/plan.h"
#include "discovery/probe.h"
#include "discovery/publisher.h"
#include "discovery/registry_use.h"
#include "discovery/tracked.h"
#include "loop/curlmux.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { FIRST_WAIT = 5000 };

struct discovery {
    struct discovery_options options;
    char *node, *zone;
    struct loop *loop;
    pthread_t thread;
    struct resolver *resolver;
    struct curlmux *curl;
    struct prober *prober;
    struct announcer *announcer;
    struct publisher *publisher;
    char *state_dir;
    struct store *store;                /* NULL: nothing is kept */
    struct store_tally kept;
    struct hands *hands;
    struct map services;                /* of struct tracked, by name */
    struct registry_uses registries;
    struct discovery_plan *plan;        /* in force */
    uint64_t plans;                     /* how many so far */
    bool withdrawing;                   /* and nobody was told that it is over */
    bool stopping;
    struct timer stop_wait;
    struct mail stop, announce, withdraw;
};

struct discovery_status *discovery_status(struct discovery *d)
{
    return publisher_status(d->publisher);
}

void discovery_kept(struct discovery *d, struct store_counts *to)
{
    store_counts(&d->kept, to);
}

/* --- plans --- */

static void on_poke(struct tracked *t)
{
    struct discovery *d = t->owner;

    publisher_news(d->publisher, t);
}

/* --- what people want --- */

/* What the service states itself can only be replaced. */
static const struct hand *hand_of(const struct discovery *d, const struct source *s)
{
    const struct hand *h = hands_find(d->hands, s->owner->shared->name, s->registry == NULL ? "" : s->name);

    return h != NULL && s->registry == NULL && h->kind != HAND_PIN ? NULL : h;
}

static void hand_out(struct discovery *d, struct tracked *t)
{
    list_each(it, &t->sources) {
        struct source *s = list_entry(it, struct source, link);

        hand_take(s, hand_of(d, s));
    }
}

static void on_hands(void *arg)
{
    struct discovery *d = arg;
    struct map_item *item;

    for (unsigned i = 0; (item = map_next(&d->services, &i)) != NULL;)
        hand_out(d, item->value);
}

static void on_hand_letter(struct mail *m)
{
    struct hand_letter *l = list_entry(m, struct hand_letter, mail);
    struct discovery *d = l->owner;

    if (!d->stopping)
        hands_order(d->hands, &l->order);
    hand_letter_free(&l);
}

void discovery_hand(struct discovery *d, const struct hand_order *order)
{
    struct hand_letter *l = hand_letter_new(order);

    l->mail.fn = on_hand_letter;
    l->owner = d;
    loop_post(d->loop, &l->mail);
}

/* --- plans: services --- */

static struct tracked *track(struct discovery *d, const struct discovery_service *conf)
{
    struct tracked *t = map_get(&d->services, str_of(conf->name));

    if (t == NULL) {
        t = tracked_new(conf->name, d->loop, d->resolver, d->prober);
        t->store = d->store;
        t->poke = on_poke;
        t->owner = d;
        map_put(&d->services, str_of(conf->name), t);
    } else if (!balancer_same(&t->conf->balancer, &conf->balancer)) {
        t->dirty = true;
    }
    tracked_watch(t, conf, &d->registries);
    hand_out(d, t);
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

static void track_all(struct discovery *d, const struct discovery_plan *p)
{
    struct tracked **order = xcalloc(p->n + 1, sizeof *order);

    for (unsigned i = 0; i < p->n; i++)
        order[i] = track(d, p->services[i]);
    publisher_plan(d->publisher, order, p->n, p->tag, p->at_once);
}

static void on_plan(struct mail *m)
{
    struct discovery_plan *p = list_entry(m, struct discovery_plan, mail), *old;
    struct discovery *d = p->owner;

    if (d->stopping) {
        discovery_plan_let_go(&p);
        return;
    }
    d->plans++;
    registry_uses_begin(&d->registries);
    track_all(d, p);
    announcer_plan(d->announcer, p->registrations);
    drop_untracked(d);
    old = d->plan;
    d->plan = p;
    registry_uses_sweep(&d->registries);
    registry_uses_hold(&d->registries, old);
    discovery_plan_let_go(&old);
}

static void on_released(void *owner, void *tag)
{
    struct discovery *d = owner;

    if (d->options.on_release != NULL)
        d->options.on_release(d->options.arg, tag);
}

void discovery_plan(struct discovery *d, const struct discovery_service *const *services, unsigned n,
                    const struct sc_list *registrations, void *tag, bool at_once)
{
    struct discovery_plan *p = discovery_plan_new(services, n, registrations, tag);

    p->mail.fn = on_plan;
    p->owner = d;
    p->released = on_released;
    p->at_once = at_once;
    loop_post(d->loop, &p->mail);
}

/* --- services of this host --- */

static struct registry_use *on_registry(void *arg, const struct registry *conf)
{
    struct discovery *d = arg;

    return registry_uses_get(&d->registries, conf);
}

static void on_registrations_changed(void *arg)
{
    struct discovery *d = arg;

    publisher_registrations_changed(d->publisher);
}

static void tell_withdrawn(struct discovery *d)
{
    if (!d->withdrawing || !announcer_is_empty(d->announcer))
        return;
    d->withdrawing = false;
    d->options.on_withdrawn(d->options.arg);
}

static void on_registrations_gone(void *arg)
{
    struct discovery *d = arg;

    registry_uses_sweep(&d->registries);
    tell_withdrawn(d);
}

static void on_announce(struct mail *m)
{
    struct discovery *d = list_entry(m, struct discovery, announce);

    if (!d->stopping)
        announcer_begin(d->announcer);
}

static void on_withdraw(struct mail *m)
{
    struct discovery *d = list_entry(m, struct discovery, withdraw);

    if (d->stopping)
        return;
    d->withdrawing = true;
    announcer_withdraw(d->announcer);
    tell_withdrawn(d);
}

void discovery_announce(struct discovery *d)
{
    loop_post(d->loop, &d->announce);
}

void discovery_withdraw(struct discovery *d)
{
    loop_post(d->loop, &d->withdraw);
}

/* What is said of one of them. */
struct report {
    struct mail mail;
    struct discovery *d;
    char *id, *text;
    enum enrol_standing standing;
};

static void post_report(struct discovery *d, void (*fn)(struct mail *m), const char *id, enum enrol_standing standing,
                        const char *text)
{
    struct report *r = xnew(struct report);

    *r = (struct report){ { .fn = fn }, d, xstrdup(id), xstrdup(text), standing };
    loop_post(d->loop, &r->mail);
}

static void report_free(struct report *r)
{
    free(r->id);
    free(r->text);
    free(r);
}

static void on_report(struct mail *m)
{
    struct report *r = list_entry(m, struct report, mail);

    if (!r->d->stopping)
        announcer_report(r->d->announcer, r->id, r->standing, r->text);
    report_free(r);
}

static void on_maintain(struct mail *m)
{
    struct report *r = list_entry(m, struct report, mail);

    if (!r->d->stopping)
        announcer_maintain(r->d->announcer, r->id, r->text);
    report_free(r);
}

void discovery_report(struct discovery *d, const char *id, enum enrol_standing standing, const char *note)
{
    post_report(d, on_report, id, standing, note);
}

void discovery_maintain(struct discovery *d, const char *id, const char *why)
{
    post_report(d, on_maintain, id, ENROL_UNKNOWN, why);
}

/* --- the thread --- */

static void on_stopped(struct timer *t)
{
    loop_stop(list_entry(t, struct discovery, stop_wait)->loop);
}

static void keep_last(struct discovery *d)
{
    struct map_item *item;

    if (d->store == NULL)
        return;
    for (unsigned i = 0; (item = map_next(&d->services, &i)) != NULL;)
        tracked_keep_last(item->value);
    store_flush(d->store);
}

/* Letters that are under way (jobs, tables) come in during one more turn. */
static void on_stop(struct mail *m)
{
    struct discovery *d = list_entry(m, struct discovery, stop);

    d->stopping = true;
    d->plans++;
    keep_last(d);
    publisher_close(d->publisher);
    drop_untracked(d);
    announcer_free(&d->announcer);
    registry_uses_sweep(&d->registries);
    prober_free(&d->prober);
    resolver_free(&d->resolver);
    curlmux_free(&d->curl);
    store_free(&d->store);
    hands_free(&d->hands);
    discovery_plan_let_go(&d->plan);
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

/* Who is asked, who answers, and what comes of it. */
static void make_parts(struct discovery *d)
{
    d->resolver = resolver_new(d->loop, d->options.offload);
    d->curl = curlmux_new(d->loop);
    d->prober = prober_new(d->loop, d->curl);
    d->announcer = announcer_new(d->loop, d->prober, &(struct announcer_hooks){ d, on_registry, on_registrations_changed,
                                                                                on_registrations_gone });
    d->hands = hands_new(d->loop, on_hands, d);
    if (d->state_dir != NULL)
        d->store = store_new(d->state_dir, d->loop, d->options.offload, &d->kept);
    d->publisher = publisher_new(&(struct publisher_options){
        .loop = d->loop, .announcer = d->announcer, .first_wait = d->options.first_wait,
        .arg = d->options.arg, .on_table = d->options.on_table });
    registry_uses_init(&d->registries, d->loop, d->curl);
    d->registries.node = d->node;
    d->registries.zone = d->zone;
}

struct discovery *discovery_start(const struct discovery_options *options)
{
    struct discovery *d = xnew(struct discovery);

    d->options = *options;
    d->state_dir = xstrdup(options->state_dir);
    if (d->options.first_wait == 0)
        d->options.first_wait = FIRST_WAIT;
    d->node = xstrdup(options->node);
    d->zone = xstrdup(options->zone);
    d->loop = loop_new();
    d->services = (struct map)MAP_INIT;
    make_parts(d);
    d->stop_wait.fn = on_stopped;
    d->stop.fn = on_stop;
    d->announce.fn = on_announce;
    d->withdraw.fn = on_withdraw;
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
    publisher_free(&d->publisher);
    map_fini(&d->services);
    free(d->state_dir);
    loop_free(&d->loop);
    free(d->node);
    free(d->zone);
    free(d);
}
