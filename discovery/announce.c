/* discovery/announce.c - the services of this host, kept registered while the process runs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/announce.h"

#include "base/alloc.h"
#include "base/log.h"
#include "discovery/probe.h"
#include "discovery/registration.h"
#include "discovery/tracked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAVE_MAX = 30000 };         /* ms that one which a reload took away may take to leave; then its lease ends */

struct announcer {
    struct loop *loop;
    struct prober *prober;
    struct announcer_hooks hooks;
    struct link all;                /* of struct announced */
    struct task sweep;
    uint64_t plans;
    unsigned n;
    bool begun, withdrawn;
};

struct announced {
    struct link link;
    struct announcer *owner;
    struct registry_use *registry;
    struct entry entry;
    char *id, *name, *where;        /* copies, because it may outlive its configuration; where: the registry's name */
    int64_t port;
    struct enrol enrol;
    struct enrol_check check;
    struct probe probe;
    struct timer next;              /* the next word */
    struct timer again;             /* the next check; the end of the application's ttl; the end of patience with leaving */
    uint64_t seen;                  /* the plan it was last part of */
    bool over;                      /* patience is */
    char *note, *error;             /* why it is how it is; why the last word was not taken, NULL: it was */
    sc_msec contact_wall;
};

static void turn(struct announced *x);

static void note(struct announced *x, const char *text)
{
    char *copy = xstrdup(text);

    free(x->note);
    x->note = copy;
}

static void changed(struct announced *x)
{
    x->owner->hooks.changed(x->owner->hooks.arg);
}

/* --- how it is --- */

static void stands(struct announced *x, enum enrol_standing s, const char *why)
{
    enum enrol_standing was = x->enrol.now;

    note(x, why);
    enrol_is(&x->enrol, s);
    changed(x);
    if (was == s)
        return;
    log_line(s == ENROL_PASSING ? LOG_INFO_ : LOG_WARN_, "registration: %s is %s: %s", x->id, enrol_standing_name(s),
             log_safe(str_of(why)));
    turn(x);
}

static const struct registration_check_conf *check_of(const struct announced *x)
{
    return x->entry.conf->check;
}

static void on_how(struct probe *p, struct probe_how *how)
{
    const struct registration_check_conf *c = check_of(list_entry(p, struct announced, probe));

    how->timeout = c->timeout;
    if (c->type == REGISTRATION_HTTP)
        how->path = c->path;
}

static void on_result(struct probe *p, struct check_result r)
{
    struct announced *x = list_entry(p, struct announced, probe);
    const struct registration_check_conf *c = check_of(x);
    bool passed = r.outcome == CHECK_PASSED, first = !x->check.known;
    char text[CHECK_TEXT_MAX];

    timer_start(x->owner->loop, &x->again, jitter(c->interval));
    if (enrol_check_take(&x->check, passed, c->rise, c->fall) || first)
        stands(x, passed ? ENROL_PASSING : ENROL_CRITICAL, check_print(text, r));
}

static void on_check(struct timer *t)
{
    struct announced *x = list_entry(t, struct announced, again);
    const struct registration_check_conf *c = check_of(x);

    x->probe.host = c->address;
    address_numeric(&x->probe.at, c->address, (uint16_t)c->port);
    probe_start(x->owner->prober, &x->probe);
}

static void on_silent(struct timer *t)
{
    struct announced *x = list_entry(t, struct announced, again);
    char text[80];

    snprintf(text, sizeof text, "the application has said nothing for %lld s", (long long)check_of(x)->ttl / 1000);
    stands(x, ENROL_CRITICAL, text);
}

static void stop_checks(struct announced *x)
{
    timer_stop(&x->again);
    probe_stop(&x->probe);
}

/* By its configuration as it is now. What was thought of it stays until there is a result. */
static void start_checks(struct announced *x)
{
    const struct registration_check_conf *c = check_of(x);

    stop_checks(x);
    if (c == NULL || c->type == REGISTRATION_TTL)
        x->check = (struct enrol_check){ 0 };
    if (c == NULL) {
        stands(x, ENROL_PASSING, "the sidecar runs");
    } else if (c->type == REGISTRATION_TTL) {
        x->again.fn = on_silent;
        timer_start(x->owner->loop, &x->again, c->ttl);
        if (x->enrol.now == ENROL_UNKNOWN)
            stands(x, ENROL_CRITICAL, "the application has said nothing yet");
    } else {
        x->again.fn = on_check;
        timer_start(x->owner->loop, &x->again, 0);
    }
}

/* --- what is said of it --- */

static void note_error(struct announced *x, const char *error)
{
    if (error != NULL && (x->error == NULL || strcmp(x->error, error) != 0))
        log_warn("registration: %s: %s: %s", x->id, x->where, error);
    else if (error == NULL && x->error != NULL)
        log_info("registration: %s: %s answers again", x->id, x->where);
    free(x->error);
    x->error = xstrdup(error);
    if (error == NULL)
        x->contact_wall = clock_wall_ms();
}

static void log_step(const struct announced *x, enum enrol_place was, enum enrol_word word, enum enrol_outcome outcome)
{
    const struct enrol *e = &x->enrol;

    if (word == ENROL_REGISTER && outcome == ENROL_DONE)
        log_info("registration: %s is registered in %s, %s", x->id, x->where, enrol_standing_name(e->told));
    else if (word == ENROL_REPORT && outcome == ENROL_NOT_THERE)
        log_warn("registration: %s: %s does not know it any more; it is registered again", x->id, x->where);
    else if (was != ENROL_GONE && e->place == ENROL_GONE)
        log_info("registration: %s is gone from %s, after %lld ms", x->id, x->where,
                 (long long)(loop_now(x->owner->loop) - e->out));
}

static void on_said(struct entry *entry, enum enrol_outcome outcome, const char *error)
{
    struct announced *x = list_entry(entry, struct announced, entry);
    enum enrol_word word = x->enrol.word;
    enum enrol_place was = x->enrol.place;

    enrol_done(&x->enrol, outcome, loop_now(x->owner->loop));
    note_error(x, error);
    log_step(x, was, word, outcome);
    changed(x);
    turn(x);
}

static bool is_over(const struct announced *x)
{
    return x->over || enrol_is_over(&x->enrol, loop_now(x->owner->loop));
}

/* The next word, or when it will be. */
static void turn(struct announced *x)
{
    struct announcer *a = x->owner;
    enum enrol_word word;
    sc_msec wait;

    if (is_over(x)) {
        loop_task(a->loop, &a->sweep);
        return;
    }
    if (!a->begun)
        return;
    word = enrol_next(&x->enrol, loop_now(a->loop), &wait);
    if (word != ENROL_SILENCE) {
        x->entry.standing = x->enrol.saying;
        x->entry.note = x->note;
        timer_stop(&x->next);
        x->entry.registry->provider->say(&x->entry, word);
    } else if (wait != ENROL_NEVER) {
        timer_start(a->loop, &x->next, wait);
    }
}

static void on_next(struct timer *t)
{
    turn(list_entry(t, struct announced, next));
}

/* --- leaving --- */

static void on_impatient(struct timer *t)
{
    struct announced *x = list_entry(t, struct announced, again);

    log_warn("registration: %s was not seen to be gone from %s", x->id, x->where);
    x->over = true;
    turn(x);
}

static void leave(struct announced *x)
{
    if (x->enrol.leaving)
        return;
    stop_checks(x);
    x->entry.conf = NULL;
    x->again.fn = on_impatient;
    timer_start(x->owner->loop, &x->again, LEAVE_MAX);
    enrol_leave(&x->enrol);
    changed(x);
    turn(x);
}

static void forget(struct announced *x)
{
    stop_checks(x);
    timer_stop(&x->next);
    x->entry.registry->provider->unsay(&x->entry);
    registry_leave(x->registry);
    list_remove(&x->link);
    x->owner->n--;
    free(x->id);
    free(x->name);
    free(x->where);
    free(x->note);
    free(x->error);
    loop_free_later(x->owner->loop, x);
}

static void sweep(struct task *t)
{
    struct announcer *a = list_entry(t, struct announcer, sweep);
    unsigned before = a->n;

    list_each(it, &a->all)
        if (is_over(list_entry(it, struct announced, link)))
            forget(list_entry(it, struct announced, link));
    if (a->n < before) {
        a->hooks.changed(a->hooks.arg);
        a->hooks.gone(a->hooks.arg);
    }
}

/* --- plans --- */

static struct announced *find(const struct announcer *a, const char *where, const char *id)
{
    list_each(it, &a->all) {
        struct announced *x = list_entry(it, struct announced, link);

        if (strcmp(x->id, id) == 0 && strcmp(x->where, where) == 0)
            return x;
    }
    return NULL;
}

static void enter(struct announcer *a, const struct registration_conf *c, struct registry_use *registry)
{
    struct announced *x = xnew(struct announced);

    x->owner = a;
    x->registry = registry;
    x->id = xstrdup(c->id);
    x->name = xstrdup(c->name);
    x->where = xstrdup(c->registry->name);
    x->port = c->port;
    x->note = xstrdup("");
    x->entry = (struct entry){ .registry = &registry->live, .conf = c, .id = x->id, .name = x->name, .note = "",
                               .done = on_said };
    x->probe.how = on_how;
    x->probe.done = on_result;
    x->next.fn = on_next;
    x->seen = a->plans;
    list_push(&a->all, &x->link);
    a->n++;
    registry_take(registry);
    start_checks(x);
}

/* Another way to what is called the same: what was said is said anew there. */
static void move(struct announced *x, struct registry_use *registry)
{
    x->entry.registry->provider->unsay(&x->entry);
    if (x->enrol.word != ENROL_SILENCE)
        enrol_done(&x->enrol, ENROL_FAILED, loop_now(x->owner->loop));
    registry_take(registry);
    registry_leave(x->registry);
    x->registry = registry;
    x->entry.registry = &registry->live;
    enrol_change(&x->enrol);
}

static void keep(struct announced *x, const struct registration_conf *c, struct registry_use *registry)
{
    const struct registration_conf *was = x->entry.conf;
    bool same = was != NULL && registration_same(was, c), left = x->enrol.leaving;

    x->seen = x->owner->plans;
    x->entry.conf = c;
    x->port = c->port;
    if (c->check != NULL)
        x->probe.host = c->check->address;          /* it may wait for its turn with the old one */
    if (strcmp(x->name, c->name) != 0) {
        free(x->name);
        x->entry.name = x->name = xstrdup(c->name);
    }
    if (registry != x->registry)
        move(x, registry);
    if (!same)
        enrol_change(&x->enrol);
    enrol_return(&x->enrol);
    if (!same || left)
        start_checks(x);
    turn(x);
}

static void plan_one(struct announcer *a, const struct registration_conf *c)
{
    struct registry_use *registry = a->hooks.registry(a->hooks.arg, c->registry);
    struct announced *x = find(a, c->registry->name, c->id);

    if (x == NULL)
        enter(a, c, registry);
    else
        keep(x, c, registry);
}

void announcer_plan(struct announcer *a, const struct sc_list *registrations)
{
    const struct registration_conf *list = registrations == NULL ? NULL : registrations->at;
    unsigned n = registrations == NULL ? 0 : registrations->n;

    a->plans++;
    for (unsigned i = 0; i < n && !a->withdrawn; i++)
        plan_one(a, &list[i]);
    list_each(it, &a->all) {
        struct announced *x = list_entry(it, struct announced, link);

        if (x->seen != a->plans)
            leave(x);
    }
}

void announcer_begin(struct announcer *a)
{
    if (a->begun)
        return;
    a->begun = true;
    list_each(it, &a->all)
        turn(list_entry(it, struct announced, link));
}

void announcer_withdraw(struct announcer *a)
{
    a->withdrawn = true;
    list_each(it, &a->all)
        leave(list_entry(it, struct announced, link));
}

bool announcer_is_empty(const struct announcer *a)
{
    return list_empty(&a->all);
}

static bool is_told_by_application(const struct announced *x)
{
    return !x->enrol.leaving && check_of(x) != NULL && check_of(x)->type == REGISTRATION_TTL;
}

/* In every registry where it has this id. */
void announcer_report(struct announcer *a, const char *id, enum enrol_standing s, const char *text)
{
    list_each(it, &a->all) {
        struct announced *x = list_entry(it, struct announced, link);

        if (strcmp(x->id, id) == 0 && is_told_by_application(x)) {
            timer_start(a->loop, &x->again, check_of(x)->ttl);
            stands(x, s, text);
        }
    }
}

/* --- the whole --- */

unsigned announcer_count(const struct announcer *a)
{
    return a->n;
}

void announcer_status(const struct announcer *a, struct arena *arena, struct registration_status *to)
{
    list_each(it, &a->all) {
        const struct announced *x = list_entry(it, struct announced, link);

        *to++ = (struct registration_status){
            .id = arena_dupz(arena, str_of(x->id)), .name = arena_dupz(arena, str_of(x->name)),
            .registry = arena_dupz(arena, str_of(x->where)), .port = (uint16_t)x->port, .place = x->enrol.place,
            .leaving = x->enrol.leaving, .standing = x->enrol.now, .note = arena_dupz(arena, str_of(x->note)),
            .contact_wall = x->contact_wall,
            .last_error = x->error == NULL ? NULL : arena_dupz(arena, str_of(x->error)),
            .by_application = is_told_by_application(x),
        };
    }
}

struct announcer *announcer_new(struct loop *loop, struct prober *prober, const struct announcer_hooks *hooks)
{
    struct announcer *a = xnew(struct announcer);

    a->loop = loop;
    a->prober = prober;
    a->hooks = *hooks;
    a->sweep.fn = sweep;
    list_init(&a->all);
    return a;
}

void announcer_free(struct announcer **ap)
{
    struct announcer *a = *ap;

    *ap = NULL;
    if (a == NULL)
        return;
    list_each(it, &a->all)
        forget(list_entry(it, struct announced, link));
    loop_task_cancel(a->loop, &a->sweep);
    free(a);
}
