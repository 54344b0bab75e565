/* discovery/hands.c - what people want of sources for a while.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/hands.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

struct hands {
    struct loop *loop;
    struct link list;
    uint64_t ids;
    void (*changed)(void *arg);
    void *arg;
};

const char *hand_name(enum source_hand kind)
{
    static const char *const names[] = { [HAND_NONE] = "thaw", [HAND_FREEZE] = "freeze", [HAND_PIN] = "pin",
                                         [HAND_FAIL] = "fail" };

    return names[kind];
}

static void hand_free(struct hand *h)
{
    timer_stop(&h->end);
    list_remove(&h->link);
    arena_fini(&h->arena);
    free(h);
}

static void on_end(struct timer *t)
{
    struct hand *h = list_entry(t, struct hand, end);
    struct hands *all = h->all;

    log_info("discovery: %s %s: the %s of %s has ended", h->of_registry ? "registry" : "service", h->name,
             hand_name(h->kind), h->by);
    hand_free(h);
    all->changed(all->arg);
}

static struct hand *find(const struct hands *all, bool of_registry, const char *name)
{
    list_each(it, &all->list) {
        struct hand *h = list_entry(it, struct hand, link);

        if (h->of_registry == of_registry && strcmp(h->name, name) == 0)
            return h;
    }
    return NULL;
}

static const struct endpoint *copy_targets(struct arena *a, const struct hand_order *order)
{
    struct endpoint *targets = arena_alloc(a, (order->ntargets + 1) * sizeof *targets);

    for (unsigned i = 0; i < order->ntargets; i++)
        targets[i] = endpoint_copy(a, &order->targets[i]);
    return targets;
}

struct hand_letter *hand_letter_new(const struct hand_order *order)
{
    struct hand_letter *l = xnew(struct hand_letter);

    arena_init(&l->arena, 512);
    l->order = *order;
    l->order.name = arena_dupz(&l->arena, str_of(order->name));
    l->order.by = arena_dupz(&l->arena, str_of(order->by));
    l->order.targets = copy_targets(&l->arena, order);
    return l;
}

void hand_letter_free(struct hand_letter **lp)
{
    struct hand_letter *l = *lp;

    *lp = NULL;
    arena_fini(&l->arena);
    free(l);
}

static struct hand *hand_new(struct hands *all, const struct hand_order *order)
{
    struct hand *h = xnew(struct hand);

    arena_init(&h->arena, 512);
    h->all = all;
    h->id = ++all->ids;
    h->kind = order->kind;
    h->of_registry = order->of_registry;
    h->name = arena_dupz(&h->arena, str_of(order->name));
    h->by = arena_dupz(&h->arena, str_of(order->by));
    h->until_wall = clock_wall_ms() + order->ttl;
    h->targets = copy_targets(&h->arena, order);
    h->ntargets = order->ntargets;
    h->end.fn = on_end;
    list_push(&all->list, &h->link);
    timer_start(all->loop, &h->end, order->ttl);
    return h;
}

static void say(const struct hand_order *o)
{
    char text[UNITS_MAX];
    const char *what = o->of_registry ? "registry" : "service";

    if (o->kind == HAND_NONE)
        log_info("discovery: %s %s: %s by %s", what, o->name, hand_name(o->kind), o->by);
    else
        log_warn("discovery: %s %s: %s by %s for %s", what, o->name, hand_name(o->kind), o->by,
                 units_print_duration(text, o->ttl));
}

void hands_order(struct hands *all, const struct hand_order *order)
{
    struct hand *was = find(all, order->of_registry, order->name);

    say(order);
    if (order->kind != HAND_NONE)
        hand_new(all, order);
    all->changed(all->arg);             /* with both there: who had the one takes the other, and nothing between */
    if (was == NULL)
        return;
    hand_free(was);
    all->changed(all->arg);
}

/* The last one that was wanted. */
static const struct hand *find_last(const struct hands *all, bool of_registry, const char *name)
{
    const struct hand *last = NULL;

    list_each(it, &all->list) {
        const struct hand *h = list_entry(it, struct hand, link);

        if (h->of_registry == of_registry && strcmp(h->name, name) == 0)
            last = h;
    }
    return last;
}

const struct hand *hands_find(const struct hands *all, const char *service, const char *registry)
{
    const struct hand *h;

    if (list_empty(&all->list))
        return NULL;
    h = find_last(all, false, service);
    return h != NULL ? h : find_last(all, true, registry);
}

struct hands *hands_new(struct loop *loop, void (*changed)(void *arg), void *arg)
{
    struct hands *h = xnew(struct hands);

    h->loop = loop;
    h->changed = changed;
    h->arg = arg;
    list_init(&h->list);
    return h;
}

void hands_free(struct hands **hp)
{
    struct hands *h = *hp;

    *hp = NULL;
    if (h == NULL)
        return;
    list_each(it, &h->list)
        hand_free(list_entry(it, struct hand, link));
    free(h);
}
