/* tests/bench/heap.c - a binary heap: who is due first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"

#include <stdio.h>
#include <stdlib.h>

static void put(struct heap *h, size_t place, struct heap_node *n)
{
    h->nodes[place - 1] = n;
    n->place = place;
}

static void up(struct heap *h, size_t place, struct heap_node *n)
{
    for (; place > 1 && h->nodes[place / 2 - 1]->at > n->at; place /= 2)
        put(h, place, h->nodes[place / 2 - 1]);
    put(h, place, n);
}

static void down(struct heap *h, size_t place, struct heap_node *n)
{
    for (size_t child = place * 2; child <= h->len; child = place * 2) {
        if (child < h->len && h->nodes[child]->at < h->nodes[child - 1]->at)
            child++;
        if (h->nodes[child - 1]->at >= n->at)
            break;
        put(h, place, h->nodes[child - 1]);
        place = child;
    }
    put(h, place, n);
}

static void grow(struct heap *h)
{
    h->size = h->size != 0 ? h->size * 2 : 1024;
    h->nodes = realloc(h->nodes, h->size * sizeof *h->nodes);
    if (h->nodes == NULL) {
        perror("heap");
        exit(70);
    }
}

void heap_add(struct heap *h, struct heap_node *n)
{
    if (h->len == h->size)
        grow(h);
    up(h, ++h->len, n);
}

void heap_del(struct heap *h, struct heap_node *n)
{
    size_t place = n->place;
    struct heap_node *last;

    if (place == 0)
        return;
    last = h->nodes[--h->len];
    n->place = 0;
    if (last == n)
        return;
    if (place > 1 && h->nodes[place / 2 - 1]->at > last->at)
        up(h, place, last);
    else
        down(h, place, last);
}

struct heap_node *heap_first(const struct heap *h)
{
    return h->len != 0 ? h->nodes[0] : NULL;
}
