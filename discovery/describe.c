/* discovery/describe.c - what is known of a service, for those who ask.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/tracked.h"

#include "base/alloc.h"
#include "base/refs.h"

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
    s->history = history_ref(t->history);
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
