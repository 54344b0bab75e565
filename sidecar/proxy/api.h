/* sidecar/proxy/api.h - the calls that policies make (policy/policy.h), on our side.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proxy/exchange.h"

/* What policies started and did not cancel. */
void api_stop_timers(struct sc_exchange *x);
