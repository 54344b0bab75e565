/* sidecar/proxy/upstream.h - one try: a request to a target and its answer, over HTTP/1.1.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Records what happens as facts of the exchange and calls flow_run(); decides nothing. Worker's thread. */
#pragma once

#include "proxy/exchange.h"
#include "proxy/pool.h"

#include <sys/types.h>

extern const struct pool_ops upstream_ops;

/* Sends the head that forward.c wrote into head[0..n), over a kept connection or a new one. What was kept of the body
 * goes behind it. HOLD_UP from here to upstream_finish, upstream_cancel or the recorded failure. */
void upstream_start(struct sc_exchange *x, struct target *t, const char *head, size_t n);
/* Whether upstream_push would take a piece now; if not, flow is told when it will. */
bool upstream_takes(struct sc_exchange *x);
/* A piece of the request body; returns how many bytes were taken. Fewer than n: blocked, flow is told when it goes on. */
size_t upstream_push(struct sc_exchange *x, const char *p, size_t n);
/* The request body is complete. */
void upstream_end(struct sc_exchange *x);

/* The body of the answer, once its head is in x->response. */
enum { UPSTREAM_WAIT = 0, UPSTREAM_END = -1, UPSTREAM_BROKEN = -2 };
/* > 0: bytes written to `to`; else one of the above. */
ssize_t upstream_read(struct sc_exchange *x, char *to, size_t n);
/* The whole body when it is here already (a view that lives as long as the exchange): true. */
bool upstream_body_whole(struct sc_exchange *x, struct sc_str *body);

/* The answer was read to its end: the connection is kept or closed. */
void upstream_finish(struct sc_exchange *x);
/* Gives the try up: the connection is closed. Harmless when there is none. */
void upstream_cancel(struct sc_exchange *x);
