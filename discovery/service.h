/* discovery/service.h - the part of the configuration that says where a service's targets come from.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Loaded on the control thread, immutable afterwards; belongs to the configuration's arena. */
#pragma once

#include "conf/field.h"
#include "conf/load.h"
#include "discovery/balance/balancer.h"
#include "discovery/combine.h"
#include "discovery/endpoint.h"
#include "discovery/freshness.h"
#include "discovery/guard.h"
#include "discovery/health.h"
#include "loop/fetch.h"

struct provider;

/* `registries:` a map of name -> {type: TYPE, keys of that type}. */
struct registry {
    const char *name;
    const struct provider *provider;
    const void *conf;                   /* provider->conf_size bytes */
    const struct node *at;
};
struct registries { const struct registry *at; unsigned n; };
/* SC_T_CUSTOM loader of struct registries, and its JSON Schema. */
bool registries_load(struct conf_load *load, const struct node *at, void *to);
void registries_print(const void *value, struct buf *out);
extern const char registries_schema[];
const struct registry *registries_find(const struct registries *r, const char *name);
/* Reports that the text of `at` names none of them. Always false. */
bool registries_unknown(struct conf_load *load, const struct registries *registries, const struct node *at);

/* Whether its sources have the key `service`: a name there, that a path may name as well. */
bool registry_has_services(const struct registry *r);

/* `source: {registry: NAME, keys of the registry's type}`. */
struct source_conf {
    const struct node *at;              /* NULL: not given */
    const struct registry *registry;    /* filled by discovery_service_link */
    const void *conf;                   /* provider->source_size bytes; likewise */
    int64_t weight;                     /* among `sources`, with `combine: weighted`; else 1 */
    const char *identity;               /* identity.h; likewise */
};
extern const char source_schema[];

/* `sources:` a list of them. */
struct source_list {
    const struct node *node;            /* NULL: not given */
    const struct source_conf *at;
    unsigned n;
};
enum { SOURCES_MAX = 16 };

/* How the service's targets are spoken to, which health checks have to know. Filled in by whoever owns those keys. */
struct discovery_tls {
    bool on;
    const char *server_name;
    struct fetch_tls files;
};

struct discovery_service {
    const char *name;
    struct sc_list targets;             /* of struct endpoint_conf */
    struct source_conf source;
    struct source_list sources;
    int combine;                        /* enum combine: what several sources are together */
    struct balancer_choice balancer;
    struct guard_conf shrink_guard;
    struct last_known_good last_known_good;
    const struct health_conf *health_check; /* NULL: none */
    struct discovery_tls tls;
};
/* The keys of one item of `services:` that are discovery's, `name` included: for an SC_INLINE row. */
extern const struct sc_field discovery_service_fields[];

/* After the whole file is loaded: finds the registry, reads the source's keys by the table of its type, and checks that
 * there is exactly one of `source`, `sources` and `targets`. `at` is the service's map, load->path names it
 * ("services[2]"). False after a mistake (reported). */
bool discovery_service_link(struct conf_load *load, const struct registries *registries, struct discovery_service *s,
                            const struct node *at);

/* The sources of a linked service, however many: one for `source`, none for `targets`. */
unsigned discovery_service_sources(const struct discovery_service *s, const struct source_conf **list);

/* Whether a reload left them as they were, a source's weight aside. Static targets are never the same source: they are
 * compared one by one. */
bool registry_same(const struct registry *a, const struct registry *b);
bool source_same(const struct source_conf *a, const struct source_conf *b);
bool balancer_same(const struct balancer_choice *a, const struct balancer_choice *b);
bool node_same(const struct node *a, const struct node *b);
