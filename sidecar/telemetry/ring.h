/* sidecar/telemetry/ring.h - lines on their way from one thread to another.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One producer, one consumer, no locks. A record is a line and the pointer it is for. Positions count bytes since the
 * start and never wrap; the memory does. */
#pragma once

#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct ring {
    char *memory;
    size_t size;                            /* a power of two */
    _Alignas(64) atomic_size_t head;        /* written by the producer: end of what is there */
    size_t tail_seen;                       /* the producer's memory of tail */
    _Alignas(64) atomic_size_t tail;        /* written by the consumer: start of what is there */
};

/* A line as it lies in the ring, in one piece or two. */
struct ring_record {
    void *to;
    struct sc_str part[2];
    size_t next;                            /* position of the next record */
};

/* size: a power of two, at least 64. */
void ring_init(struct ring *r, size_t size);
void ring_fini(struct ring *r);

/* False when there is no room. *used: how full the ring is with this record; up to a quarter of its size it may be
 * less than that by now, above it is what the consumer had not released at this call. Producer. */
bool ring_put(struct ring *r, void *to, const char *line, size_t n, size_t *used);

/* The end of what can be read now. Consumer. */
static inline size_t ring_head(struct ring *r)
{
    return atomic_load(&r->head);
}

static inline size_t ring_tail(struct ring *r)
{
    return atomic_load_explicit(&r->tail, memory_order_relaxed);
}

/* The record at `at`, which lies before a head that was read. Consumer. */
struct ring_record ring_at(const struct ring *r, size_t at);
/* Everything before `at` may be written over. Consumer. */
static inline void ring_release(struct ring *r, size_t at)
{
    atomic_store_explicit(&r->tail, at, memory_order_release);
}
