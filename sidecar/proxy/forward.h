/* sidecar/proxy/forward.h - the head of the request as the target gets to see it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9110 7.6 (hop-by-hop fields, Via), RFC 7239 (Forwarded), and X-Forwarded-*. Worker's thread. */
#pragma once

#include "proxy/exchange.h"

/* Fills x->out from the request: without what ends at this hop. */
void forward_prepare(struct sc_exchange *x);
/* Writes the head for this target into to[0..cap). 0: it does not fit; < 0: a byte in it that may not be sent. */
ssize_t forward_write(struct sc_exchange *x, const struct target *t, char *to, size_t cap);
