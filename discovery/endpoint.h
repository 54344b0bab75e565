/* discovery/endpoint.h - one record as a registry, a file or the configuration states it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A plain value; its strings belong to whoever made it (an arena, as a rule). Any thread may read. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "conf/field.h"

#include <stdbool.h>
#include <stdint.h>

enum { ENDPOINT_WEIGHT_MAX = 65535, ENDPOINT_WEIGHT = 100 };

enum endpoint_state {
    EP_READY,
    EP_WARNING,                 /* serves, and complains: eligible */
    EP_SERVING_TERMINATING,     /* on its way out: eligible only when nothing else of the service is */
    EP_CRITICAL,                /* not eligible, like those that follow */
    EP_NOT_PASSING,             /* complains, and only those that do not are wanted */
    EP_MAINTENANCE,             /* taken out by hand */
};

struct endpoint {
    const char *id;             /* the registry's own name of the record; NULL: none */
    const char *host;           /* a name or a numeric address; NULL with `path` */
    const char *path;           /* of a unix socket */
    uint16_t port;              /* 1..65535; 0 with `path` */
    uint32_t weight;            /* 0..ENDPOINT_WEIGHT_MAX; 0 gets no traffic */
    uint16_t tier;              /* a higher tier serves only while no lower one has an eligible target */
    bool tls;
    const char *zone, *node;    /* NULL: not stated */
    struct sc_strings tags;
    struct sc_pairs meta;
    enum endpoint_state state;
    const char *wrong;          /* why no target can be made of it, in the provider's words; NULL: ask endpoint_check() */
};

/* The keys of one record in `targets:` and in registry files, and what they load into. */
struct endpoint_conf {
    const char *host, *unix_path;
    int64_t port, weight, tier;
    bool tls;
    const char *zone, *node;
    struct sc_strings tags;
    struct sc_pairs meta;
};
extern const struct sc_field endpoint_fields[];

/* The same as an endpoint; borrows the strings. */
struct endpoint endpoint_of(const struct endpoint_conf *c);

/* Whether a target can be made of it; e says what is wrong. */
bool endpoint_check(const struct endpoint *e, struct sc_error *err);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* A deep copy that lives as long as the arena. */
struct endpoint endpoint_copy(struct arena *a, const struct endpoint *e);
/* A first block for n copies: about what they take, but of many a part, so large that the system has it back when it is
 * freed. */
size_t endpoint_room(unsigned n);
/* "host:port" or "unix:/path", for messages. */
const char *endpoint_print(struct arena *a, const struct endpoint *e);
