/* sidecar/base/map.h - strings to pointers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Keys are copied; values are the caller's. The hash is seeded per process (SipHash-1-3), so strangers' keys do not
 * collide on purpose. One thread, or read-only. Iteration is in order of insertion. */
#pragma once

#include "base/str.h"

#include <stdint.h>

struct map_item {
    struct sc_str key;      /* NUL-terminated */
    void *value;
    uint64_t hash;
};

struct map {
    struct map_item *items; /* in order of insertion; key.p == NULL: removed */
    unsigned n, used, cap;  /* members, filled items, room */
    unsigned *index;        /* position + 1 */
    unsigned mask;
};

#define MAP_INIT { NULL, 0, 0, 0, NULL, 0 }

/* Frees keys and the table, not the values. */
void map_fini(struct map *m);
void *map_get(const struct map *m, struct sc_str key);
/* Returns the value that stood there before, or NULL. */
void *map_put(struct map *m, struct sc_str key, void *value);
/* Returns the value taken out, or NULL. */
void *map_remove(struct map *m, struct sc_str key);

/* for (unsigned i = 0; (item = map_next(m, &i)) != NULL;) */
struct map_item *map_next(const struct map *m, unsigned *i);

uint64_t hash_bytes(const void *p, size_t n);
