/* discovery/build.c - from the records of a service to its next set, and to its status.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/tracked.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/refs.h"
#include "discovery/snapshot/aging.h"
#include "discovery/check.h"
#include "discovery/combine.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* One address of one record: what combine() is told of it, and what it is about. */
struct item {
    const struct record *record;
    struct target *target;
};

/* What is under way while a set is made. */
struct build {
    struct tracked *t;
    struct source **sources;    /* the leaving ones at the end */
    struct combine_source *shares;
    unsigned nsources;
    struct mention *mentions;
    struct item *items;         /* as many */
    unsigned n, room, stayed;   /* stayed: how many of the kept were in the set before */
    struct map addresses;       /* of the mentions; with several sources only */
    uint64_t name;              /* of the source whose records are looked at, in target.named */
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

/* --- the sources --- */

static void add_sources(struct build *b, const struct link *list)
{
    list_each(it, list) {
        struct source *s = list_entry(it, struct source, link);

        b->shares[b->nsources].weight = s->weight;
        b->shares[b->nsources].over = s->over;
        b->sources[b->nsources++] = s;
    }
}

static void find_sources(struct build *b)
{
    unsigned n = 0;

    list_each(it, &b->t->sources)
        n++;
    list_each(it, &b->t->leaving)
        n++;
    b->sources = xcalloc(n + 1, sizeof(struct source *));
    b->shares = xcalloc(n + 1, sizeof *b->shares);
    add_sources(b, &b->t->sources);
    add_sources(b, &b->t->leaving);
}

static unsigned count_addresses(const struct record *r)
{
    unsigned n = r->wrong == NULL;

    if (r->name.name != NULL)
        name_addresses(r->name.name, &n);
    return n;
}

static void find_room(struct build *b)
{
    unsigned all = 0;

    for (unsigned k = 0; k < b->nsources; k++) {
        const struct source *s = b->sources[k];
        const struct answer *a = source_answer(s);

        for (unsigned i = 0; i < a->n && all < TRACKED_TARGETS_MAX; i++)
            all += count_addresses(&a->records[i]);
        if (s->pinned == NULL)
            list_each(it, &s->held)
                all += count_addresses(held_record(it));
    }
    b->room = all < TRACKED_TARGETS_MAX ? all : TRACKED_TARGETS_MAX;
    b->mentions = xcalloc(b->room + 1, sizeof *b->mentions);
    b->items = xcalloc(b->room + 1, sizeof *b->items);
}

/* --- mentions --- */

/* "HOST ADDRESS tls"; the host may be left out. */
static void set_key(struct buf *key, const char *host, const struct address *a, bool tls)
{
    char text[ADDRESS_TEXT_MAX];

    address_print(text, (const struct sockaddr *)&a->sa);
    buf_clear(key);
    buf_puts(key, host);
    buf_putc(key, ' ');
    buf_puts(key, text);
    buf_puts(key, tls ? " tls" : "");
}

/* The target that stands for this host, address and TLS, from the sets before where there was one. NULL: the source named
 * it before. */
static struct target *target_for(struct build *b, const struct endpoint *e, const struct address *a)
{
    struct target *target;

    set_key(&b->key, record_host(e), a, e->tls);
    target = map_get(&b->t->targets, buf_view(&b->key));
    if (target == NULL) {
        target = target_new(record_host(e), a, e->tls);
        map_put(&b->t->targets, buf_view(&b->key), target);
    } else if (target->named == b->name) {
        return NULL;
    }
    target->named = b->name;
    return target;
}

/* Sources may name one address by different hosts. */
static unsigned number_of(struct build *b, const struct endpoint *e, const struct address *a)
{
    uintptr_t n;

    if (b->nsources == 1)
        return b->n;
    set_key(&b->key, "", a, e->tls);
    n = (uintptr_t)map_get(&b->addresses, buf_view(&b->key));
    if (n == 0) {
        n = b->addresses.n + 1;
        map_put(&b->addresses, buf_view(&b->key), (void *)n);
    }
    return (unsigned)(n - 1);
}

static uint32_t part_of(uint32_t weight, unsigned n)
{
    uint32_t part = (uint32_t)((uint64_t)weight * WEIGHT_UNIT / n);

    return weight > 0 && part == 0 ? 1 : part;
}

static enum mention_class class_of(const struct record *r, const struct target *t)
{
    const struct endpoint *e = &r->at;

    if (e->weight == 0 || t->unfit || r->source->over)
        return MENTION_UNABLE;
    if (e->state == EP_SERVING_TERMINATING)
        return MENTION_TERMINATING;
    return e->state == EP_READY || e->state == EP_WARNING ? MENTION_READY : MENTION_UNABLE;
}

static void add_record(struct build *b, unsigned source, const struct record *r)
{
    struct address one;
    unsigned n, doubles = 0;
    const struct address *at = record_addresses(r, &one, &n);

    for (unsigned i = 0; i < n && b->n < b->room; i++) {
        struct address a = at[i];
        struct target *target;

        if (r->at.path == NULL)
            address_set_port(&a, r->at.port);
        target = target_for(b, &r->at, &a);
        if (target == NULL) {
            doubles++;
            continue;
        }
        b->mentions[b->n] = (struct mention){ .source = source, .address = number_of(b, &r->at, &a), .held = r->held,
                                          .class = class_of(r, target), .tier = r->at.tier,
                                          .weight = part_of(r->at.weight, n) };
        b->items[b->n++] = (struct item){ r, target };
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

static void look_at_record(struct build *b, unsigned source, const struct record *r)
{
    bool has_room = b->n < b->room || b->room < TRACKED_TARGETS_MAX;

    add_record(b, source, r);
    explain(b->t, r, has_room);
}

static void look_at_source(struct build *b, unsigned source)
{
    struct source *s = b->sources[source];
    const struct answer *a = source_answer(s);

    b->name = b->t->names += 1;
    for (unsigned i = 0; i < a->n; i++)
        look_at_record(b, source, &a->records[i]);
    if (s->pinned == NULL)
        list_each(it, &s->held)
            look_at_record(b, source, held_record(it));
    s->shown_held = s->pinned == NULL ? s->nheld : 0;
}

/* --- the set --- */

static const char *unfit(struct target_set *set, const struct item *item)
{
    const struct target *t = item->target;
    char text[CHECK_TEXT_MAX];
    sc_msec wall;

    if (item->record->source->over)
        return "older than max_age";
    if (!t->unfit)
        return NULL;
    check_print(text, check_unpack(atomic_load_explicit(&t->last_check, memory_order_relaxed), &wall));
    return arena_printf(&set->arena, "health check: %s", text);
}

static uint8_t place_of(const struct build *b, unsigned source)
{
    return b->sources[source]->watching ? (uint8_t)source : SOURCE_LEAVING;
}

static const struct endpoint *copy_record(struct target_set *set, const struct record *r)
{
    struct endpoint *copy = arena_alloc(&set->arena, sizeof *copy);

    *copy = endpoint_copy(&set->arena, &r->at);
    return copy;
}

static void fill(struct build *b, struct target_set *set)
{
    const struct record *before = NULL;
    unsigned n = 0;

    for (unsigned i = 0; i < b->n; i++) {
        const struct mention *c = &b->mentions[i];
        const struct item *item = &b->items[i];

        if (!c->kept)
            continue;
        b->stayed += item->target->built == b->t->set->version;
        item->target->built = set->version;
        set->at[n] = (struct target_entry){
            .target = target_ref(item->target), .weight = c->set_weight, .tier = c->set_tier,
            .source = place_of(b, c->source), .held = c->held, .standby = c->standby, .unfit = unfit(set, item),
            .record = item->record == before ? set->at[n - 1].record : copy_record(set, item->record),
        };
        before = item->record;
        n++;
    }
    assert(n == set->n);
}

static unsigned count_kept(const struct build *b)
{
    unsigned n = 0;

    for (unsigned i = 0; i < b->n; i++)
        n += b->mentions[i].kept;
    return n;
}

/* Those that are not in this set. */
static void forget_gone(struct map *targets, const struct target_set *set)
{
    struct map_item *item;

    for (unsigned i = 0; targets->n > set->n && (item = map_next(targets, &i)) != NULL;) {
        struct target *target = item->value;

        if (target->built == set->version)
            continue;
        map_remove(targets, item->key);
        target_unref(&target);
    }
}

static void note_serving(const struct build *b)
{
    for (unsigned i = 0; i < b->nsources; i++)
        b->sources[i]->serves = b->shares[i].serves;
}

static struct target_set *make_set(struct build *b)
{
    struct target_set *set;

    combine((enum combine)b->t->conf->combine, b->shares, b->nsources, b->mentions, b->n,
            b->nsources == 1 ? b->n : b->addresses.n);
    set = target_set_new(b->t->shared, count_kept(b));
    set->answered = tracked_has_answer(b->t);
    fill(b, set);
    note_serving(b);
    target_set_finish(set, b->t->conf->balancer.ops, b->t->conf->balancer.conf);
    forget_gone(&b->t->targets, set);
    return set;
}

static void build_fini(struct build *b)
{
    free(b->sources);
    free(b->shares);
    free(b->mentions);
    free(b->items);
    map_fini(&b->addresses);
    buf_fini(&b->key);
}

/* What the set has that the one before had not, and why. */
static void remember(const struct build *b, const struct target_set *set)
{
    struct tracked *t = b->t;
    struct history_entry e = { .wall = clock_wall_ms(), .event = "targets", .registry = t->news_of, .cause = t->news,
                               .targets = set->n, .eligible = set->eligible, .added = set->n - b->stayed,
                               .removed = t->set->n - b->stayed };

    if (e.added > 0 || e.removed > 0 || e.eligible != t->set->eligible)
        history_add(t->history, &e);
    tracked_news(t, NULL, NULL);
}

void tracked_build(struct tracked *t)
{
    struct build b = { .t = t, .addresses = MAP_INIT, .key = BUF_INIT };
    struct target_set *set;

    tracked_settle(t);
    arena_reset(&t->quarantine_arena);
    t->nquarantined = 0;
    find_sources(&b);
    find_room(&b);
    for (unsigned i = 0; i < b.nsources; i++)
        look_at_source(&b, i);
    set = make_set(&b);
    remember(&b, set);
    build_fini(&b);
    target_set_unref(&t->set);
    t->set = set;
    t->built = loop_now(t->loop);
    t->dirty = false;
    t->stale_status = true;
    aging_update(t);
    health_sync(t);
}
