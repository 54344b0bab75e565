/* discovery/history.h - what has become of a service's targets, and of its sources, lately.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A ring of a few entries for each service; it outlives reloads. Any thread. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"

enum { HISTORY_MAX = 32, HISTORY_TEXT_MAX = 200 };

struct history_entry {
    sc_msec wall;
    const char *event;              /* a literal: "targets", or the mode that a source is in from now on */
    const char *registry;           /* NULL: not of one source */
    const char *cause;              /* NULL: not known; cut at HISTORY_TEXT_MAX */
    unsigned targets, eligible, added, removed;     /* of the service, after it; against what was there before */
};

struct history;

struct history *history_new(void);
struct history *history_ref(struct history *h);
void history_unref(struct history **h);

/* The oldest one goes when there are too many. Copies. */
void history_add(struct history *h, const struct history_entry *e);
/* All of them, the oldest first; everything lives in the arena. */
const struct history_entry *history_list(struct history *h, struct arena *a, unsigned *n);
