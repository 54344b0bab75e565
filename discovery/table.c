/* discovery/table.c - the sets of all services of one plan.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/table.h"

#include "base/alloc.h"
#include "base/refs.h"

#include <stdlib.h>

struct table *table_new(unsigned n)
{
    struct table *t = xcalloc(1, sizeof *t + n * sizeof t->sets[0]);

    refs_init(&t->refs);
    t->n = n;
    return t;
}

struct table *table_ref(struct table *t)
{
    refs_get(&t->refs);
    return t;
}

void table_free(struct table *t)
{
    for (unsigned i = 0; i < t->n; i++)
        target_set_unref(&t->sets[i]);
    free(t);
}

void table_unref(struct table **tp)
{
    struct table *t = *tp;

    *tp = NULL;
    if (t == NULL || !refs_put(&t->refs))
        return;
    if (t->bury != NULL)
        t->bury(t);
    else
        table_free(t);
}
