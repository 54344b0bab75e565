/* discovery/tracked.c - one service: which sources it has.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/tracked.h"

#include "base/alloc.h"
#include "discovery/snapshot/aging.h"
#include "discovery/balance/balancer.h"
#include "discovery/snapshot/kept.h"

#include <stdlib.h>

static void on_grace(struct timer *timer)
{
    struct tracked *t = list_entry(timer, struct tracked, grace);

    t->poke(t);
}

struct tracked *tracked_new(const char *name, struct loop *loop, struct resolver *resolver, struct prober *prober)
{
    struct tracked *t = xnew(struct tracked);

    t->shared = service_shared_new(name);
    t->loop = loop;
    t->resolver = resolver;
    t->prober = prober;
    list_init(&t->news_at);
    list_init(&t->sources);
    list_init(&t->leaving);
    list_init(&t->checks);
    t->updates = (struct map)MAP_INIT;
    t->targets = (struct map)MAP_INIT;
    t->set = target_set_new(t->shared, 0);
    target_set_finish(t->set, balancers[0], NULL);
    t->grace.fn = on_grace;
    arena_init(&t->quarantine_arena, 256);
    t->history = history_new();
    return t;
}

static void drop_sources(struct link *list)
{
    list_each(it, list) {
        struct source *s = list_entry(it, struct source, link);

        source_free(&s);
    }
}

/* --- what sources say --- */

void tracked_news(struct tracked *t, const char *registry, const char *cause)
{
    char *was = t->news, *was_of = t->news_of;

    t->news = xstrdup(cause);
    t->news_of = xstrdup(registry);
    free(was);
    free(was_of);
}

void tracked_dirty(struct tracked *t)
{
    t->dirty = true;
    t->poke(t);
}

bool tracked_has_answer(const struct tracked *t)
{
    list_each(it, &t->sources)
        if (source_has_targets(list_entry(it, struct source, link)))
            return true;
    return !list_empty(&t->leaving);
}

static bool may_let_go(const struct tracked *t)
{
    if (list_empty(&t->leaving))
        return false;
    list_each(it, &t->sources)
        if (!source_has_answered(list_entry(it, struct source, link)))
            return false;
    return true;
}

void tracked_settle(struct tracked *t)
{
    list_each(it, &t->sources)
        source_settle(list_entry(it, struct source, link));
    if (may_let_go(t))
        drop_sources(&t->leaving);
}

void tracked_heard(struct tracked *t)
{
    t->dirty |= may_let_go(t) || t->set->answered != tracked_has_answer(t);
    t->stale_status = true;
    aging_update(t);
    t->poke(t);
}

uint64_t *tracked_updates(struct tracked *t, const char *registry)
{
    uint64_t *updates = map_get(&t->updates, str_of(registry));

    if (updates == NULL) {
        updates = xcalloc(SOURCE_UPDATES, sizeof *updates);
        map_put(&t->updates, str_of(registry), updates);
    }
    return updates;
}

/* Whether one source knows targets, its names looked up. */
static bool knows_some(const struct tracked *t)
{
    list_each(it, &t->sources) {
        const struct source *s = list_entry(it, struct source, link);

        if (source_has_targets(s) && s->now->n > 0)
            return true;
    }
    return false;
}

bool tracked_is_ready(const struct tracked *t)
{
    if (!t->grace.pending && knows_some(t))
        return true;
    list_each(it, &t->sources)
        if (!source_is_ready(list_entry(it, struct source, link)))
            return false;
    return true;
}

/* --- which sources --- */

/* The source that the plan before had for this one; NULL: none. */
static struct source *find(const struct link *list, const struct source_conf *conf, const struct registry_use *registry)
{
    list_each(it, list) {
        struct source *s = list_entry(it, struct source, link);

        if (s->registry == registry && (registry == NULL || source_same(s->conf, conf)))
            return s;
    }
    return NULL;
}

static void keep(struct tracked *t, struct source *s, const struct source_conf *conf)
{
    list_remove(&s->link);
    list_push(&t->sources, &s->link);
    if (s->registry != NULL) {
        t->dirty |= s->weight != conf->weight;
        source_repoint(s, conf);
        return;
    }
    source_unwatch(s);                  /* stated targets: what the new plan says */
    source_watch(s, conf);
}

static void begin(struct tracked *t, const struct source_conf *conf, struct registry_use *registry)
{
    struct source *s = source_new(t, registry);

    list_push(&t->sources, &s->link);
    t->stale_status = true;
    source_watch(s, conf);
}

/* Who has not said anything is spoken for by its file; but not beside what a source before it said, which is younger. */
static void recall(struct tracked *t)
{
    list_each(it, &t->sources)
        kept_recall(list_entry(it, struct source, link));
}

/* before: what is left of the sources of the plan before. conf NULL: the targets that the service states itself. */
static void watch(struct tracked *t, const struct source_conf *conf, struct registry_uses *registries,
                  struct link *before)
{
    struct registry_use *registry = registry_uses_get(registries, conf == NULL ? NULL : conf->registry);
    struct source *s = find(before, conf, registry);

    t->dirty |= s != NULL && &s->link != before->next;          /* the order counts */
    if (s != NULL)
        keep(t, s, conf);
    else
        begin(t, conf, registry);
}

static void leave(struct tracked *t, struct link *before)
{
    list_each(it, before) {
        source_unwatch(list_entry(it, struct source, link));
        list_remove(it);
        list_push(&t->leaving, it);
        t->dirty = true;
    }
}

void tracked_watch(struct tracked *t, const struct discovery_service *conf, struct registry_uses *registries)
{
    const struct source_conf *list;
    unsigned n = discovery_service_sources(conf, &list);
    struct link before;

    list_init(&before);
    list_move_front(&before, &t->sources);
    t->dirty |= t->conf != NULL && t->conf->combine != conf->combine;
    t->conf = conf;
    if (n == 0)
        watch(t, NULL, registries, &before);
    for (unsigned i = 0; i < n; i++)
        watch(t, &list[i], registries, &before);
    leave(t, &before);
    timer_stop(&t->grace);
    if (n > 1)
        timer_start(t->loop, &t->grace, TRACKED_GRACE);
    if (list_empty(&t->leaving))
        recall(t);
    aging_update(t);
}

void tracked_keep_last(struct tracked *t)
{
    list_each(it, &t->sources)
        kept_last(list_entry(it, struct source, link));
}

static void targets_free(struct map *targets)
{
    struct map_item *item;

    for (unsigned i = 0; (item = map_next(targets, &i)) != NULL;)
        target_unref((struct target **)&item->value);
    map_fini(targets);
}

static void updates_free(struct map *updates)
{
    struct map_item *item;

    for (unsigned i = 0; (item = map_next(updates, &i)) != NULL;)
        free(item->value);
    map_fini(updates);
}

void tracked_free(struct tracked **tp)
{
    struct tracked *t = *tp;

    *tp = NULL;
    list_remove(&t->news_at);
    timer_stop(&t->grace);
    health_stop(t);
    timer_stop(&t->ageing);
    drop_sources(&t->sources);
    drop_sources(&t->leaving);
    updates_free(&t->updates);
    targets_free(&t->targets);
    target_set_unref(&t->set);
    service_status_unref(&t->status);
    history_unref(&t->history);
    free(t->news);
    free(t->news_of);
    service_shared_unref(&t->shared);
    arena_fini(&t->quarantine_arena);
    free(t);
}
