/* discovery/table.c - the sets of all services of one plan.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/table.h"

#include "base/alloc.h"
#include "base/refs.h"

#include <stdlib.h>

static unsigned npages(unsigned n)
{
    return (n + TABLE_PAGE - 1) / TABLE_PAGE;
}

/* ---- pages ---- */

static struct table_page *page_new(void)
{
    struct table_page *p = xnew(struct table_page);

    refs_init(&p->refs);
    return p;
}

static void page_unref(struct table_page *p)
{
    if (!refs_put(&p->refs))
        return;
    for (unsigned i = 0; i < TABLE_PAGE; i++)
        target_set_unref(&p->sets[i]);
    free(p);
}

static struct table_page *page_copy(const struct table_page *from)
{
    struct table_page *p = page_new();

    for (unsigned i = 0; i < TABLE_PAGE; i++)
        p->sets[i] = from->sets[i] == NULL ? NULL : target_set_ref(from->sets[i]);
    return p;
}

/* ---- tables ---- */

static struct table *without_pages(unsigned n)
{
    struct table *t = xcalloc(1, sizeof *t + npages(n) * sizeof t->pages[0]);

    refs_init(&t->refs);
    t->n = n;
    return t;
}

struct table *table_new(unsigned n)
{
    struct table *t = without_pages(n);

    for (unsigned i = 0; i < npages(n); i++)
        t->pages[i] = page_new();
    return t;
}

struct table *table_copy(const struct table *from)
{
    struct table *t = without_pages(from->n);

    for (unsigned i = 0; i < npages(t->n); i++) {
        t->pages[i] = from->pages[i];
        refs_get(&t->pages[i]->refs);
    }
    return t;
}

/* A page that another table has too is that one's; whoever published it keeps it as it is. */
void table_put(struct table *t, unsigned i, struct target_set *set)
{
    struct table_page **at = &t->pages[i / TABLE_PAGE], *shared = *at;

    if (atomic_load_explicit(&shared->refs, memory_order_acquire) > 1) {
        *at = page_copy(shared);
        page_unref(shared);
    }
    target_set_unref(&(*at)->sets[i % TABLE_PAGE]);
    (*at)->sets[i % TABLE_PAGE] = set;
}

struct table *table_ref(struct table *t)
{
    refs_get(&t->refs);
    return t;
}

void table_free(struct table *t)
{
    for (unsigned i = 0; i < npages(t->n); i++)
        page_unref(t->pages[i]);
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
