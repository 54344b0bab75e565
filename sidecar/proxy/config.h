/* sidecar/proxy/config.h - the whole configuration, typed; immutable once loaded.
 * SPDX-License-Identifier: Apache-2.0
 *
 * config_load() on the control thread; afterwards any thread may read. Everything belongs to the arena. The tables (with
 * their prose) stand in config.c; what belongs to another layer (targets, policies, matching, logs) is declared there
 * and only put together here. */
#pragma once

#include "base/arena.h"
#include "conf/field.h"
#include "conf/tree.h"
#include "discovery/registration/registration.h"
#include "discovery/service.h"
#include "policy/list.h"
#include "proxy/rewrite.h"
#include "proxy/route.h"
#include "telemetry/telemetry.h"

#include <stdatomic.h>

enum listener_slash { SLASH_REJECT, SLASH_KEEP };
enum listener_semicolon { SEMICOLON_KEEP, SEMICOLON_REJECT };
enum listener_peers { PEERS_AUTO, PEERS_TRUSTED, PEERS_UNTRUSTED };

/* Ruling: trusted on loopback and unix sockets, untrusted elsewhere; config_load() has replaced the AUTO value already. */
struct listener_conf {
    const char *name;                   /* default: the address; "default" for the implied one */
    const char *address;                /* host:port, [v6]:port, unix:/path, systemd:NAME */
    int peers;                          /* enum listener_peers */
    struct sc_cidrs trusted_proxies;
    struct listener_path {
        int encoded_slash;              /* enum listener_slash */
        int semicolon;                  /* enum listener_semicolon */
        bool merge_slashes;
    } path;
    sc_msec header_timeout, body_timeout, idle_timeout;
    int64_t max_header_size;            /* bytes: request line and fields; 1 KiB .. 64 KiB */
    int64_t max_connections;            /* for the process */
};

/* What somebody may do on the admin listeners: look; change what runs; see and change everything. */
enum admin_role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };

struct admin_token {
    const char *name;                   /* for the log */
    struct sc_secret token;             /* never empty */
    int role;                           /* enum admin_role */
};

struct admin_conf {
    struct sc_strings listeners;        /* empty: the default ones */
    struct sc_strings public;           /* subtrees that data listeners serve too */
    struct sc_list tokens;              /* of struct admin_token */
    bool defaults;                      /* the listeners are the default ones: failing to bind is a warning */
};

struct timeout_conf {                   /* ms; in a route 0 = the service's */
    sc_msec connect, response, total, idle_stream;
};

enum retry_on { RETRY_CONNECT_FAILURE = 1, RETRY_RESET = 2, RETRY_TIMEOUT = 4 };

struct retry_conf {
    int64_t max_retries;                /* extra tries */
    unsigned on;                        /* bits of enum retry_on */
    uint64_t status[10];                /* bit set of on_status: bit n of word n / 64 = status n (100 .. 599 as is) */
    struct sc_strings methods;          /* for reset, timeout and on_status */
    uint32_t method_bits;               /* the same as bits by enum method of http/method.h */
    struct { sc_msec base, max; } backoff;
    sc_msec per_try_timeout;            /* 0: none */
    int64_t max_body;                   /* a request body is kept up to this for a second try */
    struct { int64_t ratio; int64_t min_per_second; } budget;   /* millionths */
};

struct limits_conf {                    /* for the process, not per worker */
    int64_t max_connections, max_requests, max_pending;
    sc_msec queue_timeout;
};

struct keep_alive_conf {                /* idle connections to one target */
    int64_t max_idle;                   /* per worker and target */
    sc_msec idle_timeout;
};

enum service_protocol { PROTOCOL_HTTP, PROTOCOL_HTTPS };
enum service_early_hints { EARLY_HINTS_DROP, EARLY_HINTS_PASS };
enum service_upgrade { UPGRADE_ANY, UPGRADE_WEBSOCKET, UPGRADE_NONE };

struct upstream_tls_conf {
    const char *ca, *certificate, *key, *server_name;
    bool verify;
};

struct service_conf {
    struct discovery_service discovery; /* name, targets or source, balancer: inlined keys */
    bool enabled;
    int protocol;                       /* enum service_protocol */
    int upgrade;                        /* enum service_upgrade */
    int early_hints;                    /* enum service_early_hints */
    const char *host;                   /* "preserve", "target", or the value to send */
    struct timeout_conf timeout;
    struct retry_conf retry;
    struct limits_conf limits;
    struct keep_alive_conf keep_alive;
    int64_t max_response_header_size;
    struct upstream_tls_conf tls;
};

struct route_conf {
    const char *name;                   /* default "route-N", N from 1 */
    bool enabled;
    struct sc_strings listeners;        /* names; empty: all */
    struct route_match match;           /* proxy/route.h; its table is route_match_fields */
    const char *service;                /* a name of `services`; or "{NAME}": the segment of the path that names it */
    const char *registry;               /* of the latter */
    struct sc_strings allow;            /* likewise: patterns of names */
    const struct service_conf *naming;  /* likewise: what every such service is like; set by config_load(), else NULL */
    struct rewrite_conf rewrite;        /* proxy/rewrite.h; rewrite_fields */
    struct timeout_conf timeout;        /* brief form: total */
    struct policy_list policies;        /* policy/list.h */
    unsigned service_index;             /* set by config_load(): into config.services; not of a naming one */
};

/* Services that routes name by their paths. */
struct named_conf {
    int64_t max;
    sc_msec idle_timeout;
};

struct config {
    struct arena arena;
    atomic_uint refs;
    uint64_t generation;                /* 1, 2, ... in order of loading; set by control */
    const char *file;
    const char *state_dir;              /* NULL: not given */
    int64_t workers;                    /* 0: auto */
    struct { const char *name, *zone; } node;
    struct sc_list listeners;           /* of struct listener_conf; never empty */
    struct admin_conf admin;
    struct { sc_msec delay, deregister_wait, deadline; } shutdown;
    struct registries registries;       /* discovery/service.h */
    struct sc_list services;            /* of struct service_conf; enabled ones only */
    struct named_conf named_services;
    struct sc_list registrations;       /* of struct registration_conf */
    struct policy_list policies;        /* for every route */
    struct sc_list routes;              /* of struct route_conf; enabled ones only, file order */
    struct telemetry_conf telemetry;
    struct node *tree;                  /* as read, for /config */
};

/* The whole file; one item of `services`; one of `routes`. */
extern const struct sc_field config_fields[], service_fields[], route_fields[];

/* Reads, checks and links everything that can be checked without binding or connecting. NULL after a mistake (all of
 * them are in the report); the caller owns one reference. */
struct config *config_load(const char *path, struct conf_report *report);
/* The same from memory, without a conf.d; `name` stands in messages, and ".json" at its end makes it JSON. */
struct config *config_load_text(const char *name, struct sc_str text, struct conf_report *report);
struct config *config_ref(struct config *c);
void config_unref(struct config **c);
