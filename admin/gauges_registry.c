/* admin/gauges_registry.c - how things stand with registries: what is followed there, kept on disk, registered.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/gauges.h"

#include "admin/families.h"
#include "discovery/status.h"
#include "discovery/snapshot/store.h"

/* ---- sources ---- */

/* What a service has of one registry: of several sources there, the worst. */
struct state {
    const struct source_status *first;
    sc_msec age;
    enum source_mode mode;
    bool serves;                        /* one of them does */
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
        state->serves |= source->serves;
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
    for (unsigned mode = 0; mode < SOURCE_MODES; mode++) {
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

static void put_serving(struct exposition *e, const struct service_status *s, const struct state *state)
{
    put_source(e, s, state);
    exposition_uint(e, state->serves);
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

void gauges_sources(struct exposition *e, const struct discovery_status *d)
{
    family_begin(e, FAMILY_AGE);
    each_registry(e, d, put_age);
    family_begin(e, FAMILY_MODE);
    each_registry(e, d, put_mode);
    family_begin(e, FAMILY_UPDATES);
    each_registry(e, d, put_updates);
    family_begin(e, FAMILY_SERVING);
    each_registry(e, d, put_serving);
    family_begin(e, FAMILY_QUARANTINED);
    for (unsigned i = 0; i < d->n; i++) {
        exposition_sample(e, "");
        exposition_label(e, "service", str_of(d->services[i]->name));
        exposition_uint(e, d->services[i]->nquarantined_all);
    }
}

/* ---- snapshots ---- */

void gauges_snapshots(struct exposition *e, const struct store_counts *c)
{
    const struct { const char *result; uint64_t n; } all[] = {
        { "read", c->read }, { "refused", c->refused }, { "written", c->written }, { "failed", c->failed },
        { "removed", c->removed },
    };

    family_begin(e, FAMILY_SNAPSHOTS);
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        exposition_sample(e, "");
        exposition_label(e, "result", str_of(all[i].result));
        exposition_uint(e, all[i].n);
    }
}

/* ---- services of this host ---- */

static void put_registration(struct exposition *e, const struct registration_status *r)
{
    exposition_sample(e, "");
    exposition_label(e, "id", str_of(r->id));
    exposition_label(e, "registry", str_of(r->registry));
}

static void put_place(struct exposition *e, const struct registration_status *r)
{
    for (unsigned place = ENROL_OUT; place <= ENROL_GONE; place++) {
        put_registration(e, r);
        exposition_label(e, "state", str_of(enrol_place_name((enum enrol_place)place)));
        exposition_uint(e, place == (unsigned)r->place);
    }
}

static void put_standing(struct exposition *e, const struct registration_status *r)
{
    for (unsigned standing = ENROL_UNKNOWN; standing <= ENROL_PASSING; standing++) {
        put_registration(e, r);
        exposition_label(e, "check", str_of(enrol_standing_name((enum enrol_standing)standing)));
        exposition_uint(e, standing == (unsigned)r->standing);
    }
}

static void put_maintenance(struct exposition *e, const struct registration_status *r)
{
    put_registration(e, r);
    exposition_uint(e, r->maintenance != NULL);
}

static void put_contact(struct exposition *e, const struct registration_status *r)
{
    if (r->contact_wall == 0)
        return;
    put_registration(e, r);
    exposition_milli(e, r->contact_wall);
}

void gauges_registrations(struct exposition *e, const struct discovery_status *d)
{
    static const struct {
        enum family family;
        void (*put)(struct exposition *e, const struct registration_status *r);
    } all[] = {
        { FAMILY_REGISTRATION, put_place }, { FAMILY_REGISTRATION_CHECK, put_standing },
        { FAMILY_MAINTENANCE, put_maintenance }, { FAMILY_REGISTRATION_CONTACT, put_contact },
    };

    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        family_begin(e, all[i].family);
        for (unsigned k = 0; k < d->registrations->n; k++)
            all[i].put(e, &d->registrations->at[k]);
    }
}
