/* admin/gauges.c - how things stand now.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/gauges.h"

#include "admin/families.h"
#include "admin/services.h"
#include "base/map.h"
#include "proxy/tally.h"

#include <stdlib.h>

/* The sample of one state of a thing. */
static void put_state(struct exposition *e, const char *label, struct sc_str of, const char *state, uint64_t value)
{
    exposition_sample(e, "");
    exposition_label(e, label, of);
    exposition_label(e, "state", str_of(state));
    exposition_uint(e, value);
}

/* ---- connections ---- */

static void put_listener(struct exposition *e, const struct plan_listener *l, const struct metrics *m)
{
    uint64_t open = atomic_load_explicit(&l->socket->connections, memory_order_relaxed);
    uint64_t active = tally_active(m, l->tally);
    struct sc_str name = str_of(l->conf->name);

    if (active > open)                  /* the two were not read at the same moment */
        active = open;
    put_state(e, "listener", name, "active", active);
    put_state(e, "listener", name, "idle", open - active);
}

static void put_upstream(struct exposition *e, const struct plan_service *s)
{
    int open = atomic_load_explicit(&s->counts->connections, memory_order_relaxed);
    uint64_t all = open > 0 ? (uint64_t)open : 0, idle = limit_resting(s->counts);

    if (idle > all)
        idle = all;
    put_state(e, "service", s->name, "active", all - idle);
    put_state(e, "service", s->name, "idle", idle);
}

void gauges_connections(struct exposition *e, const struct plan *p, const struct metrics *m)
{
    family_begin(e, FAMILY_CONNECTIONS);
    for (unsigned i = 0; i < p->nlisteners; i++)
        put_listener(e, &p->listeners[i], m);
    family_begin(e, FAMILY_UPSTREAM);
    for (unsigned i = 0; i < p->nservices; i++)
        put_upstream(e, &p->services[i]);
}

/* ---- targets ---- */

static void put_targets(struct exposition *e, const struct service_status *s)
{
    uint64_t counts[SERVICES_STATES] = { 0 };

    for (unsigned i = 0; i < s->set->n; i++)
        counts[services_state(&s->set->at[i])]++;
    for (unsigned i = 0; i < SERVICES_STATES; i++)
        put_state(e, "service", str_of(s->name), services_states[i], counts[i]);
}

void gauges_targets(struct exposition *e, const struct discovery_status *d)
{
    family_begin(e, FAMILY_TARGETS);
    for (unsigned i = 0; i < d->n; i++)
        put_targets(e, d->services[i]);
}

/* ---- the predecessors' ---- */

static void put_health(struct exposition *e, const struct service_status *s)
{
    enum service_health now = service_health(s, clock_mono_ms());

    for (unsigned i = 0; i < HEALTHS; i++) {
        exposition_sample(e, "");
        exposition_label(e, "service", str_of(s->name));
        exposition_label(e, "status", str_of(services_healths[i]));
        exposition_uint(e, i == (unsigned)now);
    }
}

static void put_means(struct exposition *e, const struct discovery_status *d, const struct map *sums)
{
    for (unsigned i = 0; i < d->n; i++) {
        const struct tally_sum *sum = map_get(sums, str_of(d->services[i]->name));

        if (sum == NULL || sum->requests == 0)
            continue;
        exposition_sample(e, "");
        exposition_label(e, "service", str_of(d->services[i]->name));
        exposition_micro(e, sum->us / sum->requests);
    }
}

void gauges_compat(struct exposition *e, const struct discovery_status *d, const struct metrics *m)
{
    struct map sums = MAP_INIT;
    struct map_item *item;

    family_begin(e, FAMILY_SERVICE_HEALTH);
    for (unsigned i = 0; i < d->n; i++)
        put_health(e, d->services[i]);
    family_begin(e, FAMILY_SERVICE_TIME);
    tally_sums(m, &sums);
    put_means(e, d, &sums);
    for (unsigned i = 0; (item = map_next(&sums, &i)) != NULL;)
        free(item->value);
    map_fini(&sums);
}
