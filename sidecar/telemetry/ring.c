/* sidecar/telemetry/ring.c - lines on their way from one thread to another.
 * SPDX-License-Identifier: Apache-2.0 */
#include "telemetry/ring.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

/* Records start at multiples of its size, so that a header never lies around the corner. */
struct header {
    void *to;
    size_t n;
};

static size_t record_size(size_t n)
{
    return (sizeof(struct header) + n + sizeof(struct header) - 1) & ~(sizeof(struct header) - 1);
}

void ring_init(struct ring *r, size_t size)
{
    assert(size >= 64 && (size & (size - 1)) == 0);
    r->memory = xmalloc(size);
    r->size = size;
    r->tail_seen = 0;
    atomic_init(&r->head, 0);
    atomic_init(&r->tail, 0);
}

void ring_fini(struct ring *r)
{
    free(r->memory);
    r->memory = NULL;
}

bool ring_put(struct ring *r, void *to, const char *line, size_t n, size_t *used)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed), need = record_size(n);
    size_t at = (head + sizeof(struct header)) & (r->size - 1), first = r->size - at;
    struct header h = { to, n };

    *used = head - r->tail_seen + need;
    if (*used > r->size / 4) {
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        *used = head - r->tail_seen + need;
        if (*used > r->size)
            return false;
    }
    memcpy(r->memory + (head & (r->size - 1)), &h, sizeof h);
    if (first >= n) {
        memcpy(r->memory + at, line, n);
    } else {
        memcpy(r->memory + at, line, first);
        memcpy(r->memory, line + first, n - first);
    }
    /* In one order with the consumer's "nothing there, I sleep" (see writer_put): not only a release. */
    atomic_store(&r->head, head + need);
    return true;
}

struct ring_record ring_at(const struct ring *r, size_t at)
{
    size_t from = (at + sizeof(struct header)) & (r->size - 1), first = r->size - from;
    struct header h;

    memcpy(&h, r->memory + (at & (r->size - 1)), sizeof h);
    if (first >= h.n)
        first = h.n;
    return (struct ring_record){ h.to, { { r->memory + from, first }, { r->memory, h.n - first } },
                                 at + record_size(h.n) };
}
