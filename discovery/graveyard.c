/* discovery/graveyard.c - where tables end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/graveyard.h"

#include "base/alloc.h"
#include "base/refs.h"
#include "discovery/table.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdlib.h>

struct graveyard {
    atomic_uint refs;                   /* one per table, one for the discovery */
    pthread_mutex_t lock;
    struct loop *loop;                  /* behind the lock */
};

static void graveyard_unref(struct graveyard *g)
{
    if (!refs_put(&g->refs))
        return;
    pthread_mutex_destroy(&g->lock);
    free(g);
}

static void on_grave(struct mail *m)
{
    struct table *t = list_entry(m, struct table, grave);
    struct graveyard *g = t->owner;

    table_free(t);
    graveyard_unref(g);
}

/* Whoever held it last. */
static void bury(struct table *t)
{
    struct graveyard *g = t->owner;

    t->grave.fn = on_grave;
    pthread_mutex_lock(&g->lock);
    if (g->loop != NULL) {
        loop_post(g->loop, &t->grave);
        pthread_mutex_unlock(&g->lock);
        return;
    }
    pthread_mutex_unlock(&g->lock);
    on_grave(&t->grave);
}

struct graveyard *graveyard_new(struct loop *loop)
{
    struct graveyard *g = xnew(struct graveyard);

    refs_init(&g->refs);
    pthread_mutex_init(&g->lock, NULL);
    g->loop = loop;
    return g;
}

void graveyard_adopt(struct graveyard *g, struct table *t)
{
    t->bury = bury;
    t->owner = g;
    refs_get(&g->refs);
}

void graveyard_close(struct graveyard **gp)
{
    struct graveyard *g = *gp;

    *gp = NULL;
    pthread_mutex_lock(&g->lock);
    g->loop = NULL;
    pthread_mutex_unlock(&g->lock);
    graveyard_unref(g);
}
