/* sidecar/proxy/snapshot.c - a plan and the targets that belong to it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/snapshot.h"

#include "base/alloc.h"
#include "base/refs.h"

#include <stdlib.h>

struct snapshot *snapshot_new(struct plan *plan, struct table *table)
{
    struct snapshot *s = xnew(struct snapshot);

    refs_init(&s->refs);
    s->plan = plan_ref(plan);
    s->table = table;
    return s;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    refs_get(&s->refs);
    return s;
}

void snapshot_unref(struct snapshot **sp)
{
    struct snapshot *s = *sp;

    *sp = NULL;
    if (s == NULL || !refs_put(&s->refs))
        return;
    plan_unref(&s->plan);
    table_unref(&s->table);
    free(s);
}
