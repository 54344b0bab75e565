/* discovery/registration/announce.c - the services of this host, kept registered while the process runs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/registration/announce.h"

#include "base/alloc.h"
#include "base/log.h"
#include "discovery/provider.h"
#include "discovery/registration/registration.h"
#include "discovery/registry_use.h"
#include "discovery/service.h"
#include "discovery/registration/standing.h"
#include "discovery/status.h"

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
    char *id, *name, *instance;     /* copies, because it may outlive its configuration */
    char *where;                    /* likewise: the registry's name */
    int64_t port;
    struct enrol enrol;
    struct standing standing;
    char *maintenance;              /* why it is out of service, as people said; NULL: it is not */
    struct timer next;              /* the next word */
    struct timer patience;          /* with leaving */
    uint64_t seen;                  /* the plan it was last part of */
    bool over;                      /* patience is */
    char *saying;                   /* the note that goes with the word under way */
    char *error;                    /* why the last word was not taken, NULL: it was */
    sc_msec contact_wall;
};

static void turn(struct announced *x);

static void changed(struct announced *x)
{
    x->owner->hooks.changed(x->owner->hooks.arg);
}

/* --- how it is --- */

/* To the registry, maintenance is one more reason to be critical: what it was told ends with the sidecar, and no mark stays
 * behind that nobody takes away. */
static void is(struct announced *x)
{
    enum enrol_standing now = x->standing.now;

    enrol_is(&x->enrol, x->maintenance != NULL && now != ENROL_UNKNOWN ? ENROL_CRITICAL : now);
    changed(x);
    turn(x);
}

static void on_standing(struct standing *s, enum enrol_standing was)
{
    struct announced *x = list_entry(s, struct announced, standing);

    if (was != s->now)
        log_line(s->now == ENROL_PASSING ? LOG_INFO_ : LOG_WARN_, "registration: %s is %s: %s", x->id,
                 enrol_standing_name(s->now), log_safe(str_of(s->note)));
    is(x);
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

static void put_note(struct announced *x)
{
    free(x->saying);
    x->saying = x->maintenance == NULL ? xstrdup(x->standing.note) : xasprintf("in maintenance: %s", x->maintenance);
    x->entry.standing = x->enrol.saying;
    x->entry.maintenance = x->maintenance != NULL;
    x->entry.note = x->saying;
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
        put_note(x);
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
    struct announced *x = list_entry(t, struct announced, patience);

    log_warn("registration: %s was not seen to be gone from %s", x->id, x->where);
    x->over = true;
    turn(x);
}

static void leave(struct announced *x)
{
    if (x->enrol.leaving)
        return;
    standing_stop(&x->standing);
    x->entry.conf = NULL;
    timer_start(x->owner->loop, &x->patience, LEAVE_MAX);
    enrol_leave(&x->enrol);
    changed(x);
    turn(x);
}

static void forget(struct announced *x)
{
    standing_fini(&x->standing);
    timer_stop(&x->next);
    timer_stop(&x->patience);
    x->entry.registry->provider->unsay(&x->entry);
    registry_leave(x->registry);
    list_remove(&x->link);
    x->owner->n--;
    free(x->id);
    free(x->name);
    free(x->instance);
    free(x->where);
    free(x->maintenance);
    free(x->saying);
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
    x->instance = xstrdup(c->instance);
    x->where = xstrdup(c->registry->name);
    x->port = c->port;
    x->entry = (struct entry){ .registry = &registry->live, .conf = c, .id = x->id, .name = x->name,
                               .instance = x->instance, .note = "",
                               .done = on_said };
    x->next.fn = on_next;
    x->patience.fn = on_impatient;
    x->seen = a->plans;
    list_push(&a->all, &x->link);
    a->n++;
    registry_take(registry);
    standing_init(&x->standing, a->loop, a->prober, on_standing);
    standing_start(&x->standing, c->check);
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

static void rename_it(struct announced *x, const struct registration_conf *c)
{
    free(x->name);
    free(x->instance);
    x->entry.name = x->name = xstrdup(c->name);
    x->entry.instance = x->instance = xstrdup(c->instance);
}

static void keep(struct announced *x, const struct registration_conf *c, struct registry_use *registry)
{
    const struct registration_conf *was = x->entry.conf;
    bool same = was != NULL && registration_same(was, c), left = x->enrol.leaving;

    x->seen = x->owner->plans;
    x->entry.conf = c;
    x->port = c->port;
    rename_it(x, c);
    if (registry != x->registry)
        move(x, registry);
    if (!same)
        enrol_change(&x->enrol);
    enrol_return(&x->enrol);
    timer_stop(&x->patience);
    if (same && !left)
        standing_repoint(&x->standing, c->check);
    else
        standing_start(&x->standing, c->check);
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

/* --- what people and applications say --- */

/* The next one of that id, in whatever registry, after `it` (NULL: the first one). */
static struct announced *next_of(const struct announcer *a, struct announced *it, const char *id)
{
    struct link *l = it == NULL ? a->all.next : it->link.next;

    for (; l != &a->all; l = l->next) {
        struct announced *x = list_entry(l, struct announced, link);

        if (strcmp(x->id, id) == 0 && !x->enrol.leaving)
            return x;
    }
    return NULL;
}

void announcer_report(struct announcer *a, const char *id, enum enrol_standing s, const char *note)
{
    for (struct announced *x = NULL; (x = next_of(a, x, id)) != NULL;)
        if (standing_is_told(&x->standing))
            standing_tell(&x->standing, s, note);
}

static void maintain(struct announced *x, const char *why)
{
    bool same = why == NULL ? x->maintenance == NULL : x->maintenance != NULL && strcmp(why, x->maintenance) == 0;

    if (same)
        return;
    log_info("registration: %s is %s maintenance%s%s", x->id, why == NULL ? "out of" : "in", why == NULL ? "" : ": ",
             why == NULL ? "" : log_safe(str_of(why)));
    free(x->maintenance);
    x->maintenance = xstrdup(why);
    enrol_tell(&x->enrol);
    is(x);
}

void announcer_maintain(struct announcer *a, const char *id, const char *why)
{
    for (struct announced *x = NULL; (x = next_of(a, x, id)) != NULL;)
        maintain(x, why);
}

/* --- the whole --- */

unsigned announcer_count(const struct announcer *a)
{
    return a->n;
}

static const char *copy(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_dupz(arena, str_of(text));
}

void announcer_status(const struct announcer *a, struct arena *arena, struct registration_status *to)
{
    list_each(it, &a->all) {
        const struct announced *x = list_entry(it, struct announced, link);

        *to++ = (struct registration_status){
            .id = copy(arena, x->id), .name = copy(arena, x->name), .registry = copy(arena, x->where),
            .port = (uint16_t)x->port, .place = x->enrol.place, .leaving = x->enrol.leaving,
            .by_application = standing_is_told(&x->standing), .standing = x->standing.now, .told = x->enrol.told,
            .note = copy(arena, x->standing.note), .maintenance = copy(arena, x->maintenance),
            .contact_wall = x->contact_wall, .last_error = copy(arena, x->error),
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
