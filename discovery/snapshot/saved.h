/* discovery/snapshot/saved.h - the last good answer of a source as the bytes of a file.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two lines of JSON (UTF-8). The first one says what the second is, in exactly this form:
 *   {"format":"outrider-targets","version":1,"sha256":"64 HEX DIGITS","bytes":N}
 * The second one, N bytes with its line end and of that digest:
 *   {"identity":"...","live":MS,"changed":MS,"cause":"...","index":"N","targets":[{"host":"...","port":N,...}]}
 * Times are milliseconds since 1970. What is left out of a target has the value that it has in a file of targets.
 * Whatever is not exactly so is refused whole: half an answer is worse than none. Pure; any thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "discovery/endpoint.h"

enum { SAVED_VERSION = 1, SAVED_BYTES_MAX = 64 << 20, SAVED_TARGETS_MAX = 65536 };

struct saved {
    const char *identity;           /* of the source that gave the answer; struct source_conf */
    sc_msec live;                   /* wall: when the source was last known to be live */
    sc_msec changed;                /* wall: when its answer last changed, and why */
    const char *cause;              /* NULL: not known */
    uint64_t index;
    const struct endpoint *at;
    unsigned n;
};

/* Appends the second line. Records that no target can be made of are left out. */
void saved_print(struct buf *out, const struct saved *s);
/* Appends the line that stands before it. False: no SHA-256 here. */
bool saved_head(struct buf *out, struct sc_str body);

/* Reads a file back; what *s points to lives in the arena. False with the reason in e when the file is damaged, of another
 * version, or of a source with another identity. */
bool saved_parse(struct arena *a, struct sc_str file, const char *identity, struct saved *s, struct sc_error *e);
