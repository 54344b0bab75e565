/* sidecar/proxy/reserved.h - paths that belong to the sidecar on data listeners (`admin.public`).
 * SPDX-License-Identifier: Apache-2.0
 *
 * The admin thread answers; the exchange is parked meanwhile, and the worker goes on. What strangers can make us keep is
 * bounded: questions on their way, and long answers that clients are slow to read. Worker's thread, but for what says
 * otherwise. */
#pragma once

#include "base/buf.h"
#include "conf/field.h"
#include "loop/errand.h"

#include <stdatomic.h>

struct sc_exchange;
struct sc_worker;

enum {
    RESERVED_WAITING_MAX = 32,                  /* questions of one worker that are not answered yet */
    RESERVED_ANSWER_MAX = 4 * 1024 * 1024,      /* bytes of one answer; what is longer the admin listener has */
    RESERVED_SMALL = 16 * 1024,                 /* answers up to this are not counted */
    RESERVED_HELD_MAX = 8 * 1024 * 1024,        /* bytes of all others of one worker that clients still read */
    RESERVED_PATIENCE_MS = 5000,                /* for the answer to come */
    RESERVED_READ_MS = 15000,                   /* for a long one to be read; then it is cut */
};

/* What a worker has of it. */
struct reserved_load {
    atomic_uint waiting;
    size_t held;                                /* bytes */
};

/* A question and its answer. */
struct reserved_ask {
    struct errand errand;
    void *arg;                                  /* of who answers */
    struct sc_exchange *x;                      /* the asker's */
    struct reserved_load *load;
    struct timer timer;
    bool back;
    size_t held;                                /* counted in load->held */
    struct sc_str method, path, query;          /* path normalised; the text stands behind the struct */
    /* The answer. */
    unsigned status;
    const char *type;                           /* Content-Type; static */
    struct buf body;
};

/* ---- paths (reserved_path.c) ---- */

/* What may be served to strangers: NULL, or why this may not. Any thread. */
const char *reserved_check(struct sc_str path);
/* Whether the path is one of these or below one. Any thread. */
bool reserved_has(const struct sc_strings *subtrees, struct sc_str path);

/* ---- an exchange ---- */

/* Asks; the exchange's flow runs once there is an answer, or has been none for too long. False: x->res says why not. */
bool reserved_begin(struct sc_exchange *x);
/* False: it still waits. Else x->res is the answer, whose body lasts until reserved_forget(). */
bool reserved_take(struct sc_exchange *x);
/* The fields that go with it. */
void reserved_fields(struct sc_exchange *x);
/* Takes an exchange that has asked for nothing, too. */
void reserved_forget(struct sc_exchange *x);

/* ---- who answers ---- */

/* The answer is in *q, which is the asker's from now on. Their thread. */
void reserved_answered(struct reserved_ask *q);
