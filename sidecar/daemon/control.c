/* sidecar/daemon/control.c - the life of the process.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   start.c    configuration, log, listeners, plan, workers, discovery and admin; discovery's first table makes the first
 *              snapshot; when every worker has it, the process is ready
 *   control.c  in between: signals, plans and when they are freed
 *   reload.c   another configuration, and the listeners that come and go with it
 *   watch.c    all the while: what the service manager hears of the workers, and of an end that takes its time
 *   stop.c     not ready, `delay`, drain in stages, deadline; workers, admin, discovery, writer
 *
 * Workers and discovery have threads of their own and write letters; everything is decided on this one. */
#include "daemon/control.h"

#include "base/alloc.h"
#include "base/log.h"
#include "daemon/control_priv.h"
#include "discovery/manager.h"
#include "loop/handed.h"
#include "telemetry/writer.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sysexits.h>

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

void control_post(struct control *c, void (*fn)(struct control *c))
{
    struct letter *l = xnew(struct letter);

    *l = (struct letter){ { .fn = on_letter }, c, fn };
    loop_post(c->loop, &l->mail);
}

/* ---- graves ---- */

void control_dig(struct control *c)
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
    control_dig(c);
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

/* ---- plans ---- */

/* What the admin pages show. */
static void show(struct control *c, struct plan *p)
{
    struct plan *was;

    pthread_mutex_lock(&c->admin_lock);
    was = c->shown;
    c->shown = plan_ref(p);
    pthread_mutex_unlock(&c->admin_lock);
    plan_unref(&was);
}

struct plan *control_shown(struct control *c)
{
    struct plan *shown;

    pthread_mutex_lock(&c->admin_lock);
    shown = c->shown == NULL ? NULL : plan_ref(c->shown);
    pthread_mutex_unlock(&c->admin_lock);
    return shown;
}

static void put_plan(struct control *c, struct plan *p, bool at_once)
{
    p->owner = c;
    p->bury = bury;
    plan_unref(&c->plan);
    c->plan = plan_ref(p);
    show(c, p);
    c->changing = true;
    c->adopted = 0;
    discovery_plan(c->discovery, p->watched, p->nservices, &p->config->registrations, p, at_once);
}

void control_run_plan(struct control *c, struct plan *p)
{
    c->config = p->config;
    c->config->generation = ++c->generation;
    atomic_store(&c->loaded_wall, clock_wall_ms());
    put_plan(c, p, false);
}

void control_run_same(struct control *c, struct plan *p)
{
    put_plan(c, p, true);
}

void control_announce(struct control *c)
{
    if (!c->announced && !c->withdrawn)
        discovery_announce(c->discovery);
    c->announced = true;
}

void control_notify(struct control *c)
{
    handed_notify("READY=1\nSTATUS=generation %llu, %u routes, %u services",
                  (unsigned long long)c->generation, c->config->routes.n, c->config->services.n);
}

/* ---- the configuration ---- */

void control_print(struct conf_report *report, bool to_log)
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

/* ---- signals ---- */

static void dump(struct control *c)
{
    log_info("state: generation %llu, %u requests in flight", (unsigned long long)c->generation, control_in_flight(c));
    for (unsigned i = 0; i < c->nlisteners; i++)
        log_info("state: listener %s on %s: %u connections",
                 ((const struct listener_conf *)c->config->listeners.at)[i].name, c->listeners[i]->text,
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
        control_reload(c);
        break;
    case SIGTERM:
        control_stop(c, c->phase > RUNNING);
        break;
    case SIGINT:
        control_stop(c, true);
        break;
    case SIGUSR1:
        writer_reopen(c->writer);
        break;
    case SIGUSR2:
        dump(c);
        break;
    }
}

/* Before any thread, so that all of them inherit the mask, and before the configuration is read: HUP for a change that came
 * too late for that is not lost. */
static void hold_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGUSR1);
    sigaddset(set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool catch_signals(struct control *c, const sigset_t *set)
{
    c->signals = (struct io){ on_signal, signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC) };
    return c->signals.fd >= 0 && io_add(c->loop, &c->signals, EPOLLIN);
}

/* What a large answer of a registry takes is the system's again once it is freed. Left to itself, the allocator keeps what
 * is as large as something that was freed before. Requests take nothing of that size. */
static void give_back_large_blocks(void)
{
    mallopt(M_MMAP_THRESHOLD, 512 << 10);
}

int control_run(const struct run_options *options)
{
    struct control c = { .path = options->config, .exit_code = EX_OSERR, .graves_lock = PTHREAD_MUTEX_INITIALIZER,
                         .admin_lock = PTHREAD_MUTEX_INITIALIZER };
    struct conf_report report;
    struct config *config;
    sigset_t signals;

    give_back_large_blocks();
    hold_signals(&signals);
    report_init(&report);
    config = config_load(c.path, &report);
    if (config == NULL) {
        control_print(&report, false);
        report_fini(&report);
        return EX_CONFIG;
    }
    c.loop = loop_new();
    c.delay.fn = control_delay_over;
    c.lull.fn = control_lull_over;
    c.withdrawal.fn = control_withdrawal_over;
    c.shutting_lull.fn = control_shutting_lull_over;
    c.dig.fn = on_dig;
    c.started_wall = clock_wall_ms();
    if (catch_signals(&c, &signals) && control_start(&c, config, &report)) {
        control_watch(&c);
        loop_run(c.loop);
        c.exit_code = EX_OK;
    }
    report_fini(&report);
    if (c.plan == NULL)                 /* no plan took it over */
        config_unref(&c.config);
    if (c.writer != NULL)
        control_end(&c);
    loop_free(&c.loop);
    return c.exit_code;
}
