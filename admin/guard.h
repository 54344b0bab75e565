/* admin/guard.h - who may ask the admin listeners, and from where.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A web page that the operator has open can make his browser send requests to addresses of this host: by a name that
 * suddenly resolves to 127.0.0.1 (Host), or from the page's own origin (Origin, Sec-Fetch-Site). Neither gets an answer. */
#pragma once

#include "admin/page.h"

/* ERR_NONE, or ERR_FORBIDDEN with the reason in *why (static). */
enum err guard_check(const struct admin_request *r, const char **why);
