/* tests/fuzz/fuzz_ws_frame.c - a WebSocket stream, however it is cut, as a plain reader of the whole would read it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: where to cut, then the stream. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "http/ws_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The stream frame by frame (RFC 6455 5.2): does it end between two, with no Close frame begun? A frame's kind counts once
 * its head is whole. */
static bool plain_between(const uint8_t *p, uint64_t n)
{
    uint64_t at = 0, length;
    bool closed = false;

    while (at < n) {
        unsigned extra, head;

        if (n - at < 2)
            return false;
        extra = (p[at + 1] & 127) == 126 ? 2 : (p[at + 1] & 127) == 127 ? 8 : 0;
        head = 2 + extra;
        if (n - at < head)
            return false;
        length = extra == 0 ? p[at + 1] & 127 : 0;
        for (unsigned i = 0; i < extra; i++)
            length = length << 8 | p[at + 2 + i];
        closed |= (p[at] & 15) == 8;
        at += head;
        if (p[at - head + 1] & 128) {
            if (n - at < 4)
                return false;
            at += 4;
        }
        if (length > n - at)
            return false;
        at += length;
    }
    return !closed;
}

static struct ws_frame follow(const char *p, size_t n, size_t first, size_t step)
{
    struct ws_frame f = { 0 };

    for (size_t at = 0, k = first; at < n; at += k, k = step) {
        if (k > n - at)
            k = n - at;
        ws_frame_feed(&f, p + at, k);
        assert(f.have < sizeof f.head && (f.have == 0 || f.left == 0));
    }
    return f;
}

/* A Close frame of ours is one whole frame, wherever one may be put. */
static void check_close(struct ws_frame f, uint8_t key)
{
    const unsigned char mask[4] = { key, (unsigned char)(key + 1), 0, 255 };
    char frame[WS_CLOSE_MAX];
    size_t n = ws_frame_close(frame, WS_GOING_AWAY, (key & 1) != 0 ? mask : NULL);

    assert(n == ((key & 1) != 0 ? 8 : 4));
    ws_frame_feed(&f, frame, n);
    assert(f.have == 0 && f.left == 0 && f.closed && !ws_frame_between(&f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *in = (const char *)data + 1;
    struct ws_frame whole, cut;

    if (size < 1)
        return 0;
    whole = follow(in, size - 1, size, size);
    assert(ws_frame_between(&whole) == plain_between(data + 1, size - 1));
    for (size_t step = 1; step < 16; step += 6) {
        cut = follow(in, size - 1, data[0] + 1u, step);
        assert(cut.have == whole.have && cut.left == whole.left && cut.closed == whole.closed);
        assert(memcmp(cut.head, whole.head, cut.have) == 0);
    }
    if (ws_frame_between(&whole))
        check_close(whole, data[0]);
    return 0;
}
