/* discovery/providers/etcd_kept.c - the instances of one service as etcd has them, kept up to date change by change.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/etcd_kept.h"

#include "base/alloc.h"
#include "discovery/providers/etcd_answer.h"
#include "discovery/providers/etcd_value.h"

#include <stdlib.h>

struct etcd_own {
    struct arena arena;
    struct sc_str id;               /* the key without the prefix; in the arena, like the endpoint's strings */
};

void etcd_kept_init(struct etcd_kept *k, unsigned max)
{
    *k = (struct etcd_kept){ .max = max };
}

void etcd_kept_fini(struct etcd_kept *k)
{
    for (unsigned i = 0; i < k->n; i++)
        arena_fini(&k->own[i].arena);
    free(k->at);
    free(k->own);
    *k = (struct etcd_kept){ .max = k->max };
}

/* Where the key is, or would be. A range comes in order: the end is looked at first. */
static unsigned place_of(const struct etcd_kept *k, struct sc_str id, bool *there)
{
    unsigned from = 0, to = k->n;

    *there = false;
    if (k->n > 0 && str_cmp(k->own[k->n - 1].id, id) < 0)
        return k->n;
    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        int order = str_cmp(k->own[middle].id, id);

        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void make_room(struct etcd_kept *k, unsigned i)
{
    if (k->n == k->cap) {
        k->cap = k->cap == 0 ? 16 : k->cap * 2;
        k->at = xrealloc(k->at, k->cap * sizeof k->at[0]);
        k->own = xrealloc(k->own, k->cap * sizeof k->own[0]);
    }
    memmove(&k->at[i + 1], &k->at[i], (k->n - i) * sizeof k->at[0]);
    memmove(&k->own[i + 1], &k->own[i], (k->n - i) * sizeof k->own[0]);
    k->n++;
}

static void take_out(struct etcd_kept *k, unsigned i)
{
    arena_fini(&k->own[i].arena);
    k->n--;
    memmove(&k->at[i], &k->at[i + 1], (k->n - i) * sizeof k->at[0]);
    memmove(&k->own[i], &k->own[i + 1], (k->n - i) * sizeof k->own[0]);
}

/* Read into memory that is given back, then copied: most of what a value takes to read is not kept. */
static void set(struct etcd_kept *k, unsigned i, struct sc_str id, const struct etcd_event *e)
{
    struct arena scratch;
    struct endpoint read;

    arena_init(&scratch, 1024);
    read = etcd_value_read(&scratch, id, e->value);
    if (e->garbled)
        read.wrong = "a value that is not base64";
    arena_init(&k->own[i].arena, 256);
    k->own[i].id = arena_dup(&k->own[i].arena, id);
    k->at[i] = endpoint_copy(&k->own[i].arena, &read);
    arena_fini(&scratch);
}

static bool put(struct etcd_kept *k, struct sc_str id, const struct etcd_event *e)
{
    struct arena before;
    struct endpoint was;
    bool there, same;
    unsigned i = place_of(k, id, &there);

    if (!there && k->n >= k->max) {
        k->full = true;
        return false;
    }
    if (!there) {
        make_room(k, i);
        set(k, i, id, e);
        return true;
    }
    before = k->own[i].arena;
    was = k->at[i];
    set(k, i, id, e);
    same = endpoint_equal(&was, &k->at[i]);
    arena_fini(&before);
    return !same;
}

bool etcd_kept_apply(struct etcd_kept *k, struct sc_str prefix, const struct etcd_event *e, bool *changed)
{
    struct sc_str id = str_skip(e->key, prefix.n);
    bool there;
    unsigned i;

    if (!str_starts(e->key, prefix))
        return false;
    if (id.n == 0 || str_chr(id, '/') != NULL)
        return true;
    if (!e->deleted) {
        *changed |= put(k, id, e);
        return true;
    }
    i = place_of(k, id, &there);
    if (there)
        take_out(k, i);
    *changed |= there;
    return true;
}
