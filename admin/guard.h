/* admin/guard.h - who may ask the admin listeners, and for what.
 * SPDX-License-Identifier: Apache-2.0
 *
 * On a unix socket the kernel says who asks. On TCP it is a bearer token (RFC 6750); without one, clients of this host may
 * look. A web page that the operator has open can make his browser send requests to addresses of this host: by a name that
 * suddenly resolves to 127.0.0.1 (Host), or from the page's own origin (Origin, Sec-Fetch-Site). Neither gets an answer; a
 * token, which no page knows, makes up for the first. */
#pragma once

#include "admin/page.h"

struct guard_pass {
    int role;                   /* enum admin_role: what the caller may do */
    const char *token;          /* the name of the token that was shown; NULL: none was */
    const char *why;            /* why not (static); NULL: it may ask */
    const char *challenge;      /* WWW-Authenticate of a 401 (static) */
};

/* ERR_NONE, ERR_FORBIDDEN or ERR_UNAUTHENTICATED. conf: for its tokens; NULL: there are none. */
enum err guard_check(const struct admin_request *r, const struct admin_conf *conf, struct guard_pass *pass);
/* Whether a caller that passed may do what takes that role; the same results. */
enum err guard_allows(const struct admin_request *r, const struct admin_conf *conf, struct guard_pass *pass, int role);
