/* sidecar/proxy/route.h - which route a request takes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A router is built once from all rules (control thread), then read-only: any worker, no locks, nothing allocated.
 * Finding a route costs one hash look-up per host label and per path segment, however many routes there are; regular
 * expressions are tried in file order, only those of the host and of the literal segment they begin with.
 *
 * Order of candidates: host (exact > longest "*." > none); path (exact > template, from the left literal > {name} = * >
 * ~regex, in file order > "**" > no path); methods given > not; more header and query conditions; file order. The first
 * that meets all of its conditions is the route. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "conf/field.h"

#include <stdbool.h>
#include <stdint.h>

struct headers;

/* `match:` of a route, as loaded by route_match_fields. Values of headers and query: a value, "~regex", or NULL:
 * present. */
struct route_match {
    struct sc_strings hosts, paths, methods;
    struct sc_pairs headers, query;
};

extern const struct sc_field route_match_fields[];

struct route_rule {
    const char *name;               /* for messages; not kept */
    const struct route_match *match;    /* must outlive the router */
    uint64_t listeners;             /* bit i: listener i; 0: all */
};

/* A mistake in rules[rule], or a warning (a route that can never match ...). */
struct route_problem {
    bool warning;
    unsigned rule;
    const char *key;                /* "paths", "hosts", "methods", "headers", "query", or NULL: the route as a whole */
    int item;                       /* which item of a list, else -1 */
    const char *name;               /* which header or query parameter, else NULL */
    const char *text;               /* valid during the call */
};
typedef void route_report_fn(void *arg, const struct route_problem *problem);

struct router;

/* Control thread. Rules in file order. NULL when an error was reported; all mistakes are reported in one run. */
struct router *router_build(const struct route_rule *rules, unsigned n, route_report_fn *report, void *arg);
void router_free(struct router **r);

#define ROUTE_PARAMS_MAX   16       /* named segments of one path */
#define ROUTE_SEGMENTS_MAX 64       /* segments of one path of a rule */
#define ROUTE_METHODS_MAX  64       /* different methods in all rules */
#define ROUTE_LISTENERS_MAX 64

struct route_request {
    struct sc_str method;           /* as sent; of a preflight router_find looks at the method asked for */
    struct sc_str host;             /* without port, any case; empty: none */
    struct sc_str path;             /* normalised, from "/" on */
    struct sc_str query;            /* without "?", as sent */
    const struct headers *headers;  /* as sent; NULL: none */
    unsigned listener;              /* 0 .. ROUTE_LISTENERS_MAX - 1 */
};

struct route_param {
    struct sc_str name;             /* the router's */
    struct sc_str value;            /* part of the request's path: normalised, not decoded any further */
};

struct route_found {
    int rule;                       /* into the rules given to router_build; -1: none */
    unsigned status;                /* of none: 405 when nothing but the method failed, else 404; of a match 0 */
    uint64_t allow;                 /* of 405: for router_allow */
    unsigned nparams;
    bool has_rest;                  /* the path of the rule ended in "**" */
    struct sc_str rest;             /* what "**" stood for, without the slash before it; may be empty */
    struct route_param params[ROUTE_PARAMS_MAX];
};

/* True when a route was found. Worker thread. */
bool router_find(const struct router *r, const struct route_request *q, struct route_found *found);

/* The first of its conditions that a request does not meet. */
enum route_why { ROUTE_FITS, ROUTE_LISTENER, ROUTE_HOST, ROUTE_PATH, ROUTE_HEADER, ROUTE_QUERY, ROUTE_METHOD };

struct route_verdict {
    enum route_why why;
    struct sc_str name;             /* which header or parameter; the router's */
};

/* For people: of each rule by itself, whether or not another one goes before it. all: one for each rule. Any thread. */
void router_explain(const struct router *r, const struct route_request *q, struct arena *a, struct route_verdict *all);

/* The value of Allow (RFC 9110 10.2.1) for a found with status 405. */
struct sc_str router_allow(const struct router *r, const struct route_found *found, struct arena *a);
