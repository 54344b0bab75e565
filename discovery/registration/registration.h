/* discovery/registration/registration.h - services of this host that a registry shall know: `register:`.
 * SPDX-License-Identifier: Apache-2.0
 *
 * registration_conf.c: loaded on the control thread, immutable afterwards; belongs to the configuration's arena. */
#pragma once

#include "conf/field.h"
#include "conf/load.h"

#include <stdbool.h>

struct registry;
struct registries;

enum registration_check { REGISTRATION_HTTP, REGISTRATION_TCP, REGISTRATION_TTL };

struct registration_check_conf {
    int type;                           /* enum registration_check */
    const char *path;                   /* of the request; begins with a slash */
    const char *address;                /* numeric */
    int64_t port;                       /* 0: the registration's, which registration_link() puts in its place */
    sc_msec interval, timeout;
    int64_t rise, fall;
    sc_msec ttl;                        /* REGISTRATION_TTL */
    sc_msec deregister_critical_after;  /* 0: never */
};

struct registration_conf {
    const char *registry_name;
    const char *name, *id;              /* id: filled in by registration_link() */
    const char *instance;               /* likewise: the id as stated, or "NODE-PORT", which will do within the service */
    const char *address;                /* NULL: that of the registry's node */
    int64_t port;
    struct sc_pairs tagged_addresses;   /* "HOST:PORT", "HOST" with our port */
    struct sc_strings tags;
    struct sc_pairs meta;
    struct { int64_t passing, warning; } weight;
    bool is_weighed;                    /* likewise: the weight was stated */
    const struct registration_check_conf *check;    /* NULL: it is well while this process runs */
    const struct registry *registry;    /* filled in by registration_link() */
    const struct node *at;
};
/* The keys of one item of `register:`. */
extern const struct sc_field registration_fields[];

/* After the whole file is loaded: the registry, which must be of a kind that takes registrations; names, addresses, the id.
 * `node` is the name of this host; `at` the item's map, load->path names it. False after a mistake (reported). */
bool registration_link(struct conf_load *load, const struct registries *registries, struct registration_conf *c,
                       const char *node, const struct node *at);
/* Whether the registry would be told the same. */
bool registration_same(const struct registration_conf *a, const struct registration_conf *b);
/* "HOST:PORT", "[HOST]:PORT" or "HOST", into an address without brackets and a port (0: none). False: none of these. */
bool registration_address(const char *text, char host[256], uint16_t *port);
