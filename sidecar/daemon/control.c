/* sidecar/daemon/control.c - the life of the process.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Birth: configuration, log, listeners, plan, workers, discovery; its first table makes the first snapshot; when every
 * worker has it, the process is ready. Death: not ready, `delay`, drain, deadline; workers, admin, discovery, writer. */
#include "daemon/control.h"

#include "admin/admin.h"
#include "base/alloc.h"
#include "base/log.h"
#include "conf/describe.h"
#include "daemon/cpus.h"
#include "daemon/version.h"
#include "discovery/manager.h"
#include "loop/curlmux.h"
#include "loop/handed.h"
#include "loop/mhdpump.h"
#include "loop/offload.h"
#include "proxy/worker.h"
#include "telemetry/writer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>

enum { OFFLOAD_THREADS = 2, OFFLOAD_WAITING = 1024, OFFLOAD_PATIENCE_MS = 1000, WRITER_FLUSH_MS = 2000, STALL_MS = 5000 };

enum phase { STARTING, RUNNING, DELAYING, DRAINING, STOPPED };

struct control {
    const char *path;
    struct loop *loop;
    struct io signals;
    enum phase phase;
    struct config *config;              /* of the plan that runs; a reference */
    struct plan *plan;                  /* a reference */
    uint64_t generation;
    struct writer *writer;
    struct offload *offload;
    struct discovery *discovery;
    struct admin *admin;
    struct admin_state admin_state;
    struct listener **listeners;
    unsigned nlisteners;
    struct sc_worker **workers;
    unsigned nworkers, adopted;
    enum drain stage;                   /* of the end */
    unsigned waiting_for;               /* workers, in that stage */
    sc_msec deadline;
    struct timer delay;
    sc_msec started_wall;
    int exit_code;
    /* for the admin thread */
    _Atomic(enum phase) phase_seen;
    atomic_bool targets_seen;
    atomic_ullong generation_seen;
    /* plans that nobody uses any more */
    pthread_mutex_t graves_lock;
    struct plan *graves;
    struct mail dig;
    atomic_bool digging;
};

static void set_phase(struct control *c, enum phase p)
{
    c->phase = p;
    atomic_store(&c->phase_seen, p);
}

/* ---- letters from other threads ---- */

struct letter {
    struct mail mail;
    struct control *control;
    void (*fn)(struct control *c);
};

static void on_letter(struct mail *m)
{
    struct letter *l = list_entry(m, struct letter, mail);

    l->fn(l->control);
    free(l);
}

static void post(struct control *c, void (*fn)(struct control *c))
{
    struct letter *l = xnew(struct letter);

    *l = (struct letter){ { .fn = on_letter }, c, fn };
    loop_post(c->loop, &l->mail);
}

/* ---- graves ---- */

static void dig(struct control *c)
{
    struct plan *p;

    pthread_mutex_lock(&c->graves_lock);
    p = c->graves;
    c->graves = NULL;
    pthread_mutex_unlock(&c->graves_lock);
    while (p != NULL) {
        struct plan *next = p->next;

        plan_free(p);
        p = next;
    }
}

static void on_dig(struct mail *m)
{
    struct control *c = list_entry(m, struct control, dig);

    atomic_store(&c->digging, false);
    dig(c);
}

/* The letter is control's own: the last plan is buried when nobody reads letters any more. */
static void bury(struct plan *p)
{
    struct control *c = p->owner;

    pthread_mutex_lock(&c->graves_lock);
    p->next = c->graves;
    c->graves = p;
    pthread_mutex_unlock(&c->graves_lock);
    if (!atomic_exchange(&c->digging, true))
        loop_post(c->loop, &c->dig);
}

/* ---- ready ---- */

static void notify_status(struct control *c)
{
    handed_notify("READY=1\nSTATUS=generation %llu, %u routes, %u services",
                  (unsigned long long)c->generation, c->config->routes.n, c->config->services.n);
}

static void on_worker_adopted(struct control *c)
{
    if (c->phase != STARTING || ++c->adopted < c->nworkers)
        return;
    set_phase(c, RUNNING);
    process_log_started();
    log_info("ready: %u workers, %u routes, %u services", c->nworkers, c->config->routes.n, c->config->services.n);
    notify_status(c);
}

static void adopted(void *arg, unsigned worker, const struct snapshot *s)
{
    struct control *c = arg;

    (void)worker;
    if (!atomic_exchange(&c->targets_seen, true) || atomic_load(&c->phase_seen) == STARTING)
        post(c, on_worker_adopted);
    atomic_store(&c->generation_seen, s->plan->config->generation);
}

static void on_stage_over(struct control *c);

static void drained(void *arg, unsigned worker, enum drain stage)
{
    (void)worker;
    (void)stage;                        /* control asks for one stage at a time */
    post(arg, on_stage_over);
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

/* Puts a plan into force: discovery makes the snapshot. */
static void run_plan(struct control *c, struct plan *p)
{
    p->owner = c;
    p->bury = bury;
    plan_unref(&c->plan);
    c->plan = plan_ref(p);
    c->config = p->config;
    discovery_plan(c->discovery, p->watched, p->nservices, p);
}

/* ---- the configuration ---- */

static void print_report(struct conf_report *report, bool to_log)
{
    struct buf text = BUF_INIT;
    struct sc_str rest, line;

    report_print(report, &text);
    rest = buf_view(&text);
    if (!to_log)
        fwrite(rest.p == NULL ? "" : rest.p, 1, rest.n, stderr);
    else
        while (rest.n > 0 && str_split(&rest, '\n', &line))
            if (line.n > 0)
                log_line(report->errors > 0 ? LOG_ERROR_ : LOG_WARN_, "%.*s", STR_ARG(line));
    buf_fini(&text);
}

static struct config *load(struct control *c, struct conf_report *report)
{
    struct config *config = config_load(c->path, report);

    if (config != NULL)
        config->generation = ++c->generation;
    return config;
}

static bool same_listeners(const struct config *a, const struct config *b)
{
    const struct listener_conf *x = a->listeners.at, *y = b->listeners.at;

    if (a->listeners.n != b->listeners.n)
        return false;
    for (unsigned i = 0; i < a->listeners.n; i++)
        if (strcmp(x[i].name, y[i].name) != 0 || strcmp(x[i].address, y[i].address) != 0)
            return false;
    return true;
}

static bool needs_restart(const struct config *was, const struct config *now, struct conf_report *report)
{
    struct buf key = BUF_INIT;
    bool needed = conf_needs_restart(config_fields, was, now, &key);

    if (!needed && !same_listeners(was, now)) {
        buf_puts(&key, "listeners");
        needed = true;
    }
    if (needed)
        report_error(report, NULL, "", "restart needed: %s", key.p);
    buf_fini(&key);
    return needed;
}

static void reload(struct control *c)
{
    struct conf_report report;
    struct config *config;
    struct sc_error e = SC_ERROR_INIT;
    struct plan *plan = NULL;

    handed_notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_ns() / 1000);
    report_init(&report);
    config = load(c, &report);
    if (config != NULL && needs_restart(c->config, config, &report))
        config_unref(&config);
    if (config != NULL)
        plan = plan_build(config, c->listeners, c->plan, c->nworkers, c->writer, &report);
    print_report(&report, true);
    report_fini(&report);
    if (plan != NULL) {
        if (!process_log_apply(c->writer, &config->telemetry.log, &e))
            log_error("telemetry.log: %s; the log stays where it was", e.text);
        log_info("configuration %s loaded again: generation %llu", c->path, (unsigned long long)c->generation);
        run_plan(c, plan);
    } else {
        log_error("the configuration has mistakes: the one before stays in force");
    }
    notify_status(c);
}

/* ---- the end ---- */

/* One stage of the workers' end after the other; the rest of the queue of connections is for the first worker alone. */
static void drain(struct control *c, enum drain stage)
{
    c->stage = stage;
    c->waiting_for = stage == DRAIN_REST ? 1 : c->nworkers;
    for (unsigned i = 0; i < c->waiting_for; i++)
        worker_drain(c->workers[i], stage, c->deadline);
}

static void on_stage_over(struct control *c)
{
    if (--c->waiting_for > 0)
        return;
    if (c->stage != DRAIN_END) {
        drain(c, c->stage + 1);
        return;
    }
    set_phase(c, STOPPED);
    loop_stop(c->loop);
}

static void on_delay_over(struct timer *t)
{
    struct control *c = list_entry(t, struct control, delay);

    set_phase(c, DRAINING);
    drain(c, DRAIN_QUIET);
}

static void stop_gently(struct control *c)
{
    log_info("stopping: %s", c->config->shutdown.delay > 0 ? "not ready any more, still accepting" : "draining");
    set_phase(c, DELAYING);
    c->deadline = c->config->shutdown.deadline;
    for (unsigned i = 0; i < c->nworkers; i++)
        worker_drain(c->workers[i], DRAIN_LAST_ANSWERS, 0);
    timer_start(c->loop, &c->delay, c->config->shutdown.delay);
}

static void stop_at_once(struct control *c)
{
    log_info("stopping at once");
    timer_stop(&c->delay);
    c->deadline = 0;
    if (c->phase != DRAINING) {
        set_phase(c, DRAINING);
        drain(c, DRAIN_QUIET);
    } else if (c->stage == DRAIN_END) {
        for (unsigned i = 0; i < c->nworkers; i++)
            worker_drain(c->workers[i], DRAIN_END, 0);
    }
}

static void stop(struct control *c, bool at_once)
{
    handed_notify("STOPPING=1");
    if (c->phase <= RUNNING && !at_once)
        stop_gently(c);
    else if (c->phase < STOPPED)
        stop_at_once(c);
}

static void dump(struct control *c)
{
    unsigned in_flight = 0;

    for (unsigned i = 0; i < c->nworkers; i++)
        in_flight += atomic_load(&c->workers[i]->in_flight);
    log_info("state: generation %llu, %u requests in flight", (unsigned long long)c->generation, in_flight);
    for (unsigned i = 0; i < c->nlisteners; i++)
        log_info("state: listener %s on %s: %u connections", c->listeners[i]->name, c->listeners[i]->text,
                 atomic_load(&c->listeners[i]->connections));
}

static void on_signal(struct io *io, uint32_t events)
{
    struct control *c = list_entry(io, struct control, signals);
    struct signalfd_siginfo s;

    (void)events;
    if (read(io->fd, &s, sizeof s) != (ssize_t)sizeof s)
        return;
    switch (s.ssi_signo) {
    case SIGHUP:
        if (c->phase == RUNNING)
            reload(c);
        break;
    case SIGTERM:
        stop(c, c->phase > RUNNING);
        break;
    case SIGINT:
        stop(c, true);
        break;
    case SIGUSR1:
        writer_reopen(c->writer);
        break;
    case SIGUSR2:
        dump(c);
        break;
    }
}

/* Before any thread, so that all of them inherit the mask. */
static bool catch_signals(struct control *c)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    c->signals = (struct io){ on_signal, signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC) };
    return c->signals.fd >= 0 && io_add(c->loop, &c->signals, EPOLLIN);
}

/* ---- the beginning ---- */

static void facts(void *arg, struct admin_facts *f)
{
    struct control *c = arg;
    enum phase p = atomic_load(&c->phase_seen);

    *f = (struct admin_facts){
        .started = p != STARTING, .listening = p == RUNNING || p == DELAYING, .targets = atomic_load(&c->targets_seen),
        .draining = p > RUNNING, .workers = c->nworkers, .generation = atomic_load(&c->generation_seen),
        .started_wall_ms = c->started_wall,
    };
    for (unsigned i = 0; i < c->nworkers; i++) {
        f->in_flight += atomic_load_explicit(&c->workers[i]->in_flight, memory_order_relaxed);
        if (clock_mono_ms() - (sc_msec)atomic_load_explicit(&c->workers[i]->turned_ms, memory_order_relaxed) > STALL_MS)
            f->stalled++;
    }
}

static struct discovery_status *services_now(void *arg)
{
    struct control *c = arg;

    return discovery_status(c->discovery);
}

static bool start_admin(struct control *c)
{
    struct sc_error e = SC_ERROR_INIT;

    c->admin_state = (struct admin_state){
        .arg = c, .facts = facts, .node = c->config->node.name, .zone = c->config->node.zone,
        .version = PACKAGE_VERSION, .libraries = version_libraries(), .degraded = version_degraded(),
        .services = services_now,
    };
    c->admin = admin_start(&c->config->admin, &c->admin_state, &e);
    if (c->admin == NULL)
        log_error("admin: %s", e.text);
    return c->admin != NULL;
}

static void raise_descriptors(void)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
}

static bool open_listeners(struct control *c)
{
    const struct listener_conf *conf = c->config->listeners.at;
    struct sc_error e = SC_ERROR_INIT;

    c->listeners = xcalloc(c->config->listeners.n, sizeof(struct listener *));
    for (unsigned i = 0; i < c->config->listeners.n; i++) {
        c->listeners[i] = listener_open(conf[i].name, conf[i].address, c->nworkers, 0, &e);
        if (c->listeners[i] == NULL) {
            log_error("listener %s: %s", conf[i].name, e.text);
            return false;
        }
        c->nlisteners++;
        if (conf[i].peers != PEERS_TRUSTED && !pump_has_seam()) {
            log_error("listener %s: its peers are not trusted, and this build cannot check their requests before they "
                      "are parsed: say `peers: trusted` or use a build with the transport seam", conf[i].name);
            return false;
        }
        log_info("listener %s on %s", conf[i].name, c->listeners[i]->text);
    }
    listener_close_unused();
    return true;
}

static bool start_workers(struct control *c)
{
    struct worker_events events = { c, adopted, drained };

    c->workers = xcalloc(c->nworkers, sizeof(struct sc_worker *));
    for (unsigned i = 0; i < c->nworkers; i++)
        c->workers[i] = worker_new(i, c->nworkers, c->workers, c->writer, &events);
    for (unsigned i = 0; i < c->nworkers; i++)
        if (!worker_start(c->workers[i]))
            return false;
    return true;
}

static bool start(struct control *c, struct config *config, struct conf_report *report)
{
    struct discovery_options discovery = { .arg = c, .on_table = on_table, .on_release = on_release };
    struct sc_error e = SC_ERROR_INIT;
    struct plan *plan;

    c->config = config;
    c->nworkers = config->workers > 0 ? (unsigned)config->workers : cpus_allowed();
    raise_descriptors();
    c->writer = writer_start();
    if (!process_log_apply(c->writer, &config->telemetry.log, &e)) {
        log_error("telemetry.log: %s", e.text);
        return false;
    }
    log_info("outrider %s starts with %s", PACKAGE_VERSION, c->path);
    for (const char *const *d = version_degraded(); *d != NULL; d++)
        log_warn("degraded: %s", *d);
    if (!pump_init() || !curlmux_init() || !open_listeners(c))
        return false;
    plan = plan_build(config, c->listeners, NULL, c->nworkers, c->writer, report);
    print_report(report, true);
    if (plan == NULL) {
        c->config = NULL;
        c->exit_code = EX_CONFIG;
        return false;
    }
    c->plan = plan_ref(plan);
    c->offload = offload_new(OFFLOAD_THREADS, OFFLOAD_WAITING);
    discovery.offload = c->offload;
    c->discovery = discovery_start(&discovery);
    if (!start_workers(c) || !start_admin(c)) {
        plan_unref(&plan);
        return false;
    }
    run_plan(c, plan);
    return true;
}

static void end(struct control *c)
{
    for (unsigned i = 0; i < c->nworkers && c->workers != NULL; i++)
        worker_stop(c->workers[i]);
    loop_read_mail(c->loop);
    admin_stop(&c->admin);
    for (unsigned i = 0; i < c->nworkers && c->workers != NULL; i++)
        worker_free(&c->workers[i]);
    free(c->workers);
    if (c->discovery != NULL)
        discovery_stop(&c->discovery);
    offload_free(&c->offload, OFFLOAD_PATIENCE_MS);
    plan_unref(&c->plan);
    dig(c);
    for (unsigned i = 0; i < c->nlisteners; i++) {
        listener_close(&c->listeners[i]);
    }
    free(c->listeners);
    log_info("stopped");
    process_log_stop();
    writer_stop(&c->writer, WRITER_FLUSH_MS);
}

int control_run(const struct run_options *options)
{
    struct control c = { .path = options->config, .exit_code = EX_OSERR, .graves_lock = PTHREAD_MUTEX_INITIALIZER };
    struct conf_report report;
    struct config *config;

    report_init(&report);
    config = load(&c, &report);
    if (config == NULL) {
        print_report(&report, false);
        report_fini(&report);
        return EX_CONFIG;
    }
    c.loop = loop_new();
    c.delay.fn = on_delay_over;
    c.dig.fn = on_dig;
    c.started_wall = clock_wall_ms();
    if (catch_signals(&c) && start(&c, config, &report)) {
        loop_run(c.loop);
        c.exit_code = EX_OK;
    }
    report_fini(&report);
    if (c.plan == NULL)                 /* no plan took it over */
        config_unref(&c.config);
    if (c.writer != NULL)
        end(&c);
    loop_free(&c.loop);
    return c.exit_code;
}
