/* discovery/set.h - the targets of one service at one moment, with the balancer's index over them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Built on the discovery thread, immutable once published; any thread may read, take and drop references. */
#pragma once

#include "base/arena.h"
#include "discovery/endpoint.h"
#include "discovery/target.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct balancer;

/* What a service keeps across its sets, for the whole process. */
struct service_shared {
    atomic_uint refs;
    const char *name;
    _Atomic(uint64_t) freshness;            /* freshness.h; relaxed; 0 while every source is live */
    _Alignas(64) _Atomic(uint64_t) turn;    /* of the balancers that go round */
};

struct service_shared *service_shared_new(const char *name);
struct service_shared *service_shared_ref(struct service_shared *s);
void service_shared_unref(struct service_shared **s);

/* Effective weights are counted in these parts of one, so that a name with up to twelve addresses divides its weight
 * without a rest. */
enum { WEIGHT_UNIT = 27720 };

struct target_entry {
    struct target *target;
    uint32_t weight;                /* effective, in 1/WEIGHT_UNIT */
    uint16_t tier;                  /* among all of the set: the record's, unless several sources are combined */
    uint8_t source;                 /* its place in the list of the service's sources; SOURCE_LEAVING: not there any more */
    bool eligible : 1;              /* may be picked: by state, health, tier and weight */
    bool held : 1;                  /* the registry has ceased to name it; kept by the shrink guard */
    bool standby : 1;               /* another source's targets serve in its place */
    const char *unfit;              /* what its health check found, NULL: fine; the set's */
    const char *reason;             /* why not: "critical", "terminating", "tier", ...; NULL when eligible */
    const struct endpoint *record;  /* as stated; the set's */
};

enum { SOURCE_LEAVING = 255 };

struct target_set {
    atomic_uint refs;
    struct service_shared *service;
    uint64_t version;               /* grows with every set of the process */
    const struct balancer *balancer;
    void *index;                    /* the balancer's */
    struct arena arena;             /* the records */
    bool answered;                  /* somebody has said who the targets are, if only that there are none */
    unsigned n, eligible;           /* entries; those that may be picked */
    unsigned spare;                 /* those that could serve, too, and wait until others cannot */
    struct target_entry at[];
};

/* The way to a set: n entries to be filled by the caller (who gives its references to targets away), then finish, which
 * builds the index. Discovery thread. */
struct target_set *target_set_new(struct service_shared *service, unsigned n);
void target_set_finish(struct target_set *set, const struct balancer *balancer, const void *conf);

struct target_set *target_set_ref(struct target_set *set);
void target_set_unref(struct target_set **set);
