/* sidecar/proxy/early.h - an answer while the request's body is still coming.
 * SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd cannot answer in the middle of a body. With the seam the answer goes past it: we write, and it goes on
 * reading. When both have come to their end it is given an answer that goes nowhere, and the connection may serve another
 * request. When the answer ends first, what still comes is read and dropped for a while, so that no reset destroys the
 * answer on its way (RFC 9112 9.6). Worker's thread. */
#pragma once

#include "proxy/exchange.h"

/* The body is still coming, and the answer need not wait for its end. */
bool early_may(const struct sc_exchange *x);
/* Begins with the answer in x->res. */
void early_begin(struct sc_exchange *x);
/* The rest of the body still goes to the target: it has agreed, and makes its answer of what comes. */
bool early_passes(const struct sc_exchange *x);
/* There is more of the answer; the client has room. Harmless before early_begin. */
void early_go(struct sc_exchange *x);
void early_room(struct sc_exchange *x);
/* Bytes of the body were dropped. */
void early_dropped(struct sc_exchange *x);
/* The body has come to its end: has the library got its answer, does it have to wait for it, or shall it close? */
enum early_end { EARLY_ANSWERED, EARLY_WAITS, EARLY_TORN };
enum early_end early_whole(struct sc_exchange *x);
/* The process ends, and does not wait any longer. */
void early_cut(struct sc_exchange *x);
/* Gives back what it holds. Harmless without one. */
void early_forget(struct sc_exchange *x);
