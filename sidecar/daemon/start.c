/* sidecar/daemon/start.c - the birth of the process: from a configuration to being ready.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What can fail for reasons of the outside (log, listeners, admin) is said and ends the start. */
#include "daemon/control_priv.h"

#include "base/alloc.h"
#include "base/log.h"
#include "daemon/cpus.h"
#include "daemon/state.h"
#include "daemon/version.h"
#include "discovery/manager.h"
#include "loop/curlmux.h"
#include "loop/mhdpump.h"
#include "loop/offload.h"
#include "proxy/tally.h"
#include "telemetry/writer.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>

enum { OFFLOAD_THREADS = 2, OFFLOAD_WAITING = 1024, STALL_MS = 5000 };

/* ---- ready ---- */

static void on_worker_adopted(struct control *c)
{
    if (++c->adopted < c->nworkers)
        return;
    if (c->phase == STARTING) {
        control_set_phase(c, RUNNING);
        process_log_started();
        log_info("ready: %u workers, %u routes, %u services", c->nworkers, c->config->routes.n, c->config->services.n);
    }
    control_in_force(c);
}

static void adopted(void *arg, unsigned worker, const struct snapshot *s)
{
    struct control *c = arg;

    (void)worker;
    atomic_store(&c->targets_seen, true);
    atomic_store(&c->generation_seen, s->plan->config->generation);
    control_post(c, on_worker_adopted);
}

/* ---- discovery ---- */

static void on_table(void *arg, void *tag, struct table *table)
{
    struct control *c = arg;
    struct snapshot *s = snapshot_new(tag, table);

    for (unsigned i = 0; i < c->nworkers; i++)
        worker_post(c->workers[i], snapshot_ref(s));
    snapshot_unref(&s);
}

static void on_release(void *arg, void *tag)
{
    struct plan *p = tag;

    (void)arg;
    plan_unref(&p);
}

static void start_discovery(struct control *c, struct discovery_options *options)
{
    char *state_dir = state_directory(c->config->state_dir);

    if (state_dir == NULL)
        log_info("no state directory ($STATE_DIRECTORY, $XDG_STATE_HOME, $HOME): what registries say is not kept on disk");
    options->state_dir = state_dir;
    c->discovery = discovery_start(options);
    free(state_dir);
}

/* ---- admin ---- */

static void facts(void *arg, struct admin_facts *f)
{
    struct control *c = arg;
    enum phase p = atomic_load(&c->phase_seen);

    *f = (struct admin_facts){
        .started = p != STARTING, .listening = p >= RUNNING && p < DRAINING, .targets = atomic_load(&c->targets_seen),
        .draining = p > RUNNING, .workers = c->nworkers, .generation = atomic_load(&c->generation_seen),
        .started_wall_ms = c->started_wall, .in_flight = control_in_flight(c), .stalled = control_stalled(c, STALL_MS),
        .loaded_wall_ms = atomic_load(&c->loaded_wall), .reload_failed = atomic_load(&c->reload_failed),
    };
}

static struct discovery_status *services_now(void *arg)
{
    struct control *c = arg;

    return discovery_status(c->discovery);
}

static void report_for(void *arg, const char *id, enum enrol_standing standing, const char *note)
{
    struct control *c = arg;

    discovery_report(c->discovery, id, standing, note);
}

static void maintain_for(void *arg, const char *id, const char *why)
{
    struct control *c = arg;

    discovery_maintain(c->discovery, id, why);
}

static struct plan *plan_now(void *arg)
{
    return control_shown(arg);
}

static struct config *config_now(void *arg)
{
    struct plan *p = control_shown(arg);
    struct config *config = p == NULL ? NULL : config_ref(p->config);

    plan_unref(&p);
    return config;
}

static void on_drain(struct control *c)
{
    if (c->phase <= RUNNING)            /* asked again, it hurries nobody */
        control_stop(c, false);
}

static void drain(void *arg)
{
    control_post(arg, on_drain);
}

static void reload_for(void *arg, struct order *o)
{
    control_ask_reload(arg, o);
}

/* Workers accept nobody before there is an admin thread, and it ends after them. */
static void ask_admin(void *arg, struct reserved_ask *q)
{
    struct control *c = arg;

    admin_ask(c->admin, q);
}

static void hand(void *arg, const struct hand_order *o)
{
    struct control *c = arg;

    discovery_hand(c->discovery, o);
}

static void kept_now(void *arg, struct store_counts *to)
{
    struct control *c = arg;

    discovery_kept(c->discovery, to);
}

static bool start_admin(struct control *c)
{
    struct sc_error e = SC_ERROR_INIT;

    c->admin_state = (struct admin_state){
        .arg = c, .facts = facts, .node = c->config->node.name, .zone = c->config->node.zone,
        .version = PACKAGE_VERSION, .libraries = version_libraries(), .degraded = version_degraded(),
        .services = services_now, .hand = hand, .kept = kept_now, .config = config_now,
        .drain = drain, .reload = reload_for, .report = report_for, .maintain = maintain_for,
        .plan = plan_now, .metrics = c->metrics, .writer = c->writer,
    };
    c->admin = admin_start(&c->config->admin, &c->admin_state, &e);
    if (c->admin == NULL)
        log_error("admin: %s", e.text);
    return c->admin != NULL;
}

/* ---- descriptors, listeners, workers ---- */

static void raise_descriptors(void)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
}

static bool open_listeners(struct control *c, struct conf_report *report)
{
    struct listener **listeners = control_listeners(c, c->config, report);

    if (listeners == NULL) {
        control_print(report, true);
        return false;
    }
    control_set_listeners(c, listeners, c->config);
    listener_close_unused();
    return true;
}

static bool start_workers(struct control *c)
{
    struct worker_events events = { c, adopted, control_named, control_shut, control_drained, ask_admin };

    c->workers = xcalloc(c->nworkers, sizeof(struct sc_worker *));
    for (unsigned i = 0; i < c->nworkers; i++)
        c->workers[i] = worker_new(i, c->nworkers, c->workers, c->writer, &events);
    for (unsigned i = 0; i < c->nworkers; i++)
        if (!worker_start(c->workers[i]))
            return false;
    return true;
}

/* ---- everything ---- */

bool control_start(struct control *c, struct config *config, struct conf_report *report)
{
    struct discovery_options discovery = { .arg = c, .node = config->node.name, .zone = config->node.zone,
                                           .on_table = on_table, .on_withdrawn = control_withdrawn,
                                           .on_release = on_release };
    struct sc_error e = SC_ERROR_INIT;
    struct plan_options o;
    struct plan *plan;

    control_naming_init(c);
    c->said = 1;                        /* the first one is said by "ready" */
    c->config = config;
    c->nworkers = config->workers > 0 ? (unsigned)config->workers : cpus_allowed();
    raise_descriptors();
    /* Before there is a second thread: the library's socket calls, which are ours, look into a table that this makes. */
    if (!pump_init() || !curlmux_init())
        return false;
    c->writer = writer_start();
    c->metrics = tally_metrics_new(c->nworkers);
    if (!process_log_apply(c->writer, &config->telemetry.log, &e)) {
        log_error("telemetry.log: %s", e.text);
        return false;
    }
    log_info("outrider %s starts with %s", PACKAGE_VERSION, c->path);
    for (const char *const *d = version_degraded(); *d != NULL; d++)
        log_warn("degraded: %s", *d);
    if (!open_listeners(c, report))
        return false;
    o = (struct plan_options){ .sockets = c->listeners, .workers = c->nworkers, .writer = c->writer,
                               .metrics = c->metrics };
    plan = plan_build(config, &o, report);
    control_print(report, true);
    if (plan == NULL) {
        c->config = NULL;
        c->exit_code = EX_CONFIG;
        return false;
    }
    c->plan = plan_ref(plan);
    c->offload = offload_new(OFFLOAD_THREADS, OFFLOAD_WAITING);
    discovery.offload = c->offload;
    start_discovery(c, &discovery);
    if (!start_workers(c) || !start_admin(c)) {
        plan_unref(&plan);
        return false;
    }
    control_run_plan(c, plan);
    return true;
}
