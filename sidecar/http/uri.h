/* sidecar/http/uri.h - request targets: one normal form that is matched, authorised and forwarded.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RFC 3986 6.2.2 as far as it is safe: percent-encoded unreserved characters are decoded once, other triplets keep their
 * encoding with upper-case digits, dot segments are removed, empty segments merged. Normalising twice changes nothing.
 * Results point into the target where nothing had to change, else into the arena. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum uri_form {
    URI_ORIGIN,                 /* /path?query */
    URI_ABSOLUTE,               /* http://authority/path?query: its authority replaces the Host field (RFC 9112 3.2.2) */
    URI_ASTERISK,               /* * : OPTIONS only, for the caller to check */
};

struct uri_options {
    bool keep_encoded_slash;    /* %2F stays as it is; else it is refused */
    bool reject_semicolon;
    bool keep_slashes;          /* do not merge empty segments */
};

struct uri {
    enum uri_form form;
    bool no_path;               /* absolute form with neither path nor query: OPTIONS means "*" (RFC 9112 3.2.4) */
    bool has_query;             /* there was a '?' */
    bool https;                 /* absolute form with https:// */
    struct sc_str authority;    /* host[:port] of the absolute form, checked; else empty */
    struct sc_str path;         /* normalised; begins with '/', or is "*" */
    struct sc_str query;        /* byte for byte, without the '?' */
};

/* NULL when all is well, else the reason for a 400, as a static sentence. */
const char *uri_parse(struct uri *uri, struct sc_str target, const struct uri_options *options, struct arena *arena);

/* Whether s is host[:port] as the Host field and an authority may have it (RFC 3986 3.2.2 without userinfo): a name of
 * unreserved characters and sub-delims but the comma, an IPv4 address or an IPv6 address in brackets; no percent-encoding,
 * which would hide names from host rules. Not empty. */
bool uri_is_authority(struct sc_str s);
/* Splits a checked authority; *port is 0 when there is none. The host keeps its brackets. */
struct sc_str uri_host(struct sc_str authority, uint16_t *port);

/* Percent-decoding of one component, for the values of named segments and of queries: a view when there is nothing to
 * decode. `plus` makes '+' a space (queries). A '%' without two hex digits stays. The result may hold any byte. */
struct sc_str uri_decode(struct sc_str s, bool plus, struct arena *arena);
/* Cuts the next name[=value] off a query; raw, empty pieces skipped. False at the end. value.p is NULL without '='. */
bool uri_query_next(struct sc_str *rest, struct sc_str *name, struct sc_str *value);
