/* admin/health.h - is it alive, is it ready.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Liveness is about this process alone: a liveness probe that fails because a target or a registry does restarts a
 * sidecar that works. */
#pragma once

#include "admin/page.h"

void health_summary(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                    struct admin_answer *a);
void health_live(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                 struct admin_answer *a);
void health_ready(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a);
void health_startup(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                    struct admin_answer *a);
