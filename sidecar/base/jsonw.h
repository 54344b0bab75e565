/* sidecar/base/jsonw.h - JSON written piece by piece.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Puts the commas, quotes and brackets; the caller gives members in order. `key` is a literal of ours in an object and
 * NULL in an array (and for the outermost value). Always valid JSON (RFC 8259), whatever bytes the strings hold. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct jsonw {
    struct buf *out;        /* lent; the caller's */
    uint64_t arrays;        /* bit per level: an array, not an object */
    unsigned depth;         /* at most 60 */
    bool comma;             /* the next value is not the first of its level */
};

#define JSONW_INIT(buf) { (buf), 0, 0, false }

void jsonw_object(struct jsonw *j, const char *key);
void jsonw_array(struct jsonw *j, const char *key);
/* Closes the innermost object or array. */
void jsonw_close(struct jsonw *j);

void jsonw_str(struct jsonw *j, const char *key, struct sc_str value);
/* value NULL: null. */
void jsonw_text(struct jsonw *j, const char *key, const char *value);
void jsonw_int(struct jsonw *j, const char *key, int64_t value);
void jsonw_uint(struct jsonw *j, const char *key, uint64_t value);
/* Thousandths as a decimal number: 1234 -> 1.234 (milliseconds given as seconds). */
void jsonw_milli(struct jsonw *j, const char *key, int64_t thousandths);
/* Milliseconds of the wall clock as "2026-11-20T09:16:05.123Z" (RFC 3339). */
void jsonw_time(struct jsonw *j, const char *key, int64_t wall_ms);
void jsonw_bool(struct jsonw *j, const char *key, bool value);
void jsonw_null(struct jsonw *j, const char *key);
/* Room for one value that somebody else writes into the buffer, whole and right. */
struct buf *jsonw_value(struct jsonw *j, const char *key);
/* As jsonw_object, jsonw_array, jsonw_str, with a key that is not ours (a service's name). */
void jsonw_object_at(struct jsonw *j, struct sc_str key);
