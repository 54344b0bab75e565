/* sidecar/proxy/attempt.h - one try at one target, and whether to try again.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Worker's thread. Takes and drops the targets' counters for all balancers. */
#pragma once

#include "proxy/exchange.h"
#include "proxy/pool.h"

/* What kind of connection the next try may have. */
enum pool_wish attempt_wish(const struct sc_exchange *x);
/* Picks a target that was not tried yet and counts the try; NULL when there is none. */
struct target *attempt_pick(struct sc_exchange *x);
/* The try is over, however. */
void attempt_drop(struct sc_exchange *x);
/* Whether the failed try may be followed by another one; takes it from the budget. */
bool attempt_again(struct sc_exchange *x, enum failure f);
/* The same for an answer whose status is one to try again on. */
bool attempt_again_on_status(struct sc_exchange *x);
/* ms to wait before the next try (full jitter). */
sc_msec attempt_backoff(const struct sc_exchange *x);
/* A body piece that goes out, kept for another try as far as the limit allows. */
void attempt_keep_body(struct sc_exchange *x, const char *p, size_t n);
