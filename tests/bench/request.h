/* tests/bench/request.h - reads requests for the origin: heads, and bodies that are counted and dropped.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_HEAD_LIMIT 16384u

enum request_phase {
    REQUEST_HEAD, /* zeroed: before or in a head */
    REQUEST_BODY, REQUEST_CHUNK_SIZE, REQUEST_CHUNK_DATA, REQUEST_CHUNK_END, REQUEST_TRAILER,
    REQUEST_DONE, /* the caller answers, and sets it back to REQUEST_HEAD */
    REQUEST_BAD,
};

struct request {
    enum request_phase phase;
    bool closing;         /* after the answer */
    bool had_digit;       /* of a chunk size */
    bool line_has;        /* the trailer line is not empty */
    uint64_t left;        /* of the body or of the chunk */
    uint64_t seen;        /* bytes of body */
    const char *target;   /* set when a head was read: inside the bytes that were given; the caller clears it */
    size_t target_len;
};

/* Takes some of the n > 0 bytes; how many. 0: the head is not yet whole, come again with more behind these. */
size_t request_take(struct request *r, const char *p, size_t n);
