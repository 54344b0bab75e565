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

/* ---- discovery ---- */

/* What a service has of one registry: of several sources there, the worst. */
struct state {
    const struct source_status *first;
    sc_msec age;
    enum source_mode mode;
};

static bool same_registry(const struct source_status *a, const struct source_status *b)
{
    return strcmp(a->registry, b->registry) == 0;
}

/* False: an earlier source is of the same registry, and tells of both. */
static bool take_state(struct state *state, const struct service_status *s, unsigned at, sc_msec now)
{
    *state = (struct state){ .first = &s->sources[at] };
    for (unsigned i = 0; i < s->nsources; i++) {
        const struct source_status *source = &s->sources[i];

        if (!same_registry(source, state->first))
            continue;
        if (i < at)
            return false;
        if (source_age_at(source, now) > state->age)
            state->age = source_age_at(source, now);
        if (source_mode_at(source, now) > state->mode)
            state->mode = source_mode_at(source, now);
    }
    return true;
}

static void put_source(struct exposition *e, const struct service_status *s, const struct state *state)
{
    exposition_sample(e, "");
    exposition_label(e, "service", str_of(s->name));
    exposition_label(e, "registry", str_of(state->first->registry));
}

static void put_age(struct exposition *e, const struct service_status *s, const struct state *state)
{
    put_source(e, s, state);
    exposition_milli(e, state->age);
}

static void put_mode(struct exposition *e, const struct service_status *s, const struct state *state)
{
    for (unsigned mode = SOURCE_LIVE; mode <= SOURCE_FAILED; mode++) {
        put_source(e, s, state);
        exposition_label(e, "mode", str_of(source_mode_name((enum source_mode)mode)));
        exposition_uint(e, mode == (unsigned)state->mode);
    }
}

static void put_updates(struct exposition *e, const struct service_status *s, const struct state *state)
{
    static const char *const results[SOURCE_UPDATES] = { "changed", "same", "failed" };

    for (unsigned i = 0; i < SOURCE_UPDATES; i++) {
        put_source(e, s, state);
        exposition_label(e, "result", str_of(results[i]));
        exposition_uint(e, state->first->updates[i]);
    }
}

typedef void put_state_fn(struct exposition *e, const struct service_status *s, const struct state *state);

static void each_registry(struct exposition *e, const struct discovery_status *d, put_state_fn *put)
{
    sc_msec now = clock_mono_ms();
    struct state state;

    for (unsigned i = 0; i < d->n; i++)
        for (unsigned k = 0; k < d->services[i]->nsources; k++)
            if (take_state(&state, d->services[i], k, now))
                put(e, d->services[i], &state);
}

void gauges_discovery(struct exposition *e, const struct discovery_status *d)
{
    family_begin(e, FAMILY_AGE);
    each_registry(e, d, put_age);
    family_begin(e, FAMILY_MODE);
    each_registry(e, d, put_mode);
    family_begin(e, FAMILY_UPDATES);
    each_registry(e, d, put_updates);
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
