/* sidecar/proxy/answer.h - the answer on its way to the client.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What it is stands in x->res and x->response. Worker's thread. */
#pragma once

#include "proxy/exchange.h"

/* Gives the answer to the library. Only where the library takes one: in the handler's first call, in its final call, or
 * parked in the final one. False: refused, and the connection ends. */
bool answer_queue(struct sc_exchange *x);
/* Of a 101: its head, which lives as long as the exchange; how long it is. */
size_t answer_switch_head(struct sc_exchange *x, const char **head);
/* Without the seam: gives the 101 to the library, which opens the tunnel once it is sent. As answer_queue. */
bool answer_queue_switch(struct sc_exchange *x);
/* Its body goes through hooks, and from them into x->res_queue. */
void answer_open_hooks(struct sc_exchange *x);
