/* discovery/plan.h - what the discovery thread was told to follow.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only. Made on any thread, afterwards the discovery thread's. */
#pragma once

#include "discovery/service.h"
#include "loop/loop.h"

struct discovery_plan {
    struct mail mail;                   /* how it gets to the discovery thread */
    void *owner, *tag;
    bool at_once;                       /* its first table waits for nobody */
    void (*released)(void *owner, void *tag);   /* the last hold is gone */
    unsigned holds;                     /* it is in force; a registry that only it names is in use */
    const struct sc_list *registrations;
    unsigned n;
    const struct discovery_service *services[];
};

/* The array is copied; `owner`, `released`, `at_once` and `mail` are for the caller to fill in. */
struct discovery_plan *discovery_plan_new(const struct discovery_service *const *services, unsigned n,
                                          const struct sc_list *registrations, void *tag);
struct discovery_plan *discovery_plan_hold(struct discovery_plan *p);
/* NULL is let go, too. */
void discovery_plan_let_go(struct discovery_plan **p);
