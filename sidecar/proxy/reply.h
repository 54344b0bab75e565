/* sidecar/proxy/reply.h - answers that the sidecar makes itself.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proxy/exchange.h"

/* Sets x->res to an answer of our own; whatever the target said is forgotten. detail: static or the exchange's; NULL:
 * none. */
void reply_error(struct sc_exchange *x, enum err e, const char *detail);
/* Sets x->res to 200 without content (RFC 9110 9.3.7), with this Allow unless it is empty. */
void reply_options(struct sc_exchange *x, struct sc_str allow);
/* Writes head and body of it into x->response and x->res.body: before the response hooks run. */
void reply_render(struct sc_exchange *x);
