/* discovery/freshness.c - how fresh what is known of a service is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/freshness.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static const struct sc_enum older[] = {
    { "serve", OLDER_SERVE }, { "mark", OLDER_MARK }, { "fail", OLDER_FAIL }, { NULL, 0 }
};

#define L struct last_known_good
const struct sc_field last_known_good_fields[] = {
    SC_MSEC(L, max_age, .dflt = "24h", .min = 1000, .max = 31536000000,
            .doc = "How old the last good answer may be, counted from the last moment at which the registry was live."),
    SC_ENUM(L, when_older, .dflt = "serve", .names = older,
            .doc = "What happens past `max_age`. `serve`: nothing more. `mark`: answers say `;expired` as well. `fail`: the "
                   "targets get no traffic, and requests are answered with 503 `no-target`."),
    SC_END
};
#undef L

const char *source_mode_name(enum source_mode m)
{
    static const char *const names[] = {
        [SOURCE_LIVE] = "live", [SOURCE_HELD] = "held", [SOURCE_STALE] = "stale", [SOURCE_SNAPSHOT] = "snapshot",
        [SOURCE_FROZEN] = "frozen", [SOURCE_PINNED] = "pinned", [SOURCE_FAILED] = "failed",
    };

    return names[m];
}

/* --- the word: mode in 4 bits, then 30 bits each for the age past which it is expired and the moment it counts from --- */

enum { BITS = 30 };
#define MASK ((UINT64_C(1) << BITS) - 1)
/* What was live before the host was started is before 0 on its monotonic clock. */
#define ZERO (INT64_C(1) << (BITS - 1))

static uint64_t clamp(int64_t seconds, int64_t least)
{
    if (seconds < least)
        return (uint64_t)least;
    return seconds > (int64_t)MASK ? MASK : (uint64_t)seconds;
}

uint64_t freshness_pack(enum source_mode mode, sc_msec live_mono, sc_msec mark)
{
    uint64_t live = 0, limit = mark == 0 ? 0 : clamp(mark / 1000, 1);

    if (mode == SOURCE_LIVE)
        return 0;
    if (live_mono != FRESHNESS_AGELESS)
        live = clamp(live_mono / 1000 - (live_mono % 1000 < 0) + ZERO, 1);
    return (uint64_t)mode << 2 * BITS | limit << BITS | live;
}

size_t freshness_print(char to[FRESHNESS_MAX], uint64_t word, sc_msec now_mono)
{
    int64_t live = (int64_t)(word & MASK), limit = (int64_t)(word >> BITS & MASK), age;
    bool expired;

    to[0] = '\0';
    if (word == 0)
        return 0;
    age = live == 0 ? 0 : now_mono / 1000 - (live - ZERO);
    if (age < 0)
        age = 0;
    expired = limit > 0 && age > limit;
    return (size_t)snprintf(to, FRESHNESS_MAX, "%s;age=%" PRId64 "%s",
                            source_mode_name((enum source_mode)(word >> 2 * BITS)), age, expired ? ";expired" : "");
}
