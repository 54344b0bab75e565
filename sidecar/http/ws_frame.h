/* sidecar/http/ws_frame.h - where the frames of a WebSocket stream begin and end (RFC 6455 5.2).
 * SPDX-License-Identifier: Apache-2.0
 *
 * Follows one direction of an upgraded connection as its bytes pass, whatever the split, so that a frame of our own is put
 * between two others and never into one. Payloads are neither read nor judged. Pure; one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws_frame {
    uint64_t left;              /* bytes of the frame that are still to come, once its head is here */
    uint8_t have;               /* bytes of its head */
    bool closed;                /* a Close frame has begun: nothing may follow it */
    unsigned char head[10];     /* without the masking key */
};

enum { WS_GOING_AWAY = 1001, WS_CLOSE_MAX = 8 };

/* Zeroed memory is the beginning of a stream. */
void ws_frame_feed(struct ws_frame *f, const char *p, size_t n);

/* Another frame may be sent now. Control frames may stand within a message of several frames (RFC 6455 5.4). */
static inline bool ws_frame_between(const struct ws_frame *f)
{
    return f->have == 0 && f->left == 0 && !f->closed;
}

/* Writes a Close frame; how long it is. `mask`: the four bytes of a client's masking key, NULL for a server's frame. */
size_t ws_frame_close(char to[WS_CLOSE_MAX], unsigned code, const unsigned char *mask);
