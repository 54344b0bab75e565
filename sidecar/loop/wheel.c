/* sidecar/loop/wheel.c - timers: a hierarchical wheel of 1 ms ticks.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A timer stands in the level whose span holds its distance; at every wrap of a level the next slot of the level above
 * is dealt out again. The bits of `used` say which slots hold something; they may be set for a slot that was emptied
 * meanwhile, never clear for one that is not. */
#include "loop/wheel.h"

#include <assert.h>

static const unsigned shift[WHEEL_LEVELS + 1] = { 8, 14, 20, 26 };

void wheel_init(struct wheel *w, sc_msec now)
{
    *w = (struct wheel){ .tick = now };
    for (unsigned i = 0; i < WHEEL_FINE; i++)
        list_init(&w->fine[i]);
    for (unsigned l = 0; l < WHEEL_LEVELS; l++)
        for (unsigned i = 0; i < WHEEL_COARSE; i++)
            list_init(&w->coarse[l][i]);
}

static void place(struct wheel *w, struct timer *t)
{
    uint64_t at = (uint64_t)(t->at < w->tick ? w->tick : t->at), distance = at - (uint64_t)w->tick;

    if (distance < WHEEL_FINE) {
        unsigned slot = at & (WHEEL_FINE - 1);

        w->fine_used[slot / 64] |= 1ULL << (slot % 64);
        list_push(&w->fine[slot], &t->link);
        return;
    }
    if (distance >= 1ULL << shift[WHEEL_LEVELS])
        at = (uint64_t)w->tick + (1ULL << shift[WHEEL_LEVELS]) - 1;
    for (unsigned l = 0; l < WHEEL_LEVELS; l++)
        if (distance < 1ULL << shift[l + 1] || l == WHEEL_LEVELS - 1) {
            unsigned slot = (at >> shift[l]) & (WHEEL_COARSE - 1);

            w->used[l] |= 1ULL << slot;
            list_push(&w->coarse[l][slot], &t->link);
            return;
        }
}

void wheel_add(struct wheel *w, struct timer *t)
{
    assert(!t->pending);
    t->pending = true;
    t->in = w;
    w->n++;
    place(w, t);
}

void wheel_remove(struct wheel *w, struct timer *t)
{
    assert(t->pending);
    t->pending = false;
    w->n--;
    list_remove(&t->link);
}

/* Slots from `from` (inclusive, cyclic) to the first used one, or WHEEL_COARSE. */
static unsigned first_used(uint64_t used, unsigned from)
{
    uint64_t turned = from == 0 ? used : (used >> from) | (used << (64 - from));

    return turned == 0 ? WHEEL_COARSE : (unsigned)__builtin_ctzll(turned);
}

sc_msec wheel_wait(const struct wheel *w, sc_msec now)
{
    sc_msec best = -1;

    if (w->n == 0)
        return -1;
    for (unsigned i = 0; i < WHEEL_FINE; i++) {
        unsigned slot = ((uint64_t)w->tick + i) & (WHEEL_FINE - 1);

        if (w->fine_used[slot / 64] >> (slot % 64) == 0) {       /* nothing up to the end of this word */
            i += 63 - slot % 64;
            continue;
        }
        if (w->fine_used[slot / 64] >> (slot % 64) & 1) {
            best = w->tick + i;
            break;
        }
    }
    for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
        uint64_t next = ((uint64_t)w->tick + (1ULL << shift[l]) - 1) >> shift[l];    /* the next to come down */
        unsigned n = first_used(w->used[l], next & (WHEEL_COARSE - 1));
        sc_msec at = (sc_msec)((next + n) << shift[l]);

        if (n < WHEEL_COARSE && (best < 0 || at < best))
            best = at;
    }
    return best < 0 ? 1 : best <= now ? 0 : best - now;
}

/* The level's slot that begins at this tick comes down. */
static void cascade(struct wheel *w)
{
    for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
        unsigned slot = ((uint64_t)w->tick >> shift[l]) & (WHEEL_COARSE - 1);
        struct link all;

        w->used[l] &= ~(1ULL << slot);
        list_init(&all);
        if (!list_empty(&w->coarse[l][slot])) {                  /* the whole list moves at once */
            list_add_after(&w->coarse[l][slot], &all);
            list_remove(&w->coarse[l][slot]);
            for (struct link *it; (it = list_pop(&all)) != NULL;)
                place(w, list_entry(it, struct timer, link));
        }
        if (slot != 0)
            return;
    }
}

static void fire(struct wheel *w, unsigned slot)
{
    struct link *head = &w->fine[slot], *it;

    w->fine_used[slot / 64] &= ~(1ULL << (slot % 64));
    while ((it = list_pop(head)) != NULL) {
        struct timer *t = list_entry(it, struct timer, link);

        if (t->at > w->tick) {                                   /* was clamped, or started anew for one round later */
            place(w, t);
            continue;
        }
        t->pending = false;
        w->n--;
        t->fn(t);
    }
}

void wheel_run(struct wheel *w, sc_msec now)
{
    while (w->tick <= now) {
        unsigned slot = (uint64_t)w->tick & (WHEEL_FINE - 1);

        if (w->n == 0) {
            w->tick = now + 1;
            return;
        }
        if (slot == 0)
            cascade(w);
        if (w->fine_used[slot / 64] >> (slot % 64) & 1)
            fire(w, slot);
        w->tick++;
    }
}
