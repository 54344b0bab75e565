/* discovery/registry_use.h - the registries in use, by watches and by services of this host.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread. Two names for a registry in one plan are two uses; a reload that leaves its keys
 * alone keeps it, with its connections and its token. */
#pragma once

#include "base/list.h"
#include "discovery/provider.h"

struct discovery_plan;
struct registry;

struct registry_use {
    struct link link;
    struct registry_live live;
    const struct registry *conf;
    unsigned users;
    uint64_t seen;                      /* the plan it was last part of, */
    struct discovery_plan *plan;        /* held, when that is another one than the one in force */
};

/* All of them. */
struct registry_uses {
    struct link all;
    struct loop *loop;
    struct curlmux *curl;
    const char *node, *zone;            /* for registry_live, set after init; NULL: not said */
    uint64_t plans;
};
void registry_uses_init(struct registry_uses *all, struct loop *loop, struct curlmux *curl);

/* The plan that names them from now on is another one. */
void registry_uses_begin(struct registry_uses *all);
/* The registry that the new plan calls so; NULL for NULL. Nobody's until registry_take(). */
struct registry_use *registry_uses_get(struct registry_uses *all, const struct registry *conf);
/* Forgets those that nobody uses; those that are in use although the new plan does not name them keep `old`, whose keys they
 * need. */
void registry_uses_sweep(struct registry_uses *all);
void registry_uses_hold(struct registry_uses *all, struct discovery_plan *old);

/* One more user, and one less; the first one opens it, the last one closes it. */
void registry_take(struct registry_use *r);
void registry_leave(struct registry_use *r);
