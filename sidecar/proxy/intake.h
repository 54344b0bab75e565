/* sidecar/proxy/intake.h - a request as it comes in: what has to be seen to before it takes a route.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The duties of an intermediary from RFC 9110 and 9112 that need neither route nor target. Worker's thread. */
#pragma once

#include "proxy/exchange.h"

/* Reads who asks, the target and the fields that are meant for us. True: it may take a route. False: it is answered, in
 * x->res. */
bool intake(struct sc_exchange *x);
