/* sidecar/proxy/record.h - what stays of an exchange: done hooks, a line in the access log, counters.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proxy/exchange.h"

/* Once, at the end of every exchange. */
void record_exchange(struct sc_exchange *x);
/* A request that the strict check refused: there is no exchange, but a line in the log. */
void record_refused(struct sc_worker *w, struct client *c, enum err e);
