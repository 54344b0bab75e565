/* sidecar/loop/errand.h - a question for another thread, and the way its answer comes back.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Embedded in a struct that holds question and answer. The asker gives it away and gets it back, once, by a letter to its
 * loop; meanwhile it may have lost interest. The struct then belongs to whoever comes second, who drops it. */
#pragma once

#include "loop/loop.h"

#include <stdatomic.h>

struct errand {
    struct mail mail;                   /* also for the way there: whoever carries it sets `fn` */
    struct loop *home;                  /* of the asker */
    void (*back)(struct errand *e);     /* asker's thread: it is the asker's again */
    void (*drop)(struct errand *e);     /* frees the struct; on either thread */
    atomic_int stage;
};

/* Asker's thread. */
void errand_begin(struct errand *e, struct loop *home, void (*back)(struct errand *e), void (*drop)(struct errand *e));
/* The answer matters to nobody any more: `back` will not be called, `drop` will. Not after `back` was. */
void errand_abandon(struct errand *e);

/* The other's thread. Whether anybody still waits: perhaps no longer by the time this returns. */
bool errand_is_wanted(const struct errand *e);
/* The other's thread, which then has it no more. */
void errand_return(struct errand *e);
