/* sidecar/proxy/route_path.h - one path of a route, taken apart.
 * SPDX-License-Identifier: Apache-2.0
 *
 * "/a/b" exact; "*" or "{name}" as a whole segment; "**" at the end; "~" and a regular expression. Control thread. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "proxy/route.h"

struct path_segment {
    bool wild;                      /* any one segment that is not empty */
    struct sc_str text;             /* literal: in the normal form of paths (http/uri.h); wild: the name, or empty */
};

struct route_path {
    bool is_regex;
    bool has_rest;                  /* ends in "**" */
    bool has_empty;                 /* an empty segment that is not the last: only found where slashes are not merged */
    unsigned n;                     /* segments, without "**"; "/a/" has two: "a" and "" */
    unsigned nnames;
    struct sc_str pattern;          /* of a regular expression, without "~" */
    struct path_segment at[ROUTE_SEGMENTS_MAX];
};

/* Texts are put into the arena. False with *e. */
bool route_path_parse(struct route_path *p, const char *text, struct arena *a, struct sc_error *e);
