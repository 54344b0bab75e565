/* admin/process.h - what the process takes: the process_* metrics that Prometheus clients agree on.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "telemetry/exposition.h"

/* started: since 1970. What the system does not tell is left out. Admin thread. */
void process_expose(struct exposition *e, sc_msec started);
