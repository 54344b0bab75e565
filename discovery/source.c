/* discovery/source.c - one source of a service: its watch and what it said last.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/source.h"

#include "base/alloc.h"
#include "base/log.h"
#include "discovery/held.h"
#include "discovery/snapshot/kept.h"
#include "discovery/tracked.h"

#include <stdio.h>
#include <stdlib.h>

static struct source *source_of(struct watch *w)
{
    return list_entry(w, struct source, watch);
}

/* --- answers --- */

/* What was said waits; but whoever has said nothing before is listened to. */
static bool is_frozen(const struct source *s)
{
    return s->status.hand.kind == HAND_FREEZE && s->now->said;
}

/* What it says next is in force now. */
static void promote(struct source *s)
{
    struct answer *were = s->now;

    if (s->registry != NULL)
        held_judge(s, s->next);
    s->now = s->next;
    s->now->said = true;
    s->next = NULL;
    answer_free(&were);                 /* after the new one is in: names in both keep what is known of them */
    kept_changed(s);
    tracked_dirty(s->owner);
}

void source_settle(struct source *s)
{
    if (s->next != NULL && s->next->unknown == 0 && !is_frozen(s))
        promote(s);
}

void source_thaw(struct source *s)
{
    if (s->next != NULL && (s->next->unknown == 0 || !s->patience.pending))
        promote(s);
}

/* A name that hangs must not keep the others out. */
static void on_patience(struct timer *t)
{
    struct source *s = list_entry(t, struct source, patience);

    if (s->next != NULL && !is_frozen(s))
        promote(s);
    tracked_dirty(s->owner);
}

/* An answer whose names are still being looked up does not take away the targets that serve meanwhile. */
static void take_answer(struct source *s, const struct endpoint *all, unsigned n, bool doubted)
{
    struct answer *a = answer_of(s, all, n), *unused = s->next;

    a->doubted = doubted;
    s->next = a;
    answer_free(&unused);
    timer_stop(&s->patience);
    if (a->unknown > 0)
        timer_start(s->owner->loop, &s->patience, SOURCE_PATIENCE);
    if ((a->unknown == 0 || (s->now->n == 0 && s->nheld == 0)) && !is_frozen(s))
        promote(s);
}

void source_pin(struct source *s, const struct endpoint *all, unsigned n)
{
    s->pinned = answer_of(s, all, n);
    tracked_news(s->owner, s->name, "pin");
    tracked_dirty(s->owner);
}

void source_unpin(struct source *s)
{
    answer_free(&s->pinned);
    tracked_news(s->owner, s->name, "end of the pin");
    tracked_dirty(s->owner);
}

static void note_change(struct source *s, const char *cause)
{
    s->changed_wall = clock_wall_ms();
    free(s->cause);
    s->cause = xstrdup(cause);
    tracked_news(s->owner, s->name, cause);
}

void source_changed(struct source *s, const char *cause)
{
    note_change(s, cause);
    kept_changed(s);
    tracked_dirty(s->owner);
}

void source_recall(struct source *s, const struct endpoint *all, unsigned n, sc_msec changed, const char *cause)
{
    take_answer(s, all, n, false);
    s->changed_wall = changed;
    s->cause = cause == NULL ? NULL : xstrdup(cause);
    tracked_news(s->owner, s->name, "snapshot");
    tracked_heard(s->owner);
}

static void contact(struct source *s)
{
    if (s->status.failing)
        log_info("discovery: %s: %s answers again", s->owner->shared->name, s->status.registry);
    s->status.failing = false;
    s->status.index = s->watch.index;
    s->status.live_mono = clock_mono_ms();
    s->status.contact_wall = clock_wall_ms();
    free(s->error);
    s->error = NULL;
    kept_live(s);
    tracked_heard(s->owner);
}

bool watch_report(struct watch *w, const struct endpoint *all, unsigned n, const char *cause)
{
    struct source *s = source_of(w);
    bool same = answer_same(s->next == NULL ? s->now : s->next, all, n);

    s->status.answered = true;
    s->status.index = w->index;
    if (!same)
        take_answer(s, all, n, w->doubt != NULL);
    else if (w->doubt == NULL)
        (s->next == NULL ? s->now : s->next)->doubted = false;
    if (!same || s->cause == NULL)
        note_change(s, cause);
    s->status.contact_wall = clock_wall_ms();
    if (w->doubt == NULL) {
        s->updates[same ? UPDATE_SAME : UPDATE_CHANGED]++;
        contact(s);
    } else {
        watch_failed(w, "%s", w->doubt);
    }
    return !same;
}

void watch_contact(struct watch *w)
{
    struct source *s = source_of(w);

    s->updates[UPDATE_SAME]++;
    contact(s);
}

void watch_failed(struct watch *w, const char *fmt, ...)
{
    struct source *s = source_of(w);
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!s->status.failing || strcmp(text, s->error) != 0)
        log_warn("discovery: %s: %s: %s%s", s->owner->shared->name, s->status.registry, text,
                 s->status.answered ? "; the last answer stays in force" :
                 s->status.recalled ? "; the snapshot serves" : "");
    if (s->status.answered && !s->status.failing)
        s->status.live_mono = clock_mono_ms();
    s->status.failing = true;
    s->updates[UPDATE_FAILED]++;
    free(s->error);
    s->error = xstrdup(text);
    tracked_heard(s->owner);
}

/* --- the watch --- */

struct source *source_new(struct tracked *owner, struct registry_use *registry)
{
    struct source *s = xnew(struct source);

    s->owner = owner;
    s->registry = registry;
    s->provider = registry == NULL ? &provider_static : registry->live.provider;
    s->name = xstrdup(registry == NULL ? "targets" : registry->live.name);
    s->updates = tracked_updates(owner, s->name);
    list_init(&s->link);
    list_init(&s->held);
    s->now = answer_of(s, NULL, 0);
    s->shown = SOURCE_FAILED;
    s->patience.fn = on_patience;
    return s;
}

static const void *watch_conf(const struct source *s)
{
    return s->conf == NULL ? (const void *)&s->owner->conf->targets : s->conf->conf;
}

void source_repoint(struct source *s, const struct source_conf *conf)
{
    s->conf = conf;
    s->weight = conf == NULL ? 1 : conf->weight;
    s->watch.conf = watch_conf(s);
}

static void begin_watch(struct source *s)
{
    s->watch = (struct watch){ .service = s->owner->shared->name, .loop = s->owner->loop, .conf = watch_conf(s),
                               .registry = s->registry == NULL ? NULL : &s->registry->live,
                               .interval = s->provider->interval };
    s->provider->watch(&s->watch);
}

void source_watch(struct source *s, const struct source_conf *conf)
{
    source_repoint(s, conf);
    s->status = (struct source_status){ .registry = s->name, .type = s->provider->name };
    s->watching = true;
    kept_join(s, s->owner->store);
    if (s->registry != NULL)
        registry_take(s->registry);
    begin_watch(s);
}

void source_cut(struct source *s, const char *by)
{
    s->provider->unwatch(&s->watch);
    watch_failed(&s->watch, "cut off by %s", by);
}

void source_mend(struct source *s)
{
    begin_watch(s);
}

void source_unwatch(struct source *s)
{
    if (!s->watching)
        return;
    s->watching = false;
    if (s->status.answered && !s->status.failing)
        s->status.live_mono = clock_mono_ms();
    s->status.failing = true;           /* what it said is not kept fresh any more: it ages. aging.c */
    if (s->status.hand.kind != HAND_FAIL)
        s->provider->unwatch(&s->watch);
    if (s->registry != NULL)
        registry_leave(s->registry);
    s->status.hand.kind = HAND_NONE;
    s->status.hand.by = NULL;
    s->hand = 0;
    free(s->by);
    s->by = NULL;
    answer_free(&s->pinned);
    answer_free(&s->next);
    kept_leave(s);
    s->conf = NULL;
    s->registry = NULL;
}

static bool is_settled(const struct source *s)
{
    return s->pinned != NULL || is_frozen(s) ||
           (s->next == NULL && (s->now->unknown == 0 || !s->patience.pending));
}

bool source_is_ready(const struct source *s)
{
    return (source_knows(&s->status) || s->status.failing || s->pinned != NULL) && is_settled(s);
}

bool source_has_answered(const struct source *s)
{
    return s->status.answered && is_settled(s);
}

bool source_has_targets(const struct source *s)
{
    return (source_knows(&s->status) || s->pinned != NULL) && is_settled(s);
}

struct source_status source_status(const struct source *s)
{
    struct source_status status = s->status;

    status.interval = s->watch.interval;
    status.held = s->shown_held > 0;
    return status;
}

void source_describe(const struct source *s, struct arena *a, struct source_status *to)
{
    *to = source_status(s);
    to->serves = s->serves;
    to->weight = s->weight;
    memcpy(to->updates, s->updates, sizeof to->updates);
    to->registry = arena_dupz(a, str_of(s->status.registry));
    to->last_change.wall = s->changed_wall;
    to->last_change.cause = s->cause == NULL ? NULL : arena_dupz(a, str_of(s->cause));
    to->last_error = s->error == NULL ? NULL : arena_dupz(a, str_of(s->error));
    to->hand.by = s->status.hand.by == NULL ? NULL : arena_dupz(a, str_of(s->status.hand.by));
    to->snapshot.refused = s->refused == NULL ? NULL : arena_dupz(a, str_of(s->refused));
}

void source_free(struct source **sp)
{
    struct source *s = *sp;

    *sp = NULL;
    source_unwatch(s);
    held_drop(s);
    list_remove(&s->link);
    timer_stop(&s->patience);
    answer_free(&s->now);
    free(s->name);
    free(s->cause);
    free(s->error);
    free(s->refused);
    free(s);
}
