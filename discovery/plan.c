/* discovery/plan.c - what the discovery thread was told to follow.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/plan.h"

#include "base/alloc.h"

#include <stdlib.h>

struct discovery_plan *discovery_plan_new(const struct discovery_service *const *services, unsigned n,
                                          void *tag)
{
    struct discovery_plan *p = xcalloc(1, sizeof *p + n * sizeof p->services[0]);

    p->tag = tag;
    p->n = n;
    for (unsigned i = 0; i < n; i++)
        p->services[i] = services[i];
    return p;
}

void discovery_plan_let_go(struct discovery_plan **pp)
{
    struct discovery_plan *p = *pp;

    *pp = NULL;
    if (p == NULL)
        return;
    p->released(p->owner, p->tag);
    free(p);
}
