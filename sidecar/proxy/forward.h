/* sidecar/proxy/forward.h - the head of the request as the target gets to see it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9110 7.6 (hop-by-hop fields, Via), RFC 7239 (Forwarded), and X-Forwarded-*. Worker's thread. */
#pragma once

#include "proxy/exchange.h"

/* Who the client is, and whether the peer may speak for others: before the chain runs. */
void forward_identify(struct sc_exchange *x);
/* Fills x->out from the request: without what ends at this hop and what strangers may not say. */
void forward_prepare(struct sc_exchange *x);
/* Writes the head for this target into to[0..cap). 0: it does not fit; < 0: a byte in it that may not be sent. */
ssize_t forward_write(struct sc_exchange *x, const struct target *t, char *to, size_t cap);
/* What was kept with the client's connection. */
void forward_forget(struct client *c);
