/* admin/page.h - requests to the admin listeners, and the table of what answers them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Knows no HTTP library: a request comes in checked and normalised, an answer is a status and a body. Admin thread. */
#pragma once

#include "admin/admin.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/problem.h"

#include <stdbool.h>

struct admin_request {
    struct arena *arena;                /* of the request */
    struct sc_str method;
    struct sc_str path, query;          /* path normalised (http/uri.h) */
    struct sc_str host, origin, site;   /* Host (or the authority of the target), Origin, Sec-Fetch-Site; p NULL: absent */
    bool local;                         /* came over a unix socket */
    bool loopback;                      /* the client is on this host */
    struct sc_str own[2];               /* what the listener may be called besides localhost: address, stated host */
};

struct admin_answer {
    unsigned status;
    const char *type;                   /* Content-Type */
    bool allow;                         /* "Allow: GET, HEAD" */
    struct buf body;                    /* the caller's to free */
};

/* Always makes an answer. */
void page_answer(const struct admin_state *state, const struct admin_request *r, struct admin_answer *a);
/* An answer that is an error. `detail` may be empty. */
void page_problem(struct admin_answer *a, enum err e, struct sc_str detail);
/* Whether the query has name=value. */
bool page_asks(const struct admin_request *r, struct sc_str name, struct sc_str value);

/* One page: fills `a`, whose status is 200 and type JSON. name: the segment behind the path (decoded), for those
 * that take one. */
struct page {
    const char *path;                   /* "/health/services"; a last segment of "*" takes a name */
    const char *summary;                /* for the index */
    void (*get)(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                struct admin_answer *a);
};
