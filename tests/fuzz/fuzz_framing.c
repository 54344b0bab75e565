/* tests/fuzz/fuzz_framing.c - however requests are cut, the strict check says the same; what passed passes again.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: two bytes that say where to cut, then the client's bytes. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct framing_limits limits = { 256, 64, 6, 16, true };

struct outcome {
    int verdict;
    size_t delivered;
    uint32_t requests;
    enum framing_phase phase;
};

static size_t feed(struct framing *f, const char *p, size_t n)
{
    char *copy = malloc(n != 0 ? n : 1);
    size_t delivered;

    assert(copy != NULL);
    memcpy(copy, p, n);
    delivered = framing_feed(f, copy, n);
    free(copy);
    assert(delivered <= n);
    return delivered;
}

/* In pieces of `first`, then `step` bytes each. */
static struct outcome run(const char *in, size_t n, size_t first, size_t step)
{
    struct framing f;
    struct outcome o = { 0 };
    size_t at = 0;

    memset(&f, 0xee, sizeof f);
    framing_init(&f, &limits);
    while (at < n && f.verdict == 0 && framing_phase(&f) != FRAMING_HELD) {
        size_t want = at == 0 && first > 0 ? first : step, piece = n - at < want ? n - at : want;

        o.delivered += feed(&f, in + at, piece);
        at += piece;
    }
    o.verdict = f.verdict;
    o.requests = f.requests;
    o.phase = framing_phase(&f);
    return o;
}

static void agree(struct outcome whole, struct outcome cut)
{
    assert(whole.verdict == cut.verdict && whole.requests == cut.requests && whole.phase == cut.phase);
    assert(whole.verdict > 0 ? cut.delivered >= whole.delivered : cut.delivered == whole.delivered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *in = (const char *)data + 2;
    struct outcome whole, again;
    size_t n = size - 2;

    if (size < 2)
        return 0;
    whole = run(in, n, 0, n);
    agree(whole, run(in, n, data[0], n));
    agree(whole, run(in, n, data[0], 1u + data[1]));
    agree(whole, run(in, n, 0, 1));
    again = run(in, whole.delivered, 0, whole.delivered);
    assert(again.verdict == 0 && again.delivered == whole.delivered && again.requests == whole.requests);
    return 0;
}
