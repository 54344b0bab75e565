/* discovery/table.h - the sets of all services of one plan, in the plan's order.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Immutable once published; any thread may read, take and drop references. Services that did not change share their sets
 * with the table before, page by page: a change of one costs a page, not the whole. */
#pragma once

#include "discovery/set.h"
#include "loop/loop.h"

enum { TABLE_PAGE = 32 };

struct table_page {
    atomic_uint refs;
    struct target_set *sets[TABLE_PAGE];
};

struct table {
    atomic_uint refs;
    uint64_t version;               /* grows by one with every table */
    unsigned slots;                 /* every target's slot in here is below this */
    void (*bury)(struct table *t);  /* where the last reference sends it; NULL: table_free at once */
    void *owner;                    /* bury's */
    struct mail grave;              /* bury's */
    unsigned n;
    struct table_page *pages[];
};

/* By the service's index in the plan; never NULL once published. */
static inline struct target_set *table_set(const struct table *t, unsigned i)
{
    return t->pages[i / TABLE_PAGE]->sets[i % TABLE_PAGE];
}

/* --- before it is published --- */

/* n sets to be put, one reference for the caller; or all of another one's, to be put in part. */
struct table *table_new(unsigned n);
struct table *table_copy(const struct table *from);
/* Takes over the reference to the set. */
void table_put(struct table *t, unsigned i, struct target_set *set);

struct table *table_ref(struct table *t);
/* The last one hands the table to `bury` (the discovery thread), so that a worker never frees thousands of targets. */
void table_unref(struct table **t);
void table_free(struct table *t);
