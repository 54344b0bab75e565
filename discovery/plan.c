/* discovery/plan.c - what the discovery thread was told to follow.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/plan.h"

#include "base/alloc.h"

#include <stdlib.h>

struct discovery_plan *discovery_plan_new(const struct discovery_service *const *services, unsigned n,
                                          const struct sc_list *registrations, void *tag)
{
    struct discovery_plan *p = xcalloc(1, sizeof *p + n * sizeof p->services[0]);

    p->holds = 1;
    p->tag = tag;
    p->registrations = registrations;
    p->n = n;
    for (unsigned i = 0; i < n; i++)
        p->services[i] = services[i];
    return p;
}

struct discovery_plan *discovery_plan_hold(struct discovery_plan *p)
{
    p->holds++;
    return p;
}

void discovery_plan_let_go(struct discovery_plan **pp)
{
    struct discovery_plan *p = *pp;

    *pp = NULL;
    if (p == NULL || --p->holds > 0)
        return;
    p->released(p->owner, p->tag);
    free(p);
}
