/* discovery/status.c - what discovery knows, for those who ask.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/status.h"

#include "base/alloc.h"
#include "base/refs.h"

#include <stdlib.h>

struct registration_list *registration_list_new(unsigned n)
{
    struct registration_list *l = xcalloc(1, sizeof *l + n * sizeof l->at[0]);

    refs_init(&l->refs);
    arena_init(&l->arena, 256);
    l->n = n;
    return l;
}

void registration_list_unref(struct registration_list **lp)
{
    struct registration_list *l = *lp;

    *lp = NULL;
    if (l == NULL || !refs_put(&l->refs))
        return;
    arena_fini(&l->arena);
    free(l);
}

struct discovery_status *discovery_status_new(unsigned n, struct registration_list *registrations)
{
    struct discovery_status *s = xcalloc(1, sizeof *s + n * sizeof s->services[0]);

    refs_init(&s->refs);
    refs_get(&registrations->refs);
    s->registrations = registrations;
    s->n = n;
    return s;
}

enum source_mode source_mode_at(const struct source_status *s, sc_msec now_mono)
{
    static const enum source_mode by_hand[] = { [HAND_FREEZE] = SOURCE_FROZEN, [HAND_PIN] = SOURCE_PINNED,
                                                [HAND_FAIL] = SOURCE_FAILED };

    if (s->hand.kind != HAND_NONE)
        return by_hand[s->hand.kind];
    if (!s->answered)
        return s->recalled ? SOURCE_SNAPSHOT : SOURCE_FAILED;
    if (s->failing || (s->interval > 0 && now_mono - s->live_mono > 2 * s->interval))
        return SOURCE_STALE;
    return s->held ? SOURCE_HELD : SOURCE_LIVE;
}

sc_msec source_age_at(const struct source_status *s, sc_msec now_mono)
{
    enum source_mode mode = source_mode_at(s, now_mono);
    bool by_hand = mode == SOURCE_FROZEN || mode == SOURCE_PINNED;
    sc_msec since = by_hand ? s->hand.since_mono : s->live_mono;

    if (mode == SOURCE_LIVE || mode == SOURCE_HELD || (!by_hand && !source_knows(s)))
        return 0;
    return now_mono > since ? now_mono - since : 0;
}

const struct service_status *discovery_status_find(const struct discovery_status *s, struct sc_str name)
{
    for (unsigned i = 0; i < s->n; i++)
        if (str_eq(name, str_of(s->services[i]->name)))
            return s->services[i];
    return NULL;
}

struct service_status *service_status_ref(struct service_status *s)
{
    refs_get(&s->refs);
    return s;
}

void service_status_unref(struct service_status **sp)
{
    struct service_status *s = *sp;

    *sp = NULL;
    if (s == NULL || !refs_put(&s->refs))
        return;
    target_set_unref(&s->set);
    history_unref(&s->history);
    arena_fini(&s->arena);
    free(s);
}

void discovery_status_unref(struct discovery_status **sp)
{
    struct discovery_status *s = *sp;

    *sp = NULL;
    if (s == NULL || !refs_put(&s->refs))
        return;
    for (unsigned i = 0; i < s->n; i++)
        service_status_unref(&s->services[i]);
    registration_list_unref(&s->registrations);
    free(s);
}
