/* sidecar/proxy/snapshot.h - a plan and the targets that belong to it, as one thing.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Indexes of services and sets can never be of different generations. Made on the discovery thread, adopted by workers at
 * the top of a turn; any thread may take and drop references. */
#pragma once

#include "discovery/table.h"
#include "proxy/plan.h"

#include <stdatomic.h>

struct snapshot {
    atomic_uint refs;
    struct plan *plan;
    struct table *table;
};

/* Takes over the reference to the table, and takes one of the plan. */
struct snapshot *snapshot_new(struct plan *plan, struct table *table);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot **s);
