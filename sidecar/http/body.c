/* sidecar/http/body.c - a bounded queue of bytes between a source and a sink.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/body.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

#define SMALLEST 4096u

static uint32_t power_of_two(size_t n)
{
    uint32_t size = SMALLEST;

    while (size < n && size < 1u << 30)
        size *= 2;
    return size;
}

void body_init(struct body *b, size_t limit)
{
    *b = (struct body){ .limit = power_of_two(limit) };
}

void body_fini(struct body *b)
{
    free(b->ring);
    b->ring = NULL;
    b->cap = b->at = b->n = 0;
}

size_t body_room(struct body *b)
{
    if (b->ended || b->failed || b->stopped)
        return 0;
    if (b->n == b->limit) {
        b->stopped = true;
        return 0;
    }
    return b->limit - b->n;
}

/* Two runs at most: up to the end of the ring, and from its start. */
static void copy_out(const struct body *b, char *to, size_t n)
{
    size_t first = b->cap - b->at < n ? b->cap - b->at : n;

    memcpy(to, b->ring + b->at, first);
    memcpy(to + first, b->ring, n - first);
}

static void grow(struct body *b, size_t need)
{
    uint32_t cap = power_of_two(need);
    char *ring = xmalloc(cap);

    if (b->n > 0)
        copy_out(b, ring, b->n);
    free(b->ring);
    b->ring = ring;
    b->cap = cap;
    b->at = 0;
}

static void wake_sink(struct body *b)
{
    if (!b->hungry)
        return;
    b->hungry = false;
    if (b->on_data != NULL)
        b->on_data(b);
}

char *body_reserve(struct body *b, size_t want, size_t *got)
{
    size_t room = body_room(b), end, run;

    if (room == 0) {
        *got = 0;
        return NULL;
    }
    if (want > room)
        want = room;
    if (b->n + want > b->cap)
        grow(b, b->n + want);
    end = (b->at + b->n) & (b->cap - 1);
    run = end < b->at ? b->at - end : b->cap - end;
    *got = run < want ? run : want;
    return b->ring + end;
}

void body_commit(struct body *b, size_t n)
{
    assert(n <= b->cap - b->n);
    if (n == 0)
        return;
    b->n += (uint32_t)n;
    b->total += n;
    wake_sink(b);
}

size_t body_push(struct body *b, const char *p, size_t n)
{
    size_t room = body_room(b), done = 0;

    b->stopped |= room > 0 && n > room;
    n = n < room ? n : room;
    if (n == 0)
        return 0;
    if (b->n + n > b->cap)
        grow(b, b->n + n);
    while (done < n) {
        uint32_t end = (b->at + b->n) & (b->cap - 1);
        size_t run = b->cap - end < n - done ? b->cap - end : n - done;

        memcpy(b->ring + end, p + done, run);
        b->n += (uint32_t)run;
        done += run;
    }
    b->total += n;
    wake_sink(b);
    return n;
}

void body_end(struct body *b)
{
    if (b->ended || b->failed)
        return;
    b->ended = true;
    wake_sink(b);
}

void body_fail(struct body *b)
{
    if (b->failed)
        return;
    b->failed = true;
    wake_sink(b);
}

struct sc_str body_peek(struct body *b)
{
    if (b->n == 0) {
        b->hungry = true;
        return STR_NONE;
    }
    return (struct sc_str){ b->ring + b->at, b->cap - b->at < b->n ? b->cap - b->at : b->n };
}

static void wake_source(struct body *b)
{
    if (!b->stopped || b->n > b->limit / 2)
        return;
    b->stopped = false;
    if (!b->ended && !b->failed && b->on_room != NULL)
        b->on_room(b);
}

void body_pull(struct body *b, size_t n)
{
    assert(n <= b->n);
    b->n -= (uint32_t)n;
    b->at = b->n > 0 ? (b->at + (uint32_t)n) & (b->cap - 1) : 0;
    if (b->n == 0 && (b->ended || b->failed || b->cap > SMALLEST))
        body_fini(b);
    wake_source(b);
}

size_t body_read(struct body *b, char *to, size_t n)
{
    if (body_peek(b).n == 0)
        return 0;
    n = n < b->n ? n : b->n;
    copy_out(b, to, n);
    body_pull(b, n);
    return n;
}
