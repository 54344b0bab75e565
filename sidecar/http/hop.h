/* sidecar/http/hop.h - fields that end at this hop (RFC 9110 7.6.1).
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/headers.h"

struct hop {
    bool close, keep_alive;     /* Connection: close, keep-alive */
    bool upgrade;               /* Connection: upgrade and an Upgrade field */
    bool te_trailers;           /* TE: trailers, and Connection names TE */
    uint32_t keep_alive_s;      /* Keep-Alive: timeout=N in seconds; 0 = not said */
    struct sc_str upgrade_to;   /* the Upgrade value, when upgrade */
};

/* Marks what must not be forwarded as gone: Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding,
 * Upgrade, HTTP2-Settings, Proxy, Proxy-Authenticate, Proxy-Authentication-Info, Proxy-Authorization, and every field
 * that Connection names. Fields that routing, framing, authentication or the next hop depend on cannot be named away
 * (hop_is_protected); such an option is ignored. Content-Length stays: whoever frames the message anew replaces it. */
void hop_strip(struct headers *h, struct hop *hop);

/* Whether a field ends at this hop in any case: the list above. */
bool hop_is_hop(enum hdr id);
/* Whether a field may never be removed by naming it in Connection. */
bool hop_is_protected(enum hdr id);
