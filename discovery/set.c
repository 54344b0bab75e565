/* discovery/set.c - the targets of one service at one moment.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/set.h"

#include "base/alloc.h"
#include "base/refs.h"
#include "discovery/balance/balancer.h"

#include <stdlib.h>
#include <string.h>

struct service_shared *service_shared_new(const char *name)
{
    size_t n = strlen(name) + 1, size = (sizeof(struct service_shared) + n + 63) & ~(size_t)63;
    struct service_shared *s = aligned_alloc(64, size);

    if (s == NULL)
        abort();
    memset(s, 0, sizeof *s);
    refs_init(&s->refs);
    s->name = memcpy((char *)(s + 1), name, n);
    atomic_init(&s->turn, 0);
    return s;
}

struct service_shared *service_shared_ref(struct service_shared *s)
{
    refs_get(&s->refs);
    return s;
}

void service_shared_unref(struct service_shared **sp)
{
    struct service_shared *s = *sp;

    *sp = NULL;
    if (s != NULL && refs_put(&s->refs))
        free(s);
}

struct target_set *target_set_new(struct service_shared *service, unsigned n)
{
    static _Atomic(uint64_t) versions;
    struct target_set *set = xcalloc(1, sizeof *set + n * sizeof set->at[0]);

    refs_init(&set->refs);
    set->service = service_shared_ref(service);
    set->version = atomic_fetch_add_explicit(&versions, 1, memory_order_relaxed) + 1;
    set->n = n;
    arena_init(&set->arena, endpoint_room(n));
    return set;
}

/* NULL when this target may serve, tier, other sources and terminating ones aside. */
static const char *not_ready(const struct target_entry *e)
{
    if (e->weight == 0)
        return "weight 0";
    if (e->unfit != NULL)
        return e->unfit;
    switch (e->record->state) {
    case EP_READY:
    case EP_WARNING:
        return NULL;
    case EP_SERVING_TERMINATING:
        return "terminating";
    case EP_NOT_PASSING:
        return "warning";
    case EP_MAINTENANCE:
        return "maintenance";
    case EP_CRITICAL:
        break;
    }
    return "critical";
}

/* On its way out, and able to serve until then. */
static bool may_end(const struct target_entry *e)
{
    return e->weight > 0 && e->unfit == NULL && e->record->state == EP_SERVING_TERMINATING;
}

/* The lowest tier with a target in one of the two conditions; -1: none has. */
static int lowest_tier(const struct target_set *set, bool terminating)
{
    int lowest = -1;

    for (unsigned i = 0; i < set->n; i++) {
        const struct target_entry *e = &set->at[i];
        bool fits = terminating ? may_end(e) : not_ready(e) == NULL;

        if (fits && !e->standby && (lowest < 0 || e->tier < lowest))
            lowest = e->tier;
    }
    return lowest;
}

static void judge(struct target_set *set)
{
    int tier = lowest_tier(set, false);
    bool last_resort = tier < 0;

    if (last_resort)
        tier = lowest_tier(set, true);
    for (unsigned i = 0; i < set->n; i++) {
        struct target_entry *e = &set->at[i];

        e->reason = not_ready(e);
        if (last_resort && may_end(e))
            e->reason = NULL;
        if (e->reason == NULL && (e->standby || e->tier != tier)) {
            e->reason = e->standby ? "standby" : "tier";
            set->spare++;
        }
        e->eligible = e->reason == NULL;
        set->eligible += e->eligible;
    }
}

void target_set_finish(struct target_set *set, const struct balancer *balancer, const void *conf)
{
    judge(set);
    set->balancer = balancer;
    if (set->eligible > 0 && balancer->index_new != NULL)
        set->index = balancer->index_new(set, conf);
}

struct target_set *target_set_ref(struct target_set *set)
{
    refs_get(&set->refs);
    return set;
}

void target_set_unref(struct target_set **sp)
{
    struct target_set *set = *sp;

    *sp = NULL;
    if (set == NULL || !refs_put(&set->refs))
        return;
    if (set->index != NULL)
        set->balancer->index_free(set->index);
    for (unsigned i = 0; i < set->n; i++)
        target_unref(&set->at[i].target);
    service_shared_unref(&set->service);
    arena_fini(&set->arena);
    free(set);
}
