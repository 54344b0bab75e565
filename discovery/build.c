/* discovery/build.c - from the records of a service to its next set, and to its status.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/tracked.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/refs.h"
#include "discovery/check.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* What is under way while a set is made. */
struct build {
    struct tracked *t;
    struct target_set *set;
    unsigned room;
    struct buf key;
};

static void quarantine(struct tracked *t, const struct record *r, const char *reason)
{
    struct arena *a = &t->quarantine_arena;

    if (t->nquarantined < TRACKED_QUARANTINE_MAX)
        t->quarantine[t->nquarantined] = (struct quarantined){ endpoint_print(a, &r->at),
                                                               arena_dupz(a, str_of(reason)) };
    t->nquarantined++;
}

static unsigned count_addresses(const struct record *r)
{
    unsigned n = r->wrong == NULL;

    if (r->name.name != NULL)
        name_addresses(r->name.name, &n);
    return n;
}

static void each_source(struct tracked *t, void (*fn)(struct source *s, void *arg), void *arg)
{
    list_each(it, &t->sources)
        fn(list_entry(it, struct source, link), arg);
    list_each(it, &t->leaving)
        fn(list_entry(it, struct source, link), arg);
}

static void count_source(struct source *s, void *arg)
{
    unsigned *all = arg;

    for (unsigned i = 0; i < s->now->n && *all < TRACKED_TARGETS_MAX; i++)
        *all += count_addresses(&s->now->records[i]);
    list_each(it, &s->held)
        *all += count_addresses(held_record(it));
    if (*all > TRACKED_TARGETS_MAX)
        *all = TRACKED_TARGETS_MAX;
}

static unsigned count_targets(struct tracked *t)
{
    unsigned all = 0;

    each_source(t, count_source, &all);
    return all;
}

static void set_key(struct buf *key, const struct endpoint *e, const struct address *a)
{
    char text[ADDRESS_TEXT_MAX];

    address_print(text, (const struct sockaddr *)&a->sa);
    buf_clear(key);
    buf_puts(key, record_host(e));
    buf_putc(key, ' ');
    buf_puts(key, text);
    buf_puts(key, e->tls ? " tls" : "");
}

/* The target that stands for this host, address and TLS, from the sets before where there was one. NULL: already in. */
static struct target *target_for(struct build *b, const struct endpoint *e, const struct address *a)
{
    struct target *target;

    set_key(&b->key, e, a);
    target = map_get(&b->t->targets, buf_view(&b->key));
    if (target == NULL) {
        target = target_new(record_host(e), a, e->tls);
        map_put(&b->t->targets, buf_view(&b->key), target);
    } else if (target->built == b->set->version) {
        return NULL;
    }
    target->built = b->set->version;
    return target_ref(target);
}

/* Those that are not in this set. */
static void forget_gone(struct build *b)
{
    struct map *targets = &b->t->targets;
    struct map_item *item;

    for (unsigned i = 0; targets->n > b->set->n && (item = map_next(targets, &i)) != NULL;) {
        struct target *target = item->value;

        if (target->built == b->set->version)
            continue;
        map_remove(targets, item->key);
        target_unref(&target);
    }
}

static uint32_t part_of(uint32_t weight, unsigned n)
{
    uint32_t part = (uint32_t)((uint64_t)weight * WEIGHT_UNIT / n);

    return weight > 0 && part == 0 ? 1 : part;
}

static const char *unfit(struct target_set *set, const struct target *t)
{
    char text[CHECK_TEXT_MAX];
    sc_msec wall;

    if (!t->unfit)
        return NULL;
    check_print(text, check_unpack(atomic_load_explicit(&t->last_check, memory_order_relaxed), &wall));
    return arena_printf(&set->arena, "health check: %s", text);
}

static void add_record(struct build *b, const struct record *r)
{
    struct target_set *set = b->set;
    struct endpoint *copy = NULL;
    struct address one;
    unsigned n, doubles = 0;
    const struct address *at = record_addresses(r, &one, &n);

    for (unsigned i = 0; i < n && set->n < b->room; i++) {
        struct address a = at[i];
        struct target *target;

        if (r->at.path == NULL)
            address_set_port(&a, r->at.port);
        target = target_for(b, &r->at, &a);
        if (target == NULL) {
            doubles++;
            continue;
        }
        if (copy == NULL) {
            copy = arena_alloc(&set->arena, sizeof *copy);
            *copy = endpoint_copy(&set->arena, &r->at);
        }
        set->at[set->n++] = (struct target_entry){ .target = target, .weight = part_of(r->at.weight, n),
                                                   .held = r->held, .unfit = unfit(set, target), .record = copy };
    }
    if (doubles > 0)
        quarantine(b->t, r, "the same target is listed before");
}

/* Why a record brings no target at all. */
static void explain(struct tracked *t, const struct record *r, bool has_room)
{
    char text[200];

    if (r->wrong != NULL) {
        quarantine(t, r, r->wrong);
    } else if (!has_room) {
        quarantine(t, r, "more targets than one service may have");
    } else if (r->name.name != NULL) {
        unsigned n;

        name_addresses(r->name.name, &n);
        if (n > 0)
            return;
        snprintf(text, sizeof text, "the name is not resolved: %s",
                 name_error(r->name.name) == NULL ? "no answer yet" : name_error(r->name.name));
        quarantine(t, r, text);
    }
}

static void build_record(struct build *b, const struct record *r)
{
    bool has_room = b->set->n < b->room || b->room < TRACKED_TARGETS_MAX;

    add_record(b, r);
    explain(b->t, r, has_room);
}

static void build_named(struct source *s, void *arg)
{
    for (unsigned i = 0; i < s->now->n; i++)
        build_record(arg, &s->now->records[i]);
}

static void build_held(struct source *s, void *arg)
{
    list_each(it, &s->held)
        build_record(arg, held_record(it));
    s->shown_held = s->nheld;
}

void tracked_build(struct tracked *t)
{
    struct build b = { .t = t, .key = BUF_INIT };

    tracked_settle(t);
    b.room = count_targets(t);
    arena_reset(&t->quarantine_arena);
    t->nquarantined = 0;
    b.set = target_set_new(t->shared, b.room);
    b.set->n = 0;
    b.set->answered = tracked_has_answer(t);
    each_source(t, build_named, &b);
    each_source(t, build_held, &b);
    target_set_finish(b.set, t->conf->balancer.ops, t->conf->balancer.conf);
    forget_gone(&b);
    buf_fini(&b.key);
    target_set_unref(&t->set);
    t->set = b.set;
    t->built = loop_now(t->loop);
    t->dirty = false;
    t->stale_status = true;
    health_sync(t);
}

/* --- status --- */

static void copy_sources(struct service_status *s, const struct tracked *t)
{
    struct source_status *list;
    unsigned n = 0;

    list_each(it, &t->sources)
        n++;
    list = arena_alloc(&s->arena, (n + 1) * sizeof *list);
    list_each(it, &t->sources)
        source_describe(list_entry(it, struct source, link), &s->arena, &list[s->nsources++]);
    s->sources = list;
}

static void copy_quarantine(struct service_status *s, const struct tracked *t)
{
    unsigned n = t->nquarantined < TRACKED_QUARANTINE_MAX ? t->nquarantined : TRACKED_QUARANTINE_MAX;
    struct quarantined *list = arena_alloc(&s->arena, (n + 1) * sizeof *list);

    for (unsigned i = 0; i < n; i++)
        list[i] = (struct quarantined){ arena_dupz(&s->arena, str_of(t->quarantine[i].record)),
                                        arena_dupz(&s->arena, str_of(t->quarantine[i].reason)) };
    s->quarantined = list;
    s->nquarantined = n;
    s->nquarantined_all = t->nquarantined;
}

static struct service_status *describe(const struct tracked *t)
{
    struct service_status *s = xnew(struct service_status);

    refs_init(&s->refs);
    arena_init(&s->arena, 512);
    s->name = arena_dupz(&s->arena, str_of(t->shared->name));
    s->set = target_set_ref(t->set);
    copy_sources(s, t);
    copy_quarantine(s, t);
    return s;
}

struct service_status *tracked_status(struct tracked *t)
{
    if (t->status == NULL || t->stale_status) {
        service_status_unref(&t->status);
        t->status = describe(t);
        t->stale_status = false;
    }
    refs_get(&t->status->refs);
    return t->status;
}
