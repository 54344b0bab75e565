/* discovery/freshness.h - how fresh what is known of a service is: its keys, and the word by which workers know it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The word is 0 while every source is live, so that a worker has nothing to do then but look. */
#pragma once

#include "base/clock.h"
#include "conf/field.h"

#include <stddef.h>
#include <stdint.h>

enum when_older { OLDER_SERVE, OLDER_MARK, OLDER_FAIL };

struct last_known_good {
    sc_msec max_age;
    int when_older;                 /* enum when_older */
};
extern const struct sc_field last_known_good_fields[];

/* What a source's targets are based on; of several sources the last one in this order is the one worth saying. */
enum source_mode {
    SOURCE_LIVE,                    /* the last call succeeded, or is open on a connection that answers */
    SOURCE_HELD,                    /* likewise, and targets that the answer lacks are kept by the shrink guard */
    SOURCE_STALE,                   /* not so, but there was an answer */
    SOURCE_SNAPSHOT,                /* there was none by this process; the targets are those of a file */
    SOURCE_FROZEN,                  /* by hand: answers come in and wait */
    SOURCE_PINNED,                  /* by hand: the targets were given */
    SOURCE_FAILED,                  /* there is nothing at all; or by hand: as if it could not be reached */
};
enum { SOURCE_MODES = SOURCE_FAILED + 1 };
const char *source_mode_name(enum source_mode m);           /* "live" "held" "stale" ... */

/* Of one service. live_mono: when its age was 0, as clock_mono_ms(); FRESHNESS_AGELESS: it is 0 now and always. mark:
 * the age (ms) past which it is said to be expired; 0: never. Seconds are kept of both. */
#define FRESHNESS_AGELESS INT64_MIN
uint64_t freshness_pack(enum source_mode mode, sc_msec live_mono, sc_msec mark);
/* "stale;age=12", "snapshot;age=90000;expired": the value of Outrider-Discovery, NUL-terminated. Returns its length; 0 for
 * a word that is 0. Any thread. */
enum { FRESHNESS_MAX = 48 };
size_t freshness_print(char to[FRESHNESS_MAX], uint64_t word, sc_msec now_mono);
