/* discovery/providers/etcd_call.h - single calls to etcd: leases, and keys that live as long as one.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For those who write there: a lease is granted, kept alive, and revoked, which takes its keys away. Calls go to the member
 * that answered last, with the token of the registry, for which they wait where there is a user; one that is refused for the
 * token's sake is made once more. Nothing else is repeated. Discovery thread. */
#pragma once

#include "base/buf.h"
#include "discovery/registration/enrol.h"
#include "discovery/providers/etcd_auth.h"
#include "discovery/providers/rest.h"

struct registry_live;

/* Embedded, zero-initialised; `registry` (open: its state is there) and `done` filled in. One call at a time. */
struct etcd_call {
    struct registry_live *registry;
    /* What became of it, never from inside. ENROL_NOT_THERE: there is no such lease, or key. ENROL_REFUSED: it was not
     * done; ENROL_FAILED: nobody knows; both with an error, which is NULL else and lives until the end. May call again. */
    void (*done)(struct etcd_call *c, enum enrol_outcome outcome, const char *error);
    uint64_t lease, ttl;            /* in `done` of a grant or a keep-alive: the lease, and the seconds it has; of a look:
                                     * the lease of the key, 0: none */
    /* From here on etcd_call.c's. */
    struct rest_order order;
    struct etcd_waiter waiter;
    const char *path;
    struct buf body;
    bool looks, keeps;              /* for a key; a lease alive */
    bool again;                     /* it is the second time */
    bool waits;                     /* for a token */
    sc_msec began;
};

/* A lease of so many seconds. */
void etcd_call_grant(struct etcd_call *c, unsigned seconds);
void etcd_call_keep_alive(struct etcd_call *c, uint64_t lease);
/* The keys that hang on it are gone as well. */
void etcd_call_revoke(struct etcd_call *c, uint64_t lease);
/* The key goes with the lease. One that has this value and this lease is left alone, so that it makes no revision. */
void etcd_call_put(struct etcd_call *c, struct sc_str key, struct sc_str value, uint64_t lease);
/* Whatever lease it has, or none. */
void etcd_call_delete(struct etcd_call *c, struct sc_str key);
/* Whether there is such a key, as those see it who follow it. */
void etcd_call_look(struct etcd_call *c, struct sc_str key);
/* Without a `done`; harmless when none is under way. The memory must stay until the end of the turn. */
void etcd_call_stop(struct etcd_call *c);
