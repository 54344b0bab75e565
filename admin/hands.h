/* admin/hands.h - discovery in people's hands: freeze, thaw, pin, fail, and what has become of targets lately.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "admin/page.h"

/* POST /admin/discovery/NAME/freeze, .../thaw, .../pin, .../fail. NAME is a service or a registry, `service:NAME` or
 * `registry:NAME` where it could be both. 202: in force a moment later. 400, 404, 409: nothing has changed. */
void hands_freeze(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a);
void hands_thaw(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                struct admin_answer *a);
void hands_pin(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
               struct admin_answer *a);
void hands_fail(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                struct admin_answer *a);
/* GET .../history: of a service, or of all services of a registry; the newest first. */
void hands_history(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                   struct admin_answer *a);
