/* discovery/source.c - one source of a service: its watch and what it said last.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/source.h"

#include "base/alloc.h"
#include "base/log.h"
#include "discovery/held.h"
#include "discovery/tracked.h"

#include <stdio.h>
#include <stdlib.h>

static struct source *source_of(struct watch *w)
{
    return list_entry(w, struct source, watch);
}

/* --- records --- */

static void on_name(struct name_user *u)
{
    tracked_dirty(list_entry(u, struct record, name)->source->owner);
}

/* Wrong, numeric, or a name to be looked up. */
void record_init(struct source *s, struct arena *arena, struct record *r, const struct endpoint *e)
{
    struct sc_error err = SC_ERROR_INIT;
    struct address a;

    *r = (struct record){ .at = endpoint_copy(arena, e), .source = s };
    list_init(&r->name.link);
    r->name.changed = on_name;
    if (!endpoint_check(&r->at, &err))
        r->wrong = arena_dupz(arena, str_of(err.text));
    else if (r->at.path == NULL && !address_numeric(&a, r->at.host, r->at.port))
        resolver_use(s->owner->resolver, r->at.host, &r->name);
}

void record_fini(struct record *r)
{
    if (r->name.name != NULL)
        resolver_leave(&r->name);
}

static void leave_names(struct record *records, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        record_fini(&records[i]);
}

const struct address *record_addresses(const struct record *r, struct address *one, unsigned *n)
{
    *n = 0;
    if (r->wrong != NULL)
        return NULL;
    if (r->name.name != NULL)
        return name_addresses(r->name.name, n);
    if (r->at.path != NULL ? address_unix(one, r->at.path) : address_numeric(one, r->at.host, r->at.port))
        *n = 1;
    return one;
}

const char *record_host(const struct endpoint *e)
{
    return e->path != NULL ? "localhost" : e->host;
}

/* --- answers --- */

static bool same_answer(const struct source *s, const struct endpoint *all, unsigned n)
{
    if (n != s->nrecords)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!endpoint_equal(&s->records[i].at, &all[i]))
            return false;
    return true;
}

static void take_answer(struct source *s, const struct endpoint *all, unsigned n)
{
    struct record *were = s->records;
    unsigned nwere = s->nrecords;
    struct arena arena = s->arena;

    arena_init(&s->arena, n < 16 ? 1024 : 16384);
    s->records = xcalloc(n + 1, sizeof *s->records);
    s->nrecords = n;
    for (unsigned i = 0; i < n; i++)
        record_init(s, &s->arena, &s->records[i], &all[i]);
    leave_names(were, nwere);           /* after the new ones are in: names in both keep what is known of them */
    free(were);
    arena_fini(&arena);
    tracked_have_patience(s->owner);
    tracked_dirty(s->owner);
}

static void note_change(struct source *s, const char *cause)
{
    s->changed_wall = clock_wall_ms();
    free(s->cause);
    s->cause = xstrdup(cause);
}

void source_changed(struct source *s, const char *cause)
{
    note_change(s, cause);
    tracked_dirty(s->owner);
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
    tracked_heard(s->owner);
}

bool watch_report(struct watch *w, const struct endpoint *all, unsigned n, const char *cause)
{
    struct source *s = source_of(w);
    bool same = same_answer(s, all, n);

    if (!same && s->status.answered && s->registry != NULL)
        held_judge(s, all, n, w->doubt != NULL);
    s->status.answered = true;
    s->status.index = w->index;
    if (!same)
        take_answer(s, all, n);
    if (!same || s->cause == NULL)
        note_change(s, cause);
    s->status.contact_wall = clock_wall_ms();
    if (w->doubt == NULL)
        contact(s);
    else
        watch_failed(w, "%s", w->doubt);
    return !same;
}

void watch_contact(struct watch *w)
{
    contact(source_of(w));
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
                 s->status.answered ? "; the last answer stays in force" : "");
    if (s->status.answered && !s->status.failing)
        s->status.live_mono = clock_mono_ms();
    s->status.failing = true;
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
    list_init(&s->link);
    list_init(&s->held);
    arena_init(&s->arena, 1024);
    return s;
}

static const void *watch_conf(const struct source *s)
{
    return s->conf == NULL ? (const void *)&s->owner->conf->targets : s->conf->conf;
}

void source_repoint(struct source *s, const struct source_conf *conf)
{
    s->conf = conf;
    s->watch.conf = watch_conf(s);
}

void source_watch(struct source *s, const struct source_conf *conf)
{
    struct registry_live *live = s->registry == NULL ? NULL : &s->registry->live;

    s->watch = (struct watch){ .service = s->owner->shared->name, .registry = live, .loop = s->owner->loop,
                               .interval = s->provider->interval };
    source_repoint(s, conf);
    s->status = (struct source_status){ .registry = s->name, .type = s->provider->name };
    s->watching = true;
    if (live != NULL)
        registry_take(s->registry);
    s->provider->watch(&s->watch);
}

void source_unwatch(struct source *s)
{
    if (!s->watching)
        return;
    s->watching = false;
    s->provider->unwatch(&s->watch);
    if (s->registry != NULL)
        registry_leave(s->registry);
    s->conf = NULL;
    s->registry = NULL;
}

bool source_is_ready(const struct source *s)
{
    if (!s->status.answered && !s->status.failing)
        return false;
    for (unsigned i = 0; i < s->nrecords; i++)
        if (s->records[i].name.name != NULL && !name_answered(s->records[i].name.name))
            return false;
    return true;
}

void source_describe(const struct source *s, struct arena *a, struct source_status *to)
{
    *to = s->status;
    to->interval = s->watch.interval;
    to->held = s->shown_held > 0;
    to->registry = arena_dupz(a, str_of(s->status.registry));
    to->last_change.wall = s->changed_wall;
    to->last_change.cause = s->cause == NULL ? NULL : arena_dupz(a, str_of(s->cause));
    to->last_error = s->error == NULL ? NULL : arena_dupz(a, str_of(s->error));
}

void source_free(struct source **sp)
{
    struct source *s = *sp;

    *sp = NULL;
    source_unwatch(s);
    held_drop(s);
    list_remove(&s->link);
    leave_names(s->records, s->nrecords);
    free(s->records);
    arena_fini(&s->arena);
    free(s->name);
    free(s->cause);
    free(s->error);
    free(s);
}
