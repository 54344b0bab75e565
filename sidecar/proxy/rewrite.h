/* sidecar/proxy/rewrite.h - the path that the target gets to see.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Works on the normalised path and decodes nothing; the query is never touched. Order: `path` replaces the whole
 * path, or else `strip_segments`, then `strip_prefix` take from the front; then `prefix` is put before what is left. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "conf/field.h"
#include "proxy/route.h"

#include <stdbool.h>

struct rewrite_conf {
    const char *strip_prefix;       /* whole segments only: /api takes from /api and /api/x, not from /apis */
    const char *prefix;
    int64_t strip_segments;
    const char *path;               /* the whole path; may name segments of the route's path: {id} */
};

extern const struct sc_field rewrite_fields[];

/* What the table cannot say. `match`: of the same route, for the names that `path` uses. Control thread. */
bool rewrite_check(const struct rewrite_conf *r, const struct route_match *match, struct sc_error *e);

/* True when the configuration changes nothing: rewrite_apply need not be called. */
static inline bool rewrite_is_empty(const struct rewrite_conf *r)
{
    return r->strip_prefix == NULL && r->prefix == NULL && r->strip_segments == 0 && r->path == NULL;
}

/* The new path; begins with '/' ("*" stays "*"). A part of `path` where that does, else memory of the arena. Worker
 * thread. */
struct sc_str rewrite_apply(const struct rewrite_conf *r, struct sc_str path, const struct route_found *found,
                            struct arena *a);
