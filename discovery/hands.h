/* discovery/hands.h - what people want of sources for a while: freeze, pin, fail.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One wish for each service and each registry, the last one; a service's goes before its registry's. They end by themselves
 * and survive reloads: what is called so then is meant. Inside discovery/, the order aside; discovery thread. */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "discovery/endpoint.h"
#include "discovery/status.h"
#include "loop/loop.h"

enum {
    HAND_TTL = 300000,              /* ms, unless stated */
    HAND_TTL_MIN = 1000, HAND_TTL_MAX = 86400000,
    HAND_TARGETS_MAX = 1000,
};

/* What is asked for. */
struct hand_order {
    enum source_hand kind;          /* HAND_NONE: end what was wanted before */
    bool of_registry;               /* `name` is a registry's; else a service's */
    const char *name;
    sc_msec ttl;
    const char *by;                 /* who wants it */
    const struct endpoint *targets; /* HAND_PIN */
    unsigned ntargets;
};

/* One on its way to the discovery thread: a copy. */
struct hand_letter {
    struct mail mail;
    void *owner;
    struct hand_order order;
    struct arena arena;
};
/* `owner` and `mail` are for the caller to fill in. Any thread. */
struct hand_letter *hand_letter_new(const struct hand_order *order);
void hand_letter_free(struct hand_letter **l);

struct hands;

struct hand {
    struct link link;
    struct hands *all;
    uint64_t id;                    /* never 0, never again */
    enum source_hand kind;
    bool of_registry;
    const char *name, *by;
    sc_msec until_wall;
    const struct endpoint *targets;
    unsigned ntargets;
    struct timer end;
    struct arena arena;             /* of all that it points to */
};

/* changed: one of them came, or went. */
struct hands *hands_new(struct loop *loop, void (*changed)(void *arg), void *arg);
void hands_free(struct hands **h);

/* Said in the log, and so is its end. Copies. */
void hands_order(struct hands *h, const struct hand_order *order);
/* What is wanted of the source of this service in this registry, or NULL. */
const struct hand *hands_find(const struct hands *h, const char *service, const char *registry);

/* "freeze" "pin" "fail" "thaw". */
const char *hand_name(enum source_hand kind);
