/* sidecar/proxy/deadline.h - how long an exchange may take.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The times stand in the exchange (total_at, try_at, response_at, stamp; ms of the loop's clock, 0: none). One that has
 * passed becomes FACT_DEADLINE, and x->deadline says which. Worker's thread. */
#pragma once

#include "proxy/exchange.h"

/* Of x->timer. */
void deadline_fired(struct timer *t);
/* The timer fires at the next deadline, or before it. */
void deadline_arm(struct sc_exchange *x);
/* Time that the client takes to send its body is not counted in the total, unless it is us who do not take it. */
void deadline_pause(struct sc_exchange *x);
void deadline_resume(struct sc_exchange *x);
