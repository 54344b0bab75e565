/* admin/changes.h - the pages that change something.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "admin/page.h"

struct order;

/* POST /admin/drain: 202, and the end begins. */
void changes_drain(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                   struct admin_answer *a);
/* What the log has now; and another level, until a reload or the next start brings the configuration's back. */
void changes_log_level_now(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                           struct admin_answer *a);
void changes_log_level(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                       struct admin_answer *a);
/* POST /admin/reload: only marks the answer; whoever serves the request asks control and waits. */
void changes_reload(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                    struct admin_answer *a);
/* What came of it: 200 with the generation in force, 422 with every mistake, 503. */
void changes_reloaded(const struct order *o, struct admin_answer *a);
