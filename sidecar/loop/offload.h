/* sidecar/loop/offload.h - slow functions on helper threads (name look-ups, password hashes).
 * SPDX-License-Identifier: Apache-2.0
 *
 * Jobs are started in order of submission, by whichever helper is free, and come home to the loop that sent them. */
#pragma once

#include "loop/loop.h"

struct offload;

/* Embedded in its owner; the owner's memory must stay until done or drop was called. */
struct offload_job {
    void (*work)(struct offload_job *job);      /* a helper; may block */
    void (*done)(struct offload_job *job);      /* the submitter's thread, after work */
    void (*drop)(struct offload_job *job);      /* instead of done, when it was cancelled or the offload ends; any thread */
    /* From here on the offload's own. */
    struct offload *offload;
    struct loop *home;
    struct offload_job *next;
    struct mail mail;
};

/* threads: 1..16. limit: how many jobs may wait. Any thread. */
struct offload *offload_new(unsigned threads, unsigned limit);
/* False when too many wait (nothing happens then). Any loop's thread. */
bool offload_submit(struct offload *o, struct loop *home, struct offload_job *job);
/* From the home loop's thread: done will not be called any more; drop will, on any thread, perhaps before this returns.
 * A home loop may end once its jobs are cancelled and it has turned once more. */
void offload_cancel(struct offload *o, struct offload_job *job);
/* Drops what waits, and waits at most `patience` ms for what runs: a name look-up can take half a minute and cannot be
 * interrupted. A helper that is late drops its job and ends by itself. Nobody may submit or cancel any more. */
void offload_free(struct offload **o, sc_msec patience);
