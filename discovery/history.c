/* discovery/history.c - what has become of a service's targets, and of its sources, lately.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/history.h"

#include "base/alloc.h"
#include "base/refs.h"

#include <pthread.h>
#include <stdlib.h>

struct history {
    atomic_uint refs;
    pthread_mutex_t lock;
    struct history_entry ring[HISTORY_MAX];     /* their texts are the history's, `event` aside */
    unsigned first, n;
};

struct history *history_new(void)
{
    struct history *h = xnew(struct history);

    refs_init(&h->refs);
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

struct history *history_ref(struct history *h)
{
    refs_get(&h->refs);
    return h;
}

static void forget(struct history_entry *e)
{
    free((char *)e->registry);
    free((char *)e->cause);
}

void history_unref(struct history **hp)
{
    struct history *h = *hp;

    *hp = NULL;
    if (h == NULL || !refs_put(&h->refs))
        return;
    for (unsigned i = 0; i < h->n; i++)
        forget(&h->ring[(h->first + i) % HISTORY_MAX]);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static char *copy(const char *text)
{
    struct sc_str s = str_of(text);

    if (text == NULL)
        return NULL;
    if (s.n > HISTORY_TEXT_MAX)
        s.n = HISTORY_TEXT_MAX;
    return str_dupz(s);
}

void history_add(struct history *h, const struct history_entry *e)
{
    struct history_entry mine = *e, *at;

    mine.registry = copy(e->registry);
    mine.cause = copy(e->cause);
    pthread_mutex_lock(&h->lock);
    at = &h->ring[(h->first + h->n) % HISTORY_MAX];
    if (h->n == HISTORY_MAX) {
        forget(at);
        h->first = (h->first + 1) % HISTORY_MAX;
    } else {
        h->n++;
    }
    *at = mine;
    pthread_mutex_unlock(&h->lock);
}

static const char *keep(struct arena *a, const char *text)
{
    return text == NULL ? NULL : arena_dupz(a, str_of(text));
}

const struct history_entry *history_list(struct history *h, struct arena *a, unsigned *n)
{
    struct history_entry *list = arena_alloc(a, HISTORY_MAX * sizeof *list);

    pthread_mutex_lock(&h->lock);
    *n = h->n;
    for (unsigned i = 0; i < h->n; i++) {
        list[i] = h->ring[(h->first + i) % HISTORY_MAX];
        list[i].registry = keep(a, list[i].registry);
        list[i].cause = keep(a, list[i].cause);
    }
    pthread_mutex_unlock(&h->lock);
    return list;
}
