/* sidecar/proxy/router.h - a router from inside: only for route*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proxy/route.h"
#include "proxy/route_cond.h"
#include "proxy/route_trie.h"
#include "base/map.h"

/* Methods are bits; which method has which bit is the router's affair. */
struct compiled_rule {
    uint64_t listeners;             /* 0: all */
    uint64_t methods;               /* 0: all */
    uint64_t implied;               /* of these HEAD, where only GET brings it along */
    struct route_cond *conds;
    unsigned nconds;
    unsigned index;                 /* of struct route_rule: file order */
};

struct router {
    struct arena arena;             /* names and conditions */
    struct compiled_rule *rules;
    unsigned nrules;
    const struct route_match **matches; /* of the rules, in file order */
    struct sc_str methods[ROUTE_METHODS_MAX];
    unsigned nmethods;
    struct trie trie;
    unsigned any_host;              /* root of the rules without hosts, or 0 */
    struct map exact, suffix;       /* host, and what follows "*", to the root (as a pointer) */
    size_t longest_suffix;
};

/* Which of two rules whose host and path are alike comes first: methods given, more conditions, file order. */
int rule_order(const void *rules, unsigned a, unsigned b);
/* Whether everything that `second` takes has been taken by `first` already; else *methods gets the methods that `first`
 * names and has taken of it (none: 0). */
bool rule_covers(const struct compiled_rule *first, const struct compiled_rule *second, uint64_t *methods);

/* The method that counts: a preflight asks about another request. */
struct sc_str router_asked_method(const struct route_request *q);
/* Bit of a method, or 0. */
uint64_t router_method(const struct router *r, struct sc_str name);

/* Reports the rules that can never match. */
void router_warn(const struct router *r, const struct route_rule *rules, route_report_fn *report, void *arg);
