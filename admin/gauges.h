/* admin/gauges.h - how things stand now: connections, targets, sources, snapshots, registrations.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Read from where they are when somebody asks; each is a moment's, and no two are of the same one. Admin thread. */
#pragma once

#include "proxy/plan.h"
#include "telemetry/exposition.h"

struct discovery_status;
struct store_counts;

/* Of listeners and services. */
void gauges_connections(struct exposition *e, const struct plan *p, const struct metrics *m);
void gauges_targets(struct exposition *e, const struct discovery_status *d);
/* What the predecessors showed of services. */
void gauges_compat(struct exposition *e, const struct discovery_status *d, const struct metrics *m);

/* ---- gauges_registry.c ---- */

void gauges_sources(struct exposition *e, const struct discovery_status *d);
void gauges_snapshots(struct exposition *e, const struct store_counts *c);
void gauges_registrations(struct exposition *e, const struct discovery_status *d);
