/* sidecar/proxy/plan.h - a configuration made ready to run.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Built on the control thread, immutable afterwards; workers read it through their view. Counted: the last reference
 * sends it back to control (`bury`), because closing policies may be slow. */
#pragma once

#include "base/map.h"
#include "http1/response.h"
#include "http/uri.h"
#include "loop/listen.h"
#include "loop/mhdpump.h"
#include "policy/chain.h"
#include "proxy/config.h"
#include "proxy/limit.h"
#include "proxy/named.h"
#include "proxy/route.h"

#include <stdatomic.h>

struct access_log;
struct metrics;
struct metrics_row;
struct tally;
struct writer;

struct plan_listener {
    const struct listener_conf *conf;
    struct listener *socket;            /* a reference */
    unsigned index;
    struct metrics_row *tally;          /* the process's */
    bool trusted;
    struct uri_options uri;
    struct pump_limits limits;
    char port[8];                       /* of the socket bound; "" for a unix socket */
    char via[24];                       /* our name in Via: of this listener in this process alone, and says nothing else */
};

enum host_mode { HOST_PRESERVE, HOST_TARGET, HOST_VALUE };

struct plan_service {
    const struct service_conf *conf;
    struct named *named;                /* NULL: it stands in the file */
    unsigned index;                     /* into the table of targets */
    enum host_mode host_mode;
    struct sc_str name, host;
    struct response_limits response;
    struct limit_counts *counts;        /* for the whole process; a reference */
    uint64_t transport;                 /* of how its targets are spoken to: another one when a key of that changes */
};

struct plan_route {
    const struct route_conf *conf;
    unsigned index;
    struct sc_str name;
    struct plan_service *service;       /* of one whose path names it: what all of them have in common; in no table */
    const struct chain *chain;
    struct timeout_conf timeout;        /* route over service */
    bool rewrites;
};

struct plan {
    atomic_uint refs;
    struct config *config;
    void (*bury)(struct plan *p);
    void *owner;                        /* of bury */
    struct plan *next;                  /* bury's */
    struct router *router;
    const struct sc_strings *reserved;  /* paths of our own; NULL: none */
    struct chain_set *chains;
    struct access_log *access_log;      /* NULL: none */
    struct tally *tally;                /* where its requests are counted */
    unsigned nlisteners, nservices, nroutes, nnaming;
    struct plan_listener *listeners;
    struct plan_service *services;      /* of the file, then those that paths have named */
    struct plan_service *naming;
    struct map named;                   /* of struct plan_service, by NAME@REGISTRY */
    struct plan_route *routes;
    const struct discovery_service **watched;   /* by service index */
    unsigned char secret[8];            /* of the process: random, kept over reloads */
};

struct plan_options {
    struct listener *const *sockets;    /* one for each listener of the configuration, in its order */
    struct named *const *named;         /* services that paths have named, made for this configuration */
    unsigned nnamed;
    const struct plan *previous;        /* NULL: none */
    unsigned workers;
    struct writer *writer;
    struct metrics *metrics;            /* of tally_metrics_new(), for as long as there are plans */
};

/* Takes over the reference to the configuration. NULL after a mistake (in the report). */
struct plan *plan_build(struct config *config, const struct plan_options *options, struct conf_report *report);
/* Of a configuration that will not run, to ask what would become of requests: routes and policies, and neither listeners
 * nor counters. Takes over the reference. NULL after a mistake (in the report). */
struct plan *plan_build_dry(struct config *config, struct conf_report *report);
/* NULL: no path has named it yet. Worker thread. */
const struct plan_service *plan_find_named(const struct plan *p, struct sc_str name, const char *registry);
/* How a listener reads paths. */
struct uri_options listener_uri(const struct listener_conf *c);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan **p);
void plan_free(struct plan *p);         /* control thread */
