/* admin/metrics.h - /metrics: numbers for Prometheus.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "admin/page.h"

/* Text 0.0.4, or OpenMetrics for those who say that they take it. */
void metrics_page(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a);
