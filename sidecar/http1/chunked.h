/* sidecar/http1/chunked.h - the chunked coding (RFC 9112 7.1), strictly.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The decoder copies no data: it points at the runs of payload inside the bytes it is given. Lines end in CRLF, sizes
 * are 1 to 16 hex digits, extensions are skipped up to a limit, trailers are checked like header fields and kept apart
 * from them. Any split of the bytes gives the same payload and verdict. One thread. */
#pragma once

#include "base/str.h"
#include "http/headers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunked_limits {
    uint32_t trailer_max;       /* bytes of the trailer section */
    uint16_t fields_max;        /* trailer fields */
    uint16_t extension_max;     /* bytes of one chunk extension */
};

#define CHUNKED_LIMITS_DEFAULT { .trailer_max = 8192, .fields_max = 100, .extension_max = 1024 }

enum chunked_result {
    CHUNKED_MORE,               /* everything was used up; the body goes on */
    CHUNKED_DATA,               /* *data is the next run of payload */
    CHUNKED_END,                /* the body and its trailers are complete; what is left belongs to the next message */
    CHUNKED_BAD,                /* malformed, or over a limit: nothing that follows can be trusted */
};

struct chunked {
    uint8_t state, digits;
    uint16_t extension;
    uint64_t left;              /* of this chunk */
    uint64_t payload;           /* bytes of data given out so far */
    char *line;                 /* trailer section so far, in the arena */
    uint32_t line_n, line_at, line_cap;
    uint16_t fields;
    struct headers *trailers;   /* NULL: check and drop them */
    struct arena *arena;
};

/* Trailer fields go to `trailers` (initialised by the caller; views into the arena), or nowhere when it is NULL. */
void chunked_init(struct chunked *c, struct headers *trailers, struct arena *arena);

/* Looks at n bytes; *used says how many of them are dealt with (data included). Call again with the rest after
 * CHUNKED_DATA. */
enum chunked_result chunked_decode(struct chunked *c, const char *in, size_t n, size_t *used, struct sc_str *data,
                                   const struct chunked_limits *limits);

/* The line before n bytes of data (n > 0); behind the data comes CHUNKED_CRLF. Returns its length. */
#define CHUNKED_HEAD_MAX 18
size_t chunked_head(char to[CHUNKED_HEAD_MAX], uint64_t n);
#define CHUNKED_CRLF "\r\n"
/* The end without trailers. */
#define CHUNKED_LAST "0\r\n\r\n"
