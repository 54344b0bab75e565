/* sidecar/proxy/route_cond.h - what a route asks of headers and query.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A header that stands there several times, or holds a list, and a parameter given several times, meets a condition when
 * one of them does: nobody evades a route by adding a value.
 * Names and values of the query are compared decoded ("+" is a space). */
#pragma once

#include "base/error.h"
#include "http/headers.h"
#include "http/regex.h"
#include "proxy/route.h"

/* A parameter longer than this (decoded) meets no regular expression. */
#define COND_VALUE_MAX 4096

struct route_cond {
    bool in_query;
    enum { COND_PRESENT, COND_EQUAL, COND_REGEX } kind;
    enum hdr id;
    struct sc_str name, value;      /* value of a regex: its text */
    struct regex *regex;            /* owned */
};

/* Control thread. Borrows the texts. False with *e: nothing is to be freed. */
bool cond_init(struct route_cond *c, bool in_query, const struct sc_pair *pair, struct sc_error *e);
void cond_fini(struct route_cond *c);
bool cond_equal(const struct route_cond *a, const struct route_cond *b);

/* Worker thread. */
bool cond_meets(const struct route_cond *c, const struct route_request *q);
