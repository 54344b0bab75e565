/* sidecar/telemetry/metrics.h - numbers that grow: tables of them, counted by many threads without a lock.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   table    declared: so many labels, so many cells
 *   row      one set of label values, with its cells once for each worker
 *   cell     a number that only its worker writes; readers add up over the workers
 *   metric   declared: which cells of which table are shown, and under which names (exposed by telemetry/exposition.h)
 *
 * Whoever counts asks for a row once, keeps it, and adds to a cell with two instructions. Rows stay until the process ends,
 * so counters survive whatever made them; there are `limit` of them at most. What comes past that is counted in one more row
 * for each table, all of whose labels say "other", and `metrics_overflow` tells how much that is. */
#pragma once

#include "base/str.h"

#include <stdatomic.h>
#include <stdint.h>

enum { METRICS_LABELS = 5 };

struct metrics_table {
    unsigned labels, cells;
    unsigned events;                        /* of its cells, the first so many say together how often there was something */
};

struct metrics_row {
    _Atomic(struct metrics_row *) next;     /* in order of making */
    struct sc_str values[METRICS_LABELS];   /* as many as its table has labels */
    uint64_t *cells[];                      /* by worker */
};

struct metrics;

/* tables: static; a table is named by its position. */
struct metrics *metrics_new(const struct metrics_table *tables, unsigned ntables, unsigned workers, uint64_t limit);
/* Nobody counts any more. Takes NULL. */
void metrics_free(struct metrics **m);
/* How many rows there may be from now on; those that are there stay. Any thread. */
void metrics_limit(struct metrics *m, uint64_t limit);

/* The row of these values, made if it is not there; never NULL. Values are copied. Takes a lock, for the time of one look
 * into a hash table. Any thread. */
struct metrics_row *metrics_row(struct metrics *m, unsigned table, const struct sc_str *values);

/* The worker's thread alone. */
static inline void metrics_count(uint64_t *cell, uint64_t n)
{
    __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void metrics_add(const struct metrics_row *row, unsigned worker, unsigned cell, uint64_t n)
{
    metrics_count(row->cells[worker] + cell, n);
}

/* ---- reading; any thread, no lock ---- */

const struct metrics_table *metrics_table(const struct metrics *m, unsigned table);
/* The rows of a table: NULL begins, NULL ends. */
const struct metrics_row *metrics_next(const struct metrics *m, unsigned table, const struct metrics_row *after);
/* Over all workers. */
uint64_t metrics_sum(const struct metrics *m, const struct metrics_row *row, unsigned cell);
/* How much was counted as "other", in all tables. */
uint64_t metrics_overflow(const struct metrics *m);

/* ---- durations ---- */

/* Cells of a histogram: one for each bucket (not cumulated), one for what is longer than all, one for the sum in us. The
 * bounds are those of OpenTelemetry's HTTP conventions. */
enum { METRICS_BUCKETS = 14, METRICS_SUM = METRICS_BUCKETS + 1, METRICS_HISTOGRAM = METRICS_BUCKETS + 2 };

extern const uint32_t metrics_bounds_us[METRICS_BUCKETS];

/* The cell for a duration. */
unsigned metrics_bucket(int64_t us);

/* cells: the first of a histogram. The worker's thread alone. */
static inline void metrics_observe(uint64_t *cells, int64_t us)
{
    uint64_t counted = us > 0 ? (uint64_t)us : 0;

    metrics_count(cells + metrics_bucket((int64_t)counted), 1);
    metrics_count(cells + METRICS_SUM, counted);
}
