/* discovery/table.h - the sets of all services of one plan, in the plan's order.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Immutable; any thread may read, take and drop references. Services that did not change share their set with the table
 * before. */
#pragma once

#include "discovery/set.h"
#include "loop/loop.h"

struct table {
    atomic_uint refs;
    uint64_t version;               /* grows by one with every table */
    unsigned slots;                 /* every target's slot in here is below this */
    void (*bury)(struct table *t);  /* where the last reference sends it; NULL: table_free at once */
    void *owner;                    /* bury's */
    struct mail grave;              /* bury's */
    unsigned n;
    struct target_set *sets[];      /* by the service's index in the plan; never NULL */
};

/* sets NULL, n of them, one reference for the caller. */
struct table *table_new(unsigned n);
struct table *table_ref(struct table *t);
/* The last one hands the table to `bury` (the discovery thread), so that a worker never frees thousands of targets. */
void table_unref(struct table **t);
void table_free(struct table *t);
