/* sidecar/daemon/reload.c - another configuration while the process runs.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   reload      read, check, open what is new, build the plan: whatever fails, everything stays as it was
 *   adopt       each worker begins with the new listeners and accepts no more from those that are gone
 *   in force    when all have done so, the first worker accepts what waits in the queues of those, and, after a moment for
 *               those who are half connected, shuts them
 *
 * One reload at a time: HUP in between is one more reload afterwards. So a listener that is gone has no socket any more when
 * its address comes again, and a worker never misses a plan. */
#include "daemon/control_priv.h"

#include "base/alloc.h"
#include "base/log.h"
#include "conf/describe.h"
#include "loop/handed.h"
#include "loop/listen.h"
#include "telemetry/writer.h"

#include <stdlib.h>

enum { LULL_MS = 100, LULL_LOCAL_MS = 5 };

static const struct listener_conf *conf_of(const struct config *config, unsigned i)
{
    return (const struct listener_conf *)config->listeners.at + i;
}

/* ---- listeners ---- */

static void drop(struct listener **all, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        listener_unref(&all[i]);
    free(all);
}

/* An address is its listener's, whatever that is called: so two listeners may also change their names. */
static struct listener *open_already(const struct control *c, const char *address)
{
    for (unsigned i = 0; i < c->nlisteners; i++)
        if (strcmp(c->listeners[i]->address, address) == 0)
            return listener_ref(c->listeners[i]);
    return NULL;
}

static bool has(struct listener *const *all, unsigned n, const struct listener *l)
{
    for (unsigned i = 0; i < n; i++)
        if (all[i] == l)
            return true;
    return false;
}

static bool may_serve(const struct listener_conf *l, struct conf_report *report)
{
    if (l->peers == PEERS_TRUSTED || pump_has_seam())
        return true;
    report_error(report, NULL, "listeners", "%s: its peers are not trusted, and this build cannot check their requests "
                 "before they are parsed: say `peers: trusted` or use a build with the transport seam", l->name);
    return false;
}

/* What is to go keeps its port until the configuration without it is in force. */
static void explain(const struct control *c, const struct listener_conf *l, struct sc_error *e)
{
    const char *port = strrchr(l->address, ':');

    for (unsigned i = 0; i < c->nlisteners && port != NULL; i++) {
        const char *taken = strrchr(c->listeners[i]->text, ':');

        if (!c->listeners[i]->local && taken != NULL && strcmp(port, taken) == 0) {
            sc_error_wrap(e, "%s has this port, on %s, until a configuration without it is in force",
                          conf_of(c->config, i)->name, c->listeners[i]->text);
            return;
        }
    }
}

static struct listener *open_one(struct control *c, const struct listener_conf *l, struct conf_report *report)
{
    struct listener *opened = open_already(c, l->address);
    struct sc_error e = SC_ERROR_INIT;

    if (opened == NULL)
        opened = listener_open(l->address, c->nworkers, 0, &e);
    if (opened == NULL) {
        explain(c, l, &e);
        report_error(report, NULL, "listeners", "%s: %s", l->name, e.text);
    } else if (!may_serve(l, report)) {
        listener_unref(&opened);
    }
    return opened;
}

struct listener **control_listeners(struct control *c, const struct config *config, struct conf_report *report)
{
    struct listener **all = xcalloc(config->listeners.n, sizeof(struct listener *));

    for (unsigned i = 0; i < config->listeners.n; i++) {
        all[i] = open_one(c, conf_of(config, i), report);
        if (all[i] == NULL) {
            drop(all, i);
            return NULL;
        }
    }
    return all;
}

void control_set_listeners(struct control *c, struct listener **now, const struct config *config)
{
    struct listener **was = c->listeners;
    unsigned nwas = c->nlisteners;

    c->listeners = now;
    c->nlisteners = config->listeners.n;
    c->gone = xcalloc(nwas, sizeof(struct listener *));
    for (unsigned i = 0; i < c->nlisteners; i++)
        if (!has(was, nwas, now[i]))
            log_info("listener %s on %s", conf_of(config, i)->name, now[i]->text);
    for (unsigned i = 0; i < nwas; i++)
        if (!has(now, c->nlisteners, was[i])) {
            log_info("listener on %s is gone; connections that it has: %u", was[i]->text,
                     atomic_load(&was[i]->connections));
            c->gone[c->ngone++] = listener_ref(was[i]);
        }
    drop(was, nwas);
}

/* ---- reading it again ---- */

static bool needs_restart(const struct config *was, const struct config *now, struct conf_report *report)
{
    struct buf key = BUF_INIT;
    bool needed = conf_needs_restart(config_fields, was, now, &key);

    if (needed)
        report_error(report, NULL, "", "restart needed: %s", key.p);
    buf_fini(&key);
    return needed;
}

/* Last of all that may fail: it is in force at once. */
static bool apply_log(struct control *c, const struct config *config, struct conf_report *report)
{
    struct sc_error e = SC_ERROR_INIT;

    if (process_log_apply(c->writer, &config->telemetry.log, &e))
        return true;
    report_error(report, NULL, "telemetry.log", "%s", e.text);
    return false;
}

/* NULL: nothing has changed. */
static struct plan *next_plan(struct control *c, struct conf_report *report)
{
    struct config *config = config_load(c->path, report);
    struct listener **listeners = NULL;
    struct named_list named;
    struct plan_options o;
    struct plan *plan = NULL;
    unsigned n;

    if (config == NULL)
        return NULL;
    n = config->listeners.n;
    if (!needs_restart(c->config, config, report))
        listeners = control_listeners(c, config, report);
    if (listeners == NULL) {
        config_unref(&config);
        return NULL;
    }
    named = control_naming_for(c, config);
    o = (struct plan_options){ listeners, named.at, named.n, c->plan, c->nworkers, c->writer, c->metrics };
    plan = plan_build(config, &o, report);
    if (plan != NULL && !apply_log(c, plan->config, report)) {
        plan_free(plan);
        plan = NULL;
    }
    if (plan == NULL) {
        drop(listeners, n);
        control_naming_drop(&named);
        return NULL;
    }
    control_set_listeners(c, listeners, plan->config);
    control_naming_take(c, &named);
    return plan;
}

static void reload(struct control *c)
{
    struct conf_report report;
    struct buf text = BUF_INIT;
    struct plan *plan;

    handed_notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_ns() / 1000);
    report_init(&report);
    plan = next_plan(c, &report);
    control_print(&report, true);
    report_print(&report, &text);
    report_fini(&report);
    control_orders_judged(c, buf_view(&text), plan != NULL);
    buf_fini(&text);
    atomic_store(&c->reload_failed, plan == NULL);
    if (plan != NULL) {
        control_run_plan(c, plan);
        log_info("configuration %s loaded again: generation %llu", c->path, (unsigned long long)c->generation);
    } else {
        log_error("the configuration has mistakes: the one before stays in force");
        control_notify(c);
    }
}

void control_reload(struct control *c)
{
    if (c->phase > RUNNING) {
        log_info("stopping: the configuration is not read again");
        control_orders_refuse(c, "the process is stopping");
    } else if (c->changing) {
        log_info("the configuration is read again when the one before is in force");
        c->reload_wanted = true;
    } else {
        reload(c);
    }
}

/* ---- in force ---- */

static void on_change_over(struct control *c)
{
    c->changing = false;
    if (c->generation > c->said)
        log_info("generation %llu is in force", (unsigned long long)c->generation);
    c->said = c->generation;
    control_notify(c);
    control_orders_in_force(c);
    if (c->patient)
        timer_start(c->loop, &c->delay, 0);
    if (c->phase != RUNNING)
        control_orders_refuse(c, "the process is stopping");
    if (c->reload_wanted && c->phase == RUNNING) {
        c->reload_wanted = false;
        reload(c);
    }
    if (!c->changing)
        control_naming_in_force(c);
}

/* Whoever has heard from the kernel, but has not been heard by it, is in no queue yet: a close would reset them. */
sc_msec control_lull(struct listener *const *all, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!all[i]->handed && !listener_is_local(all[i]->address))
            return LULL_MS;
    return LULL_LOCAL_MS;
}

static void shut(struct control *c, enum drain stage)
{
    c->shutting_to = stage;
    c->shutting = c->ngone;
    for (unsigned i = 0; i < c->ngone; i++)
        worker_shut(c->workers[0], listener_ref(c->gone[i]), stage);
}

void control_shutting_lull_over(struct timer *t)
{
    shut(list_entry(t, struct control, shutting_lull), DRAIN_SHUT);
}

static void forget_gone(struct control *c)
{
    drop(c->gone, c->ngone);
    c->gone = NULL;
    c->ngone = 0;
}

static void on_shut(struct control *c)
{
    if (--c->shutting > 0)
        return;
    if (c->shutting_to == DRAIN_REST) {
        timer_start(c->loop, &c->shutting_lull, control_lull(c->gone, c->ngone));
        return;
    }
    forget_gone(c);
    on_change_over(c);
}

void control_shut(void *arg, unsigned worker)
{
    (void)worker;
    control_post(arg, on_shut);
}

void control_in_force(struct control *c)
{
    control_announce(c);
    if (c->ngone > 0) {
        shut(c, DRAIN_REST);
        return;
    }
    forget_gone(c);
    on_change_over(c);
}
