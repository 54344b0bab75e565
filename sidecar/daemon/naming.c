/* sidecar/daemon/naming.c - services that paths have named: made when they are asked for, dropped when nobody does.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The plan in force is made again, with them or without them, of the same configuration; a few times a second at most, and
 * never while another one is on its way. To everybody else it is a plan like any other: what it has kept goes on. */
#include "daemon/control_priv.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/refs.h"
#include "proxy/named.h"

#include <stdlib.h>

enum {
    PACE_MS = 100,                      /* between two plans that differ in nothing but such services */
    SWEEP_MS = 1000,
    SPARE_MS = 10000,                   /* whoever was idle for so long makes room for another one */
};

static const struct named_conf *conf(const struct control *c)
{
    return &c->config->named_services;
}

static sc_msec idle_for(const struct control *c, const struct named *n)
{
    return loop_now(c->loop) - atomic_load_explicit(&n->used, memory_order_relaxed);
}

static void add(struct named_list *l, struct named *n)
{
    l->at = xrealloc(l->at, (l->n + 1) * sizeof(struct named *));
    l->at[l->n++] = n;
}

static void take_out(struct named_list *l, unsigned i)
{
    named_unref(&l->at[i]);
    l->at[i] = l->at[--l->n];
}

/* ---- plans ---- */

static void make_plan(struct control *c)
{
    struct plan_options o = { c->listeners, c->named.at, c->named.n, c->plan, c->nworkers, c->writer, c->metrics };
    struct conf_report report;
    struct plan *plan;

    c->naming_due = false;
    c->named_at = loop_now(c->loop);
    report_init(&report);
    plan = plan_build(config_ref(c->config), &o, &report);
    if (plan == NULL)
        control_print(&report, true);   /* whoever waits asks again, or gives up in time */
    else
        control_run_same(c, plan);
    report_fini(&report);
}

static void due(struct control *c)
{
    sc_msec wait = c->named_at + PACE_MS - loop_now(c->loop);

    c->naming_due = true;
    if (!c->changing && !c->naming.pending)
        timer_start(c->loop, &c->naming, wait > 0 && c->named_at > 0 ? wait : 0);
}

static bool plan_has_all(const struct control *c)
{
    unsigned there = 0;

    for (unsigned i = 0; i < c->named.n; i++)
        there += plan_find_named(c->plan, str_of(c->named.at[i]->name), c->named.at[i]->registry) != NULL;
    return there == c->named.n && there == c->plan->named.n;
}

static void on_due(struct timer *t)
{
    struct control *c = list_entry(t, struct control, naming);

    if (c->naming_due && !c->changing && c->phase < DRAINING && !plan_has_all(c))
        make_plan(c);
}

void control_naming_in_force(struct control *c)
{
    if (c->naming_due)
        due(c);
}

/* ---- dropping ---- */

static void on_sweep(struct timer *t)
{
    struct control *c = list_entry(t, struct control, naming_sweep);

    for (unsigned i = c->named.n; i-- > 0;)
        if (idle_for(c, c->named.at[i]) >= conf(c)->idle_timeout) {
            log_info("discovery: %s: nobody asks for it any more", c->named.at[i]->conf.discovery.name);
            take_out(&c->named, i);
            due(c);
        }
    if (c->named.n > 0)
        timer_start(c->loop, t, SWEEP_MS);
}

static bool has_room(struct control *c)
{
    unsigned longest = 0;

    if (c->named.n < (unsigned)conf(c)->max)
        return true;
    for (unsigned i = 1; i < c->named.n; i++)
        if (idle_for(c, c->named.at[i]) > idle_for(c, c->named.at[longest]))
            longest = i;
    if (idle_for(c, c->named.at[longest]) < SPARE_MS)
        return false;
    log_info("discovery: %s: makes room for another service", c->named.at[longest]->conf.discovery.name);
    take_out(&c->named, longest);
    return true;
}

/* ---- being asked ---- */

struct question {
    struct mail mail;
    struct control *control;
    unsigned worker;
    char *registry, *name;
};

static struct named *find(const struct named_list *l, const char *registry, const char *name)
{
    for (unsigned i = 0; i < l->n; i++)
        if (strcmp(l->at[i]->name, name) == 0 && strcmp(l->at[i]->registry, registry) == 0)
            return l->at[i];
    return NULL;
}

static void refuse(const struct question *q, enum naming why)
{
    char *key = xasprintf("%s@%s", q->name, q->registry);

    worker_refuse(q->control->workers[q->worker], key, why);
    free(key);
}

static void make(struct control *c, const struct question *q)
{
    struct sc_error e = SC_ERROR_INIT;
    struct named *n = named_new(c->config, q->registry, q->name, &e);

    if (n == NULL) {
        log_info("discovery: a path names %s of %s, which cannot be: %s", q->name, q->registry, e.text);
        refuse(q, NAMING_REFUSED);
        return;
    }
    atomic_store(&n->used, loop_now(c->loop));
    add(&c->named, n);
    if (!c->naming_sweep.pending)
        timer_start(c->loop, &c->naming_sweep, SWEEP_MS);
    due(c);
}

static void answer(struct control *c, const struct question *q)
{
    if (find(&c->named, q->registry, q->name) != NULL)
        due(c);                                         /* it is made; the worker has not seen the plan with it */
    else if (c->phase >= DRAINING || !named_is_wanted(c->config, q->registry, q->name))
        refuse(q, NAMING_REFUSED);                      /* a reload came in between */
    else if (!has_room(c))
        refuse(q, NAMING_FULL);
    else
        make(c, q);
}

static void on_question(struct mail *m)
{
    struct question *q = list_entry(m, struct question, mail);

    answer(q->control, q);
    free(q->registry);
    free(q->name);
    free(q);
}

void control_named(void *arg, unsigned worker, const char *registry, const char *name)
{
    struct control *c = arg;
    struct question *q = xnew(struct question);

    *q = (struct question){ { .fn = on_question }, c, worker, xstrdup(registry), xstrdup(name) };
    loop_post(c->loop, &q->mail);
}

void control_naming_init(struct control *c)
{
    c->naming.fn = on_due;
    c->naming_sweep.fn = on_sweep;
}

/* ---- reload ---- */

struct named_list control_naming_for(struct control *c, struct config *config)
{
    struct named_list list = { NULL, 0 };

    for (unsigned i = 0; i < c->named.n; i++) {
        const struct named *was = c->named.at[i];
        struct sc_error e = SC_ERROR_INIT;
        struct named *n;

        if (!named_is_wanted(config, was->registry, was->name))
            continue;
        n = named_new(config, was->registry, was->name, &e);
        if (n == NULL)
            continue;
        atomic_store(&n->used, atomic_load(&was->used));
        add(&list, n);
    }
    return list;
}

void control_naming_drop(struct named_list *list)
{
    while (list->n > 0)
        take_out(list, list->n - 1);
    free(list->at);
    list->at = NULL;
}

void control_naming_take(struct control *c, struct named_list *list)
{
    control_naming_drop(&c->named);
    c->named = *list;
    c->naming_due = false;
}
