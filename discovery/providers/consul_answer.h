/* discovery/providers/consul_answer.h - an answer of Consul's /v1/health/service/NAME, or of a prepared query, as endpoints.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure. An answer that is no list of JSON is refused whole; an entry that makes no sense becomes an endpoint with `wrong`,
 * and touches no other. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "discovery/endpoint.h"

#include <stdbool.h>

struct data;

struct consul_want {
    bool passing_only;              /* those with a warning are not eligible */
    const char *tagged_address;     /* "wan": addresses of that name where there are; NULL: none */
    bool prepared;                  /* the entries are the `Nodes` of an object: the answer of a prepared query */
};

struct consul_answer {
    struct data *doc;               /* owns the strings */
    struct arena arena;             /* the lists */
    struct endpoint *at;            /* in a fixed order, whatever Consul's was */
    unsigned n;
};

/* False with the reason in e; *to then holds nothing. */
bool consul_answer_read(struct consul_answer *to, struct sc_str text, const struct consul_want *want, struct sc_error *e);
void consul_answer_fini(struct consul_answer *a);
