/* discovery/registry_use.h - the registries in use, by at least one watch.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread. Two names for a registry in one plan are two uses; a reload that leaves its keys
 * alone keeps it, with its connections and its token. */
#pragma once

#include "base/list.h"
#include "discovery/provider.h"

struct registry;

struct registry_use {
    struct link link;
    struct registry_live live;
    const struct registry *conf;
    unsigned users;
};

/* All of them. */
struct registry_uses {
    struct link all;
    struct loop *loop;
    struct curlmux *curl;
    const char *node, *zone;            /* for registry_live, set after init; NULL: not said */
};
void registry_uses_init(struct registry_uses *all, struct loop *loop, struct curlmux *curl);

/* The registry that the new plan calls so; NULL for NULL. Nobody's until registry_take(). */
struct registry_use *registry_uses_get(struct registry_uses *all, const struct registry *conf);
/* Forgets those that nobody uses. */
void registry_uses_sweep(struct registry_uses *all);

/* One more user, and one less; the first one opens it, the last one closes it. */
void registry_take(struct registry_use *r);
void registry_leave(struct registry_use *r);
