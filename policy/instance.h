/* policy/instance.h - one configured policy: its configuration and its states.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Identified by (scope, policy, id), scope being "" for `policies:` at the top and the route's name in a route.
 * Counted: the sets (configurations) that use it hold it. Made and freed on the control thread; instance_worker_* and
 * the slot of a worker belong to that worker. */
#pragma once

#include "policy/list.h"
#include "policy/policy.h"

#include <stdatomic.h>

/* What one worker has of an instance. Only that worker touches it, but for the counters, which anyone may read. */
struct instance_slot {
    _Alignas(64) void *state;       /* from worker_open() */
    uint64_t *counters;             /* NULL: the policy has none */
    unsigned users;                 /* views of this worker that use the instance */
    bool broken;                    /* worker_open() said no */
};

struct policy_instance {
    atomic_uint refs;
    const struct sc_policy *policy;
    char *scope, *id;
    struct policy_conf *conf;
    void *shared;                   /* from open() */
    uint16_t rank;
    unsigned ncounters, nworkers;
    struct instance_slot slots[];
};

/* `like`: an instance of the same identity in the configuration before, or NULL. Returns it, with another reference,
 * when the configuration is equal; else opens a new one with its shared state in hand. NULL with *e when open()
 * refuses. */
struct policy_instance *instance_open(const struct policy_entry *entry, const char *scope, unsigned nworkers,
                                      struct policy_instance *like, struct sc_error *e);
struct policy_instance *instance_ref(struct policy_instance *i);
/* The last one closes it; by then every worker has let go. */
void instance_unref(struct policy_instance **i);

/* On the worker: a view begins or ends to use the instance. */
void instance_worker_open(struct policy_instance *i, unsigned worker, struct sc_worker *w);
void instance_worker_close(struct policy_instance *i, unsigned worker, struct sc_worker *w);

/* The sum over all workers. Any thread. */
uint64_t instance_counter(const struct policy_instance *i, unsigned index);
