/* discovery/health.c - active health checks: a second opinion on the targets of a service, wherever they came from.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A target serves until it is found unfit: the first check decides at once, after that it takes so many in a row. What is
 * found stands in the target (discovery thread only) and goes into the next set. */
#include "discovery/health.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/rand.h"
#include "discovery/backoff.h"
#include "discovery/probe.h"
#include "discovery/tracked.h"

#include <stdlib.h>

enum { FIRST_WITHIN = 1000 };       /* ms: a new target is checked this soon */

struct health {
    struct link link;               /* of tracked.checks */
    struct tracked *owner;
    struct target *target;
    struct probe probe;
    struct timer again;
    int64_t streak;                 /* results in a row that speak against what is thought of it */
    bool known;                     /* there was a result */
};

static const struct sc_enum types[] = { { "http", HEALTH_HTTP }, { "tcp", HEALTH_TCP }, { NULL, 0 } };

#define H struct health_conf
const struct sc_field health_fields[] = {
    SC_ENUM(H, type, .dflt = "http", .names = types,
            .doc = "`http`: a GET of `path`, over TLS where the target speaks it; a status of 200 to 299 passes. `tcp`: a "
                   "connection that comes about passes."),
    SC_STRING(H, path, .dflt = "/", .min = 1, .max = 1024, .doc = "What is asked for, with `type: http`."),
    SC_MSEC(H, interval, .dflt = "10s", .min = 100, .max = 3600000,
            .doc = "From the end of one check of a target to the next, give or take a tenth."),
    SC_MSEC(H, timeout, .dflt = "5s", .min = 10, .max = 60000, .doc = "What takes longer has failed."),
    SC_INT(H, healthy_threshold, .dflt = "2", .min = 1, .max = 100,
           .doc = "So many checks in a row must pass until an unhealthy target serves again."),
    SC_INT(H, unhealthy_threshold, .dflt = "3", .min = 1, .max = 100,
           .doc = "So many in a row must fail until a target is taken out. The very first check of a new target decides "
                  "at once."),
    SC_END
};
#undef H

void health_how(const struct discovery_service *s, bool tls, struct probe_how *how)
{
    const struct health_conf *c = s->health_check;

    if (c == NULL || c->type == HEALTH_TCP)
        return;
    how->path = c->path;
    how->secure = tls || s->tls.on;
    how->server_name = s->tls.server_name;
    how->tls = &s->tls.files;
}

static const struct health_conf *conf_of(const struct health *h)
{
    return h->owner->conf->health_check;
}

static void on_how(struct probe *p, struct probe_how *how)
{
    struct health *h = list_entry(p, struct health, probe);

    health_how(h->owner->conf, h->target->tls, how);
    how->timeout = conf_of(h)->timeout;
}

/* --- opinions --- */

static void change_mind(struct health *h, struct check_result r)
{
    char text[CHECK_TEXT_MAX];
    struct target *t = h->target;

    t->unfit = !t->unfit;
    h->streak = 0;
    if (t->unfit)
        log_warn("discovery: %s: %s is unhealthy: %s", h->owner->shared->name, t->address, check_print(text, r));
    else
        log_info("discovery: %s: %s is healthy", h->owner->shared->name, t->address);
    h->owner->dirty = true;
    h->owner->poke(h->owner);
}

static void judge(struct health *h, struct check_result r)
{
    const struct health_conf *c = conf_of(h);
    bool agrees = (r.outcome == CHECK_PASSED) != h->target->unfit;

    h->streak = agrees ? 0 : h->streak + 1;
    if (!agrees && (!h->known || h->streak >= (h->target->unfit ? c->healthy_threshold : c->unhealthy_threshold)))
        change_mind(h, r);
    h->known = true;
}

static void on_result(struct probe *p, struct check_result r)
{
    struct health *h = list_entry(p, struct health, probe);

    atomic_store_explicit(&h->target->last_check, check_pack(r, clock_wall_ms()), memory_order_relaxed);
    timer_start(h->owner->loop, &h->again, jitter(conf_of(h)->interval));
    judge(h, r);
}

static void on_again(struct timer *t)
{
    struct health *h = list_entry(t, struct health, again);

    probe_start(h->owner->prober, &h->probe);
}

/* --- which targets --- */

static void begin(struct tracked *t, struct target *target)
{
    sc_msec interval = t->conf->health_check->interval;
    struct health *h = xnew(struct health);

    h->owner = t;
    h->target = target_ref(target);
    h->again.fn = on_again;
    h->probe.host = target->host;
    address_of(&h->probe.at, (const struct sockaddr *)&target->sa, target->sa_len);
    h->probe.how = on_how;
    h->probe.done = on_result;
    target->health = h;
    list_push(&t->checks, &h->link);
    timer_start(t->loop, &h->again,
                (sc_msec)rand_below((uint64_t)(interval < FIRST_WITHIN ? interval : FIRST_WITHIN)));
}

static void end(struct health *h)
{
    struct target *target = h->target;

    if (target->unfit) {
        h->owner->dirty = true;             /* harmless when it is in no set any more */
        h->owner->poke(h->owner);
    }
    target->unfit = false;
    target->health = NULL;
    atomic_store_explicit(&target->last_check, 0, memory_order_relaxed);
    probe_stop(&h->probe);
    timer_stop(&h->again);
    list_remove(&h->link);
    target_unref(&h->target);
    loop_free_later(h->owner->loop, h);
}

/* A reload may have made the interval shorter. */
static void hurry(struct health *h)
{
    sc_msec interval = conf_of(h)->interval;

    if (h->again.pending && h->again.at - loop_now(h->owner->loop) > interval + interval / 10)
        timer_start(h->owner->loop, &h->again, jitter(interval));
}

void health_sync(struct tracked *t)
{
    const struct target_set *set = t->set;

    if (t->conf->health_check == NULL) {
        health_stop(t);
        return;
    }
    for (unsigned i = 0; i < set->n; i++)
        if (set->at[i].target->health == NULL)
            begin(t, set->at[i].target);
    list_each(it, &t->checks) {
        struct health *h = list_entry(it, struct health, link);

        if (h->target->built != set->version)
            end(h);
        else
            hurry(h);
    }
}

void health_stop(struct tracked *t)
{
    list_each(it, &t->checks)
        end(list_entry(it, struct health, link));
}
