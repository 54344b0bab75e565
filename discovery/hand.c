/* discovery/hand.c - a source in somebody's hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/hand.h"

#include "base/alloc.h"
#include "discovery/tracked.h"

#include <stdlib.h>

/* Only the first source of a service has the targets that were pinned: the others have none meanwhile. */
static bool is_first(const struct source *s)
{
    return s->owner->sources.next == &s->link;
}

static void pin(struct source *s, const struct hand *h)
{
    source_pin(s, h->targets, is_first(s) ? h->ntargets : 0);
}

static void let_go(struct source *s)
{
    enum source_hand was = s->status.hand.kind;

    s->status.hand.kind = HAND_NONE;
    if (was == HAND_FREEZE)
        source_thaw(s);
    else if (was == HAND_PIN)
        source_unpin(s);
    else if (was == HAND_FAIL)
        source_mend(s);
}

static void take(struct source *s, const struct hand *h)
{
    s->status.hand.kind = h->kind;
    s->status.hand.since_mono = clock_mono_ms();
    if (h->kind == HAND_PIN)
        pin(s, h);
    else if (h->kind == HAND_FAIL)
        source_cut(s, h->by);
}

/* A copy of who: the hand may go before its other sources have let go of it. */
static void name(struct source *s, const struct hand *h)
{
    char *was = s->by;

    s->hand = h == NULL ? 0 : h->id;
    s->by = xstrdup(h == NULL ? NULL : h->by);
    s->status.hand.by = s->by;
    s->status.hand.until_wall = h == NULL ? 0 : h->until_wall;
    free(was);
}

void hand_take(struct source *s, const struct hand *h)
{
    if (h == NULL ? s->hand == 0 : s->hand == h->id)
        return;
    name(s, NULL);
    let_go(s);
    if (h != NULL) {
        name(s, h);
        take(s, h);
    }
    tracked_heard(s->owner);
}
