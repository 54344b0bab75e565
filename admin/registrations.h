/* admin/registrations.h - services of this host in registries: /admin/registrations.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "admin/page.h"

/* All of them; one by its id: 200, 404. */
void registrations_all(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                       struct admin_answer *a);
void registrations_one(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                       struct admin_answer *a);
/* PUT .../check/{pass,warn,fail}[?note=TEXT]: how the application says that it is; 404, or 409 when its check is another. */
void registrations_pass(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                        struct admin_answer *a);
void registrations_warn(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                        struct admin_answer *a);
void registrations_fail(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                        struct admin_answer *a);
/* PUT .../maintenance[?reason=TEXT]: out of service, until DELETE. */
void registrations_maintain(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                            struct admin_answer *a);
void registrations_return(const struct admin_state *state, const struct admin_request *r, struct sc_str id,
                          struct admin_answer *a);
