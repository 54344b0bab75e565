/* admin/explain.h - what becomes of a request, and why: GET /admin/explain, and `outrider explain`.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "admin/page.h"
#include "http/headers.h"

struct discovery_status;
struct jsonw;
struct plan;

struct explain_question {
    struct sc_str listener;             /* its name; empty: the first one */
    struct sc_str method, url;          /* "/path?query", or with "http://host" before it */
    const struct headers *headers;
};

/* Blanks around the value go. False: no header. The texts are not copied. */
bool explain_add_header(struct headers *h, struct sc_str name, struct sc_str value);
/* A JSON object. known: what discovery knows; NULL: nothing. Texts may be put into the arena. Any thread. */
void explain_put(struct jsonw *j, const struct plan *p, const struct discovery_status *known,
                 const struct explain_question *q, struct arena *arena);
/* ?method=GET&url=...&header=NAME:VALUE (again and again)&listener=NAME. */
void explain_page(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a);
