/* admin/services.c - what discovery knows of services and their targets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/services.h"

#include "base/jsonw.h"
#include "discovery/check.h"
#include "discovery/hands.h"
#include "discovery/snapshot/store.h"

const char *const services_healths[HEALTHS] = { "healthy", "degraded", "unhealthy", "unknown" };

struct discovery_status *services_status(const struct admin_state *state)
{
    return state->services == NULL ? NULL : state->services(state->arg);
}

static bool any_knows(const struct service_status *s)
{
    for (unsigned i = 0; i < s->nsources; i++)
        if (source_knows(&s->sources[i]))
            return true;
    return false;
}

static bool all_live(const struct service_status *s, sc_msec now)
{
    for (unsigned i = 0; i < s->nsources; i++)
        if (source_mode_at(&s->sources[i], now) != SOURCE_LIVE)
            return false;
    return true;
}

enum service_health service_health(const struct service_status *s, sc_msec now)
{
    if (!any_knows(s))
        return SERVICE_UNKNOWN;
    if (s->set->eligible == 0)
        return SERVICE_UNHEALTHY;
    return s->set->eligible + s->set->spare == s->set->n && all_live(s, now) ? SERVICE_HEALTHY : SERVICE_DEGRADED;
}

const char *services_health_name(const struct service_status *s, sc_msec now)
{
    return services_healths[s == NULL ? SERVICE_UNKNOWN : service_health(s, now)];
}

/* ---- one service ---- */

static void wall_or_null(struct jsonw *j, const char *key, sc_msec wall)
{
    if (wall == 0)
        jsonw_null(j, key);
    else
        jsonw_time(j, key, wall);
}

/* What there was of it on disk when the process started. */
static void put_snapshot(struct jsonw *j, const struct source_status *s)
{
    if (s->snapshot.wall == 0 && s->snapshot.refused == NULL) {
        jsonw_null(j, "snapshot");
        return;
    }
    jsonw_object(j, "snapshot");
    wall_or_null(j, "live_at", s->snapshot.wall);
    jsonw_text(j, "refused", s->snapshot.refused);
    jsonw_close(j);
}

/* What somebody wants of it. */
static void put_hand(struct jsonw *j, const struct source_status *s)
{
    if (s->hand.kind == HAND_NONE) {
        jsonw_null(j, "hand");
        return;
    }
    jsonw_object(j, "hand");
    jsonw_text(j, "action", hand_name(s->hand.kind));
    jsonw_text(j, "by", s->hand.by);
    jsonw_time(j, "until", s->hand.until_wall);
    jsonw_close(j);
}

static void put_source(struct jsonw *j, const struct source_status *s, sc_msec now)
{
    jsonw_object(j, NULL);
    jsonw_text(j, "registry", s->registry);
    jsonw_text(j, "type", s->type);
    jsonw_text(j, "mode", source_mode_name(source_mode_at(s, now)));
    jsonw_uint(j, "index", s->index);
    jsonw_milli(j, "age_seconds", source_age_at(s, now));
    wall_or_null(j, "last_contact", s->contact_wall);
    if (s->last_change.wall == 0) {
        jsonw_null(j, "last_change");
    } else {
        jsonw_object(j, "last_change");
        jsonw_time(j, "at", s->last_change.wall);
        jsonw_text(j, "cause", s->last_change.cause);
        jsonw_close(j);
    }
    jsonw_text(j, "last_error", s->last_error);
    jsonw_uint(j, "weight", (uint64_t)s->weight);
    jsonw_bool(j, "serves", s->serves);
    put_snapshot(j, s);
    put_hand(j, s);
    jsonw_close(j);
}

const char *const services_states[SERVICES_STATES] = { "active", "unhealthy", "draining", "held" };

enum services_state services_state(const struct target_entry *t)
{
    if (t->unfit != NULL)
        return STATE_UNHEALTHY;
    switch (t->record->state) {
    case EP_CRITICAL:
    case EP_NOT_PASSING:
    case EP_MAINTENANCE:
        return STATE_UNHEALTHY;
    case EP_SERVING_TERMINATING:
        return STATE_DRAINING;
    case EP_READY:
    case EP_WARNING:
        break;
    }
    return t->held ? STATE_HELD : STATE_ACTIVE;
}

static void put_check(struct jsonw *j, const struct target *t)
{
    uint64_t packed = atomic_load_explicit(&t->last_check, memory_order_relaxed);
    char text[CHECK_TEXT_MAX];
    struct check_result r;
    sc_msec wall;

    if (packed == 0) {
        jsonw_null(j, "last_check");
        return;
    }
    r = check_unpack(packed, &wall);
    jsonw_object(j, "last_check");
    jsonw_time(j, "at", wall);
    jsonw_bool(j, "passed", r.outcome == CHECK_PASSED);
    jsonw_text(j, "result", check_print(text, r));
    jsonw_close(j);
}

static void put_target(struct jsonw *j, const struct service_status *s, const struct target_entry *t)
{
    jsonw_object(j, NULL);
    jsonw_text(j, "address", t->target->address);
    jsonw_text(j, "registry", t->source < s->nsources ? s->sources[t->source].registry : NULL);
    jsonw_uint(j, "weight", t->record->weight);
    jsonw_milli(j, "effective_weight", (int64_t)t->weight * 1000 / WEIGHT_UNIT);
    jsonw_text(j, "zone", t->record->zone);
    jsonw_text(j, "state", services_states[services_state(t)]);
    jsonw_bool(j, "eligible", t->eligible);
    jsonw_text(j, "reason", t->reason);
    jsonw_uint(j, "inflight", atomic_load_explicit(&t->target->inflight, memory_order_relaxed));
    put_check(j, t->target);
    jsonw_close(j);
}

static void put_targets(struct jsonw *j, const struct service_status *s)
{
    jsonw_array(j, "targets");
    for (unsigned i = 0; i < s->set->n; i++)
        put_target(j, s, &s->set->at[i]);
    jsonw_close(j);
}

static void put_quarantined(struct jsonw *j, const struct quarantined *q)
{
    jsonw_object(j, NULL);
    jsonw_text(j, "record", q->record);
    jsonw_text(j, "reason", q->reason);
    jsonw_close(j);
}

void services_put(struct jsonw *j, const struct service_status *s, sc_msec now)
{
    jsonw_text(j, "status", services_health_name(s, now));
    jsonw_null(j, "breaker");
    jsonw_array(j, "sources");
    for (unsigned i = 0; i < s->nsources; i++)
        put_source(j, &s->sources[i], now);
    jsonw_close(j);
    put_targets(j, s);
    jsonw_array(j, "quarantined");
    for (unsigned i = 0; i < s->nquarantined; i++)
        put_quarantined(j, &s->quarantined[i]);
    jsonw_close(j);
    jsonw_uint(j, "quarantined_total", s->nquarantined_all);
}

/* ---- all of them ---- */

static void count_healths(const struct discovery_status *d, unsigned counts[HEALTHS])
{
    sc_msec now = clock_mono_ms();

    for (unsigned i = 0; d != NULL && i < d->n; i++)
        counts[service_health(d->services[i], now)]++;
}

static const char *overall(const unsigned counts[HEALTHS])
{
    if (counts[SERVICE_UNHEALTHY] > 0)
        return "unhealthy";
    if (counts[SERVICE_UNKNOWN] > 0)
        return "unknown";
    return counts[SERVICE_DEGRADED] > 0 ? "degraded" : "healthy";
}

void services_summary(const struct admin_state *state, struct jsonw *j, const char *key)
{
    struct discovery_status *d = services_status(state);
    unsigned counts[HEALTHS] = { 0 };

    count_healths(d, counts);
    jsonw_object(j, key);
    for (unsigned i = 0; i < HEALTHS; i++)
        jsonw_uint(j, services_healths[i], counts[i]);
    jsonw_close(j);
    if (d != NULL)
        discovery_status_unref(&d);
}

static void put_kept(const struct admin_state *state, struct jsonw *j)
{
    struct store_counts c = { 0 };

    if (state->kept != NULL)
        state->kept(state->arg, &c);
    jsonw_object(j, "snapshots");
    jsonw_uint(j, "read", c.read);
    jsonw_uint(j, "refused", c.refused);
    jsonw_uint(j, "written", c.written);
    jsonw_uint(j, "failed", c.failed);
    jsonw_uint(j, "removed", c.removed);
    jsonw_close(j);
}

void services_all(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a)
{
    struct discovery_status *d = services_status(state);
    struct jsonw j = JSONW_INIT(&a->body);
    unsigned counts[HEALTHS] = { 0 };
    sc_msec now = clock_mono_ms();
    struct admin_facts f = { 0 };

    (void)name;
    state->facts(state->arg, &f);
    count_healths(d, counts);
    if (counts[SERVICE_UNHEALTHY] > 0 && page_asks(r, STR("strict"), STR("1")))
        a->status = 503;
    jsonw_object(&j, NULL);
    jsonw_text(&j, "status", overall(counts));
    jsonw_text(&j, "node", state->node);
    jsonw_uint(&j, "generation", f.generation);
    jsonw_object(&j, "services");
    for (unsigned i = 0; d != NULL && i < d->n; i++) {
        jsonw_object_at(&j, str_of(d->services[i]->name));
        services_put(&j, d->services[i], now);
        jsonw_close(&j);
    }
    jsonw_close(&j);
    put_kept(state, &j);
    jsonw_close(&j);
    if (d != NULL)
        discovery_status_unref(&d);
}

void services_targets(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                      struct admin_answer *a)
{
    struct discovery_status *d = services_status(state);
    const struct service_status *s = d == NULL ? NULL : discovery_status_find(d, name);
    struct jsonw j = JSONW_INIT(&a->body);

    (void)r;
    if (s == NULL) {
        page_problem(a, ERR_NO_ROUTE, STR("there is no service of this name"));
    } else {
        jsonw_object(&j, NULL);
        put_targets(&j, s);
        jsonw_close(&j);
    }
    if (d != NULL)
        discovery_status_unref(&d);
}

void services_one(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a)
{
    struct discovery_status *d = services_status(state);
    const struct service_status *s = d == NULL ? NULL : discovery_status_find(d, name);
    struct jsonw j = JSONW_INIT(&a->body);
    sc_msec now = clock_mono_ms();

    (void)r;
    if (s == NULL) {
        page_problem(a, ERR_NO_ROUTE, STR("there is no service of this name"));
    } else {
        enum service_health health = service_health(s, now);

        a->status = health == SERVICE_HEALTHY || health == SERVICE_DEGRADED ? 200 : 503;
        jsonw_object(&j, NULL);
        jsonw_text(&j, "name", s->name);
        services_put(&j, s, now);
        jsonw_close(&j);
    }
    if (d != NULL)
        discovery_status_unref(&d);
}
