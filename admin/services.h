/* admin/services.h - what discovery knows of services and their targets.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "admin/page.h"
#include "discovery/status.h"

struct jsonw;

/* healthy: all targets eligible and every source live; degraded: at least one eligible; unhealthy: none; unknown: no
 * answer yet. */
enum service_health { SERVICE_HEALTHY, SERVICE_DEGRADED, SERVICE_UNHEALTHY, SERVICE_UNKNOWN, HEALTHS };
extern const char *const services_healths[HEALTHS];

/* Of a target; held: the registry has ceased to name it. */
enum services_state { STATE_ACTIVE, STATE_UNHEALTHY, STATE_DRAINING, STATE_HELD, SERVICES_STATES };
extern const char *const services_states[SERVICES_STATES];

enum service_health service_health(const struct service_status *s, sc_msec now_mono);
enum services_state services_state(const struct target_entry *t);

/* "healthy", ...; s may be NULL: nobody has told of it. */
const char *services_health_name(const struct service_status *s, sc_msec now_mono);
/* What discovery knows now: a reference for the caller; NULL: nothing yet. */
struct discovery_status *services_status(const struct admin_state *state);
/* The members of an object that is open: status, sources, targets. */
void services_put(struct jsonw *j, const struct service_status *s, sc_msec now_mono);
/* "services": how many are healthy, degraded, ... */
void services_summary(const struct admin_state *state, struct jsonw *j, const char *key);
/* All, always 200 (503 with ?strict=1 and an unhealthy one). */
void services_all(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a);
/* The targets of one: 200, 404. */
void services_targets(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                      struct admin_answer *a);
/* One: 200, 503 when unhealthy or unknown, 404. */
void services_one(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a);
