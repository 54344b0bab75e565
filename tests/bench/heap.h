/* tests/bench/heap.h - a binary heap: who is due first.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Inside what is due; zeroed: in no heap. */
struct heap_node {
    uint64_t at;
    size_t place; /* 1.. */
};

struct heap {
    struct heap_node **nodes;
    size_t len, size;
};

void heap_add(struct heap *h, struct heap_node *n);
/* Nothing when it is in no heap. */
void heap_del(struct heap *h, struct heap_node *n);
/* The one with the lowest at, or NULL. */
struct heap_node *heap_first(const struct heap *h);
