/* sidecar/loop/wheel.h - timers: a hierarchical wheel of 1 ms ticks (used by loop.c alone).
 * SPDX-License-Identifier: Apache-2.0
 *
 * Starting and stopping is O(1). Four levels: 256 slots of 1 ms, then 64 slots each of 256 ms, 16 s and 17 min; longer
 * delays are clamped and started again when they come down. One thread. */
#pragma once

#include "loop/loop.h"

enum { WHEEL_FINE = 256, WHEEL_COARSE = 64, WHEEL_LEVELS = 3 };

struct wheel {
    sc_msec tick;                                   /* everything before was fired */
    unsigned n;
    uint64_t fine_used[WHEEL_FINE / 64];
    uint64_t used[WHEEL_LEVELS];
    struct link fine[WHEEL_FINE];
    struct link coarse[WHEEL_LEVELS][WHEEL_COARSE];
};

void wheel_init(struct wheel *w, sc_msec now);
void wheel_add(struct wheel *w, struct timer *t);            /* t->at is set */
void wheel_remove(struct wheel *w, struct timer *t);
/* ms until something may be due, 0 if something is, -1 if there is nothing. */
sc_msec wheel_wait(const struct wheel *w, sc_msec now);
/* Calls what is due. Callbacks may add and remove. */
void wheel_run(struct wheel *w, sc_msec now);
