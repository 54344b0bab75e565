/* discovery/balance/tables.h - every balancer there is: one row here, one file beside it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "discovery/balance/balancer.h"

/* The first is the default. */
#define BALANCERS(X)     \
    X(round_robin)       \
    X(strict_round_robin) \
    X(weighted)          \
    X(least_request)     \
    X(random)

#define BALANCER_DECLARE(name) extern const struct balancer balancer_##name;
BALANCERS(BALANCER_DECLARE)
#undef BALANCER_DECLARE
