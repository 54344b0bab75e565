/* sidecar/proxy/flow.h - the one place that decides what comes next.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Callbacks record a fact in the exchange and call flow_run(). Worker's thread. */
#pragma once

#include "proxy/exchange.h"

/* Looks at the facts and goes on until the exchange waits or is over. Safe to call from anywhere, also from within. The
 * exchange may be gone afterwards. */
void flow_run(struct sc_exchange *x);

/* The head of a request is complete. */
void flow_begin(struct sc_exchange *x);
/* A piece of the request body; how much of it was taken. */
size_t flow_body(struct sc_exchange *x, const char *p, size_t n);
/* The request is complete. */
void flow_body_end(struct sc_exchange *x);
/* The request's body stopped coming. */
void flow_body_late(struct sc_exchange *x);
/* The library is done with the request: answered (clean) or torn. */
void flow_over(struct sc_exchange *x, bool clean);

/* The client waits with its body for 100 Continue: it may send it now. Nothing, when it does not wait. */
void flow_invite(struct sc_exchange *x);

/* Of the try: it is connected; it takes bytes again; it has bytes of the answer's body, or broke in it. */
void flow_connected(struct sc_exchange *x);
void flow_body_room(struct sc_exchange *x);
void flow_body_ready(struct sc_exchange *x);

/* The answer's body is on its way and will take its time. */
void flow_streaming(struct sc_exchange *x);

/* An answer of our own instead of the target's. */
void flow_fail(struct sc_exchange *x, enum err e, const char *detail);
