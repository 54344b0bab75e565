/* discovery/snapshot/kept.c - a source and its file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/snapshot/kept.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/units.h"
#include "discovery/snapshot/store.h"
#include "discovery/tracked.h"

#include <stdlib.h>

enum {
    LIVE_EVERY = 600000,            /* ms: how old what the file says of the source's life may be, after a crash */
    LIVE_PART = 24,                 /* or this part of max_age, if that is less */
    LIVE_LAST = 10000,              /* the same after a proper stop */
};

/* --- to the file --- */

static sc_msec live_wall(const struct source *s)
{
    struct source_status status = source_status(s);
    sc_msec now = clock_mono_ms();

    return clock_wall_ms() - source_age_at(&status, now);
}

static void print_answer(const struct source *s, struct buf *body)
{
    const struct answer *a = s->now;
    struct endpoint *all = xcalloc(a->n + 1, sizeof *all);
    struct saved saved = { .identity = s->conf->identity, .live = live_wall(s), .changed = s->changed_wall,
                           .cause = s->cause, .index = s->status.index, .at = all };

    for (unsigned i = 0; i < a->n; i++)
        if (a->records[i].wrong == NULL)
            all[saved.n++] = a->records[i].at;
    saved_print(body, &saved);
    free(all);
}

/* An answer that is doubted, or that the shrink guard does not believe yet, does not replace a good one: after a crash it
 * would be believed. Nor does what somebody does by hand. */
static bool print(struct store_slot *slot, struct buf *body)
{
    struct source *s = list_entry(slot, struct source, slot);

    if (!s->status.answered || s->now->doubted || s->nheld > 0 || s->status.hand.kind != HAND_NONE)
        return false;
    s->unsaved = false;
    print_answer(s, body);
    return true;
}

void kept_join(struct source *s, struct store *store)
{
    s->slot.print = print;
    if (s->conf != NULL && s->conf->identity != NULL)
        store_join(store, &s->slot, s->owner->shared->name, s->conf->identity);
}

void kept_leave(struct source *s)
{
    store_leave(&s->slot);
}

void kept_changed(struct source *s)
{
    if (!s->status.answered)
        return;
    s->unsaved = true;
    store_want(&s->slot);
}

static sc_msec since_written(const struct source *s)
{
    return s->slot.written == 0 ? INT64_MAX : loop_now(s->owner->loop) - s->slot.written;
}

void kept_live(struct source *s)
{
    sc_msec every = s->owner->conf->last_known_good.max_age / LIVE_PART;

    if (!s->status.answered)
        return;
    if (s->unsaved || since_written(s) > (every < LIVE_EVERY ? every : LIVE_EVERY))
        store_want(&s->slot);
}

void kept_last(struct source *s)
{
    if (s->status.answered && (s->unsaved || (!s->status.failing && since_written(s) > LIVE_LAST)))
        store_want(&s->slot);
}

/* --- from the file --- */

static void take(struct source *s, const struct saved *saved)
{
    sc_msec age = clock_wall_ms() - saved->live;
    char text[UNITS_MAX];

    if (age < 0)
        age = 0;                    /* the clock was set back, or is not set yet */
    s->status.recalled = true;
    s->status.index = saved->index;
    s->status.live_mono = clock_mono_ms() - age;
    s->status.snapshot.wall = saved->live;
    source_recall(s, saved->at, saved->n, saved->changed, saved->cause);
    log_info("discovery: %s: %s has not answered yet: %u targets from its snapshot, %s old", s->owner->shared->name,
             s->status.registry, saved->n, units_print_duration(text, age / 1000 * 1000));
}

void kept_recall(struct source *s)
{
    struct sc_error e = SC_ERROR_INIT;
    struct saved saved;
    struct arena a;

    if (s->slot.store == NULL || s->asked || s->status.answered)
        return;
    s->asked = true;
    arena_init(&a, 16384);
    switch (store_read(&s->slot, s->conf->identity, &a, &saved, &e)) {
    case STORE_READ:
        take(s, &saved);
        break;
    case STORE_REFUSED:
        s->refused = xstrdup(e.text);
        break;
    case STORE_NONE:
        break;
    }
    arena_fini(&a);
}
