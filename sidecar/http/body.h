/* sidecar/http/body.h - a bounded queue of bytes between a source and a sink.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One thread. A ring in one block of memory: it starts small, grows up to its limit, and is given back when it runs
 * empty (the smallest one is kept until the end). Marks: once it is full the source stops until it has drained to half.
 * The two callbacks only tell: they are called from inside push, pull, end and fail, so they record and schedule, and do
 * not call back. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct body {
    char *ring;                 /* NULL while nothing is held */
    uint32_t cap, limit;        /* of the ring now; at most. Powers of two */
    uint32_t at, n;             /* first byte, bytes held */
    bool ended;                 /* the source has given everything */
    bool failed;                /* the source broke off: what was given is not the whole */
    bool stopped;               /* the source was told to stop */
    bool hungry;                /* the sink found it empty */
    uint64_t total;             /* bytes ever pushed */
    void (*on_data)(struct body *b);    /* bytes, end or failure for a hungry sink; may be NULL */
    void (*on_room)(struct body *b);    /* drained to half after body_stopped; may be NULL */
};

/* `limit` bytes at most, rounded up to a power of two of at least 4096. */
void body_init(struct body *b, size_t limit);
void body_fini(struct body *b);

/* Bytes that a push would take now; 0 from full until drained to half (then on_room is called), and after end or fail. */
size_t body_room(struct body *b);
/* Takes a copy of as much as there is room for; returns how much. Less than n: stopped, as if body_room had said 0. */
size_t body_push(struct body *b, const char *p, size_t n);
/* The same without a copy: room for up to `want` bytes in one run (*got of them, at least 1 unless body_room() is 0, then
 * NULL); then say how many were written. Nothing else may be done to b in between. */
char *body_reserve(struct body *b, size_t want, size_t *got);
void body_commit(struct body *b, size_t n);
/* No more pushes. */
void body_end(struct body *b);
/* No more pushes, and the sink must not make it look complete. What is held stays readable. */
void body_fail(struct body *b);

/* The first run of bytes held, empty (and the sink counted as hungry) when there is none. Valid until the next call. */
struct sc_str body_peek(struct body *b);
/* Drops n bytes, n <= what body_peek gave. */
void body_pull(struct body *b, size_t n);
/* Copies out and drops up to n bytes; returns how many. */
size_t body_read(struct body *b, char *to, size_t n);

/* Everything was given and taken. */
static inline bool body_is_done(const struct body *b)
{
    return b->ended && !b->failed && b->n == 0;
}
