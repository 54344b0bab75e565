/* sidecar/base/map.c - strings to pointers: an insertion-ordered table with an open-addressed index.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/rand.h"

#include <pthread.h>
#include <stdlib.h>

static uint64_t seed[2];

static void seed_once(void)
{
    rand_secret(seed, sizeof seed);
}

static inline uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0], v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1], v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2], v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein). */
uint64_t hash_bytes(const void *p, size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const unsigned char *at = p;
    uint64_t v[4], last = (uint64_t)n << 56;

    pthread_once(&once, seed_once);
    v[0] = seed[0] ^ 0x736f6d6570736575;
    v[1] = seed[1] ^ 0x646f72616e646f6d;
    v[2] = seed[0] ^ 0x6c7967656e657261;
    v[3] = seed[1] ^ 0x7465646279746573;
    for (; n >= 8; at += 8, n -= 8) {
        uint64_t m;

        memcpy(&m, at, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    for (size_t i = 0; i < n; i++)
        last |= (uint64_t)at[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_fini(struct map *m)
{
    for (unsigned i = 0; i < m->used; i++)
        free((char *)m->items[i].key.p);
    free(m->items);
    free(m->index);
    *m = (struct map)MAP_INIT;
}

static struct map_item *find(const struct map *m, struct sc_str key, uint64_t hash, unsigned *slot)
{
    unsigned i = (unsigned)hash & m->mask;

    if (m->index == NULL)
        return NULL;
    for (; m->index[i] != 0; i = (i + 1) & m->mask) {
        struct map_item *item = &m->items[m->index[i] - 1];

        if (item->hash == hash && item->key.p != NULL && str_eq(item->key, key)) {
            *slot = i;
            return item;
        }
    }
    *slot = i;
    return NULL;
}

void *map_get(const struct map *m, struct sc_str key)
{
    unsigned slot;
    struct map_item *item = m->n == 0 ? NULL : find(m, key, hash_bytes(key.p, key.n), &slot);

    return item == NULL ? NULL : item->value;
}

static void grow(struct map *m)
{
    unsigned kept = 0, size = 8;

    for (unsigned i = 0; i < m->used; i++)           /* squeeze out what was removed */
        if (m->items[i].key.p != NULL)
            m->items[kept++] = m->items[i];
    m->used = kept;
    m->cap = kept < 4 ? 4 : kept * 2;
    m->items = xrealloc(m->items, m->cap * sizeof *m->items);
    while (size < m->cap * 2)
        size *= 2;
    free(m->index);
    m->index = xcalloc(size, sizeof *m->index);
    m->mask = size - 1;
    for (unsigned i = 0; i < m->used; i++) {
        unsigned at = (unsigned)m->items[i].hash & m->mask;

        while (m->index[at] != 0)
            at = (at + 1) & m->mask;
        m->index[at] = i + 1;
    }
}

void *map_put(struct map *m, struct sc_str key, void *value)
{
    uint64_t hash = hash_bytes(key.p, key.n);
    unsigned slot = 0;
    struct map_item *item = find(m, key, hash, &slot);

    if (item != NULL) {
        void *was = item->value;

        item->value = value;
        return was;
    }
    if (m->used == m->cap) {
        grow(m);
        find(m, key, hash, &slot);
    }
    m->items[m->used] = (struct map_item){ { str_dupz(key), key.n }, value, hash };
    m->index[slot] = ++m->used;
    m->n++;
    return NULL;
}

void *map_remove(struct map *m, struct sc_str key)
{
    unsigned slot;
    struct map_item *item = m->n == 0 ? NULL : find(m, key, hash_bytes(key.p, key.n), &slot);
    void *was;

    if (item == NULL)
        return NULL;
    was = item->value;
    free((char *)item->key.p);
    item->key = STR_NONE;                            /* the index keeps pointing at it: a tombstone */
    item->value = NULL;
    m->n--;
    return was;
}

struct map_item *map_next(const struct map *m, unsigned *i)
{
    while (*i < m->used) {
        struct map_item *item = &m->items[(*i)++];

        if (item->key.p != NULL)
            return item;
    }
    return NULL;
}
