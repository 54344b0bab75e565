/* sidecar/http/ws_frame.c - where the frames of a WebSocket stream begin and end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/ws_frame.h"

enum { FIN = 0x80, OPCODE = 0x0f, CLOSE = 8, MASKED = 0x80, LENGTH = 0x7f, TWO_BYTES = 126, EIGHT_BYTES = 127 };
enum { MASK_SIZE = 4 };

static unsigned head_size(const struct ws_frame *f)
{
    unsigned length = f->have < 2 ? 0 : f->head[1] & LENGTH;

    return length == TWO_BYTES ? 4 : length == EIGHT_BYTES ? 10 : 2;
}

static void head_complete(struct ws_frame *f)
{
    unsigned size = head_size(f), mask = (f->head[1] & MASKED) != 0 ? MASK_SIZE : 0;
    uint64_t length = 0;

    if (size == 2)
        length = f->head[1] & LENGTH;
    for (unsigned i = 2; i < size; i++)
        length = length << 8 | f->head[i];
    f->left = length > UINT64_MAX - mask ? UINT64_MAX : length + mask;
    f->have = 0;
    f->closed |= (f->head[0] & OPCODE) == CLOSE;
}

void ws_frame_feed(struct ws_frame *f, const char *p, size_t n)
{
    while (n > 0) {
        if (f->left > 0) {
            size_t k = f->left < n ? (size_t)f->left : n;

            f->left -= k;
            p += k;
            n -= k;
            continue;
        }
        f->head[f->have++] = (unsigned char)*p++;
        n--;
        if (f->have >= head_size(f))
            head_complete(f);
    }
}

size_t ws_frame_close(char to[WS_CLOSE_MAX], unsigned code, const unsigned char *mask)
{
    unsigned char said[2] = { (unsigned char)(code >> 8), (unsigned char)code };
    size_t n = 0;

    to[n++] = (char)(FIN | CLOSE);
    to[n++] = (char)((mask != NULL ? MASKED : 0) | sizeof said);
    for (unsigned i = 0; mask != NULL && i < MASK_SIZE; i++)
        to[n++] = (char)mask[i];
    for (unsigned i = 0; i < sizeof said; i++)
        to[n++] = (char)(said[i] ^ (mask != NULL ? mask[i] : 0));
    return n;
}
