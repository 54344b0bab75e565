/* sidecar/telemetry/metrics.c - numbers that grow.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each worker has its cells in pages of its own, so that two workers never write to one line of the cache. Rows are only
 * ever added, at the end of their table's list, and made whole before they are: readers walk without a lock. */
#include "telemetry/metrics.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/map.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { PAGE_CELLS = 512, LINE = 64 };

struct page {
    struct page *next;
    _Alignas(LINE) uint64_t cells[PAGE_CELLS];
};

struct worker_cells {
    struct page *pages;                     /* the one that is being filled first */
    unsigned used;
};

struct table {
    _Atomic(struct metrics_row *) first;
    struct metrics_row *last;
    struct metrics_row *_Atomic other;      /* NULL: not needed so far */
};

struct metrics {
    const struct metrics_table *kinds;
    unsigned ntables, nworkers;
    struct table *tables;
    atomic_ullong limit;

    pthread_mutex_t lock;                   /* of what follows */
    struct map rows;                        /* by table and values */
    uint64_t n;
    struct worker_cells *workers;
};

struct metrics *metrics_new(const struct metrics_table *tables, unsigned ntables, unsigned workers, uint64_t limit)
{
    struct metrics *m = xnew(struct metrics);

    m->kinds = tables;
    m->ntables = ntables;
    m->nworkers = workers;
    m->tables = xcalloc(ntables, sizeof *m->tables);
    m->workers = xcalloc(workers, sizeof *m->workers);
    m->rows = (struct map)MAP_INIT;
    atomic_init(&m->limit, limit);
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

static void free_rows(struct table *t)
{
    struct metrics_row *next;

    for (struct metrics_row *r = atomic_load(&t->first); r != NULL; r = next) {
        next = atomic_load(&r->next);
        free(r);
    }
}

static void free_pages(struct worker_cells *w)
{
    struct page *next;

    for (struct page *p = w->pages; p != NULL; p = next) {
        next = p->next;
        free(p);
    }
}

void metrics_free(struct metrics **mp)
{
    struct metrics *m = *mp;

    *mp = NULL;
    if (m == NULL)
        return;
    for (unsigned i = 0; i < m->ntables; i++)
        free_rows(&m->tables[i]);
    for (unsigned i = 0; i < m->nworkers; i++)
        free_pages(&m->workers[i]);
    map_fini(&m->rows);
    pthread_mutex_destroy(&m->lock);
    free(m->tables);
    free(m->workers);
    free(m);
}

void metrics_limit(struct metrics *m, uint64_t limit)
{
    atomic_store_explicit(&m->limit, limit, memory_order_relaxed);
}

/* ---- rows; behind the lock ---- */

static uint64_t *cells_new(struct worker_cells *w, unsigned n)
{
    uint64_t *cells;

    assert(n <= PAGE_CELLS);
    if (w->pages == NULL || w->used + n > PAGE_CELLS) {
        struct page *p = aligned_alloc(LINE, sizeof *p);

        if (p == NULL)
            abort();
        memset(p, 0, sizeof *p);
        p->next = w->pages;
        w->pages = p;
        w->used = 0;
    }
    cells = w->pages->cells + w->used;
    w->used += n;
    return cells;
}

static void copy_values(struct metrics_row *r, char *text, const struct sc_str *values, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (values[i].n > 0)
            memcpy(text, values[i].p, values[i].n);
        r->values[i] = (struct sc_str){ text, values[i].n };
        text += values[i].n;
    }
}

static struct metrics_row *row_new(struct metrics *m, unsigned table, const struct sc_str *values)
{
    const struct metrics_table *kind = &m->kinds[table];
    size_t size = sizeof(struct metrics_row) + m->nworkers * sizeof(uint64_t *), text = 0;
    struct metrics_row *r;

    for (unsigned i = 0; i < kind->labels; i++)
        text += values[i].n;
    r = xcalloc(1, size + text);
    copy_values(r, (char *)r + size, values, kind->labels);
    for (unsigned i = 0; i < m->nworkers; i++)
        r->cells[i] = cells_new(&m->workers[i], kind->cells);
    return r;
}

static void append(struct table *t, struct metrics_row *r)
{
    if (t->last == NULL)
        atomic_store_explicit(&t->first, r, memory_order_release);
    else
        atomic_store_explicit(&t->last->next, r, memory_order_release);
    t->last = r;
}

static struct metrics_row *other_row(struct metrics *m, unsigned table)
{
    struct table *t = &m->tables[table];
    struct sc_str values[METRICS_LABELS];
    struct metrics_row *r = atomic_load_explicit(&t->other, memory_order_relaxed);

    if (r != NULL)
        return r;
    for (unsigned i = 0; i < METRICS_LABELS; i++)
        values[i] = STR("other");
    r = row_new(m, table, values);
    append(t, r);
    atomic_store_explicit(&t->other, r, memory_order_release);
    return r;
}

/* Lengths keep apart what would read the same one behind the other. */
static void put_key(struct buf *key, unsigned table, const struct sc_str *values, unsigned n)
{
    buf_add(key, &table, sizeof table);
    for (unsigned i = 0; i < n; i++) {
        buf_add(key, &values[i].n, sizeof values[i].n);
        buf_str(key, values[i]);
    }
}

static struct metrics_row *find_or_make(struct metrics *m, unsigned table, const struct sc_str *values, struct sc_str key)
{
    struct metrics_row *r = map_get(&m->rows, key);

    if (r != NULL)
        return r;
    if (m->n >= atomic_load_explicit(&m->limit, memory_order_relaxed))
        return other_row(m, table);
    r = row_new(m, table, values);
    map_put(&m->rows, key, r);
    m->n++;
    append(&m->tables[table], r);
    return r;
}

struct metrics_row *metrics_row(struct metrics *m, unsigned table, const struct sc_str *values)
{
    struct buf key = BUF_INIT;
    struct metrics_row *r;

    assert(table < m->ntables);
    put_key(&key, table, values, m->kinds[table].labels);
    pthread_mutex_lock(&m->lock);
    r = find_or_make(m, table, values, buf_view(&key));
    pthread_mutex_unlock(&m->lock);
    buf_fini(&key);
    return r;
}

/* ---- reading ---- */

const struct metrics_table *metrics_table(const struct metrics *m, unsigned table)
{
    return &m->kinds[table];
}

const struct metrics_row *metrics_next(const struct metrics *m, unsigned table, const struct metrics_row *after)
{
    return after == NULL ? atomic_load_explicit(&m->tables[table].first, memory_order_acquire)
                         : atomic_load_explicit(&after->next, memory_order_acquire);
}

uint64_t metrics_sum(const struct metrics *m, const struct metrics_row *row, unsigned cell)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < m->nworkers; i++)
        sum += __atomic_load_n(row->cells[i] + cell, __ATOMIC_RELAXED);
    return sum;
}

uint64_t metrics_overflow(const struct metrics *m)
{
    uint64_t all = 0;

    for (unsigned t = 0; t < m->ntables; t++) {
        const struct metrics_row *r = atomic_load_explicit(&m->tables[t].other, memory_order_acquire);

        for (unsigned i = 0; r != NULL && i < m->kinds[t].events; i++)
            all += metrics_sum(m, r, i);
    }
    return all;
}

/* ---- durations ---- */

const uint32_t metrics_bounds_us[METRICS_BUCKETS] = {
    5000, 10000, 25000, 50000, 75000, 100000, 250000, 500000, 750000, 1000000, 2500000, 5000000, 7500000, 10000000,
};

unsigned metrics_bucket(int64_t us)
{
    unsigned i = 0;

    while (i < METRICS_BUCKETS && us > (int64_t)metrics_bounds_us[i])
        i++;
    return i;
}
