/* discovery/tracked.c - one service's watch and what it said last.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/tracked.h"

#include "base/alloc.h"
#include "base/log.h"
#include "discovery/balance/balancer.h"
#include "discovery/held.h"
#include "loop/loop.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static struct tracked *tracked_of(struct watch *w)
{
    return list_entry(w, struct tracked, watch);
}

struct tracked *tracked_new(const char *name, struct loop *loop, struct resolver *resolver, struct prober *prober)
{
    struct tracked *t = xnew(struct tracked);

    t->shared = service_shared_new(name);
    t->loop = loop;
    t->resolver = resolver;
    t->prober = prober;
    list_init(&t->held);
    list_init(&t->checks);
    t->targets = (struct map)MAP_INIT;
    t->set = target_set_new(t->shared, 0);
    target_set_finish(t->set, balancers[0], NULL);
    arena_init(&t->arena, 1024);
    arena_init(&t->quarantine_arena, 256);
    return t;
}

/* --- answers --- */

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

static void on_name(struct name_user *u)
{
    struct tracked *t = list_entry(u, struct record, name)->owner;

    t->dirty = true;
    t->poke(t);
}

static void note_error(struct tracked *t, const char *text)
{
    free(t->error);
    t->error = xstrdup(text);
}

/* Wrong, numeric, or a name to be looked up. */
void record_init(struct tracked *t, struct arena *arena, struct record *r, const struct endpoint *e)
{
    struct sc_error err = SC_ERROR_INIT;
    struct address a;

    *r = (struct record){ .at = endpoint_copy(arena, e), .owner = t };
    list_init(&r->name.link);
    r->name.changed = on_name;
    if (!endpoint_check(&r->at, &err))
        r->wrong = arena_dupz(arena, str_of(err.text));
    else if (r->at.path == NULL && !address_numeric(&a, r->at.host, r->at.port))
        resolver_use(t->resolver, r->at.host, &r->name);
}

static bool same_answer(const struct tracked *t, const struct endpoint *all, unsigned n)
{
    if (n != t->nrecords)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!endpoint_equal(&t->records[i].at, &all[i]))
            return false;
    return true;
}

static void take_answer(struct tracked *t, const struct endpoint *all, unsigned n)
{
    struct record *were = t->records;
    unsigned nwere = t->nrecords;
    struct arena arena = t->arena;

    arena_init(&t->arena, n < 16 ? 1024 : 16384);
    t->records = xcalloc(n + 1, sizeof *t->records);
    t->nrecords = n;
    for (unsigned i = 0; i < n; i++)
        record_init(t, &t->arena, &t->records[i], &all[i]);
    leave_names(were, nwere);           /* after the new ones are in: names in both keep what is known of them */
    free(were);
    arena_fini(&arena);
    t->patience = loop_now(t->loop) + TRACKED_PATIENCE;
    t->dirty = true;
}

static void note_change(struct tracked *t, const char *cause)
{
    t->changed_wall = clock_wall_ms();
    free(t->cause);
    t->cause = xstrdup(cause);
}

void tracked_changed(struct tracked *t, const char *cause)
{
    note_change(t, cause);
    t->dirty = true;
    t->poke(t);
}

static void contact(struct tracked *t)
{
    if (t->source.failing)
        log_info("discovery: %s: %s answers again", t->shared->name, t->source.registry);
    t->source.failing = false;
    t->source.index = t->watch.index;
    t->source.live_mono = clock_mono_ms();
    t->source.contact_wall = clock_wall_ms();
    t->stale_status = true;
    free(t->error);
    t->error = NULL;
    t->poke(t);
}

bool watch_report(struct watch *w, const struct endpoint *all, unsigned n, const char *cause)
{
    struct tracked *t = tracked_of(w);
    bool same = same_answer(t, all, n);

    if (!same && t->source.answered && t->registry != NULL)
        held_judge(t, all, n, w->doubt != NULL);
    else if (!same)
        held_drop(t);               /* of another source: what this one says is new, not less */
    t->source.answered = true;
    t->source.index = w->index;
    if (!same)
        take_answer(t, all, n);
    if (!same || t->cause == NULL)
        note_change(t, cause);
    t->source.contact_wall = clock_wall_ms();
    if (w->doubt == NULL)
        contact(t);
    else
        watch_failed(w, "%s", w->doubt);
    return !same;
}

void watch_contact(struct watch *w)
{
    contact(tracked_of(w));
}

void watch_failed(struct watch *w, const char *fmt, ...)
{
    struct tracked *t = tracked_of(w);
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!t->source.failing || strcmp(text, t->error) != 0)
        log_warn("discovery: %s: %s: %s%s", t->shared->name, t->source.registry, text,
                 t->source.answered ? "; the last answer stays in force" : "");
    if (t->source.answered && !t->source.failing)
        t->source.live_mono = clock_mono_ms();
    t->source.failing = true;
    t->stale_status = true;
    note_error(t, text);
    t->poke(t);
}

/* --- the watch --- */

static void source_init(struct tracked *t)
{
    t->source = (struct source_status){
        .registry = t->registry == NULL ? "targets" : t->registry->live.name,
        .type = t->provider->name,
    };
}

/* A reload that left the source alone: only what points into the configuration is new. */
static void repoint(struct tracked *t, const struct discovery_service *conf)
{
    t->conf = conf;
    t->watch.conf = conf->source.conf;
    t->source.registry = t->registry->live.name;
}

void tracked_watch(struct tracked *t, const struct discovery_service *conf, struct registry_use *registry)
{
    struct registry_live *live = registry == NULL ? NULL : &registry->live;

    if (t->watching && registry != NULL && registry == t->registry && source_same(&t->conf->source, &conf->source)) {
        repoint(t, conf);
        return;
    }
    tracked_unwatch(t);
    t->conf = conf;
    t->registry = registry;
    t->provider = registry == NULL ? &provider_static : live->provider;
    t->watch = (struct watch){ .service = t->shared->name, .registry = live, .loop = t->loop,
                               .conf = registry == NULL ? (const void *)&conf->targets : conf->source.conf,
                               .interval = t->provider->interval };
    source_init(t);
    t->watching = true;
    t->stale_status = true;
    if (registry != NULL && registry->watches++ == 0 && live->provider->open != NULL)
        live->provider->open(live);
    t->provider->watch(&t->watch);
}

void tracked_unwatch(struct tracked *t)
{
    struct registry_live *live = t->watch.registry;

    if (!t->watching)
        return;
    t->watching = false;
    t->provider->unwatch(&t->watch);
    if (live != NULL && --t->registry->watches == 0 && live->provider->close != NULL)
        live->provider->close(live);
    t->registry = NULL;
}

bool tracked_is_ready(const struct tracked *t)
{
    if (!t->source.answered && !t->source.failing)
        return false;
    for (unsigned i = 0; i < t->nrecords; i++)
        if (t->records[i].name.name != NULL && !name_answered(t->records[i].name.name))
            return false;
    return true;
}

static void targets_free(struct map *targets)
{
    struct map_item *item;

    for (unsigned i = 0; (item = map_next(targets, &i)) != NULL;)
        target_unref((struct target **)&item->value);
    map_fini(targets);
}

void tracked_free(struct tracked **tp)
{
    struct tracked *t = *tp;

    *tp = NULL;
    tracked_unwatch(t);
    health_stop(t);
    held_drop(t);
    leave_names(t->records, t->nrecords);
    free(t->records);
    targets_free(&t->targets);
    target_set_unref(&t->set);
    service_status_unref(&t->status);
    service_shared_unref(&t->shared);
    arena_fini(&t->arena);
    arena_fini(&t->quarantine_arena);
    free(t->cause);
    free(t->error);
    free(t);
}
