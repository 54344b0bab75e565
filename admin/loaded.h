/* admin/loaded.h - the configuration in force: routes, services, policies, and all of it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * As it was loaded, defaults filled in, secrets as "***". */
#pragma once

#include "admin/page.h"

/* "/config" */
void loaded_config(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                   struct admin_answer *a);
/* "/routes" */
void loaded_routes(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                   struct admin_answer *a);
/* "/policies": all there are, and which routes have them. */
void loaded_policies(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                     struct admin_answer *a);
/* "/services": who they are, how they are, which routes lead to them. */
void loaded_services(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                     struct admin_answer *a);
/* "/services/NAME": its keys, and what /health/services/NAME says; 200 or 404. */
void loaded_service(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                    struct admin_answer *a);
