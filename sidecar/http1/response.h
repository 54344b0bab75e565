/* sidecar/http1/response.h - the strict reader of response heads (RFC 9112, as a client).
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads from a contiguous buffer that the caller fills; names, values and the reason are views into it. Incremental: a
 * line is judged once its end is there, so any split of the bytes gives the same verdict, and no byte is read twice but
 * those of an unfinished line. One thread. */
#pragma once

#include "base/str.h"
#include "http/headers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum response_error {
    RESPONSE_MORE = 0,          /* not an error: the head is not complete */
    RESPONSE_TOO_LARGE = -1,    /* more bytes or fields than the limits allow */
    RESPONSE_BAD_VERSION = -2,  /* does not begin with HTTP/1. */
    RESPONSE_BAD_STATUS = -3,   /* the rest of the status line */
    RESPONSE_BAD_FIELD = -4,    /* name or value with a forbidden byte, folding, space before the colon */
    RESPONSE_BAD_LINE = -5,     /* bare CR or bare LF */
    RESPONSE_BAD_LENGTH = -6,   /* Content-Length that is no number, too large, or there twice */
    RESPONSE_BAD_CODING = -7,   /* Transfer-Encoding that is not exactly chunked, there twice, or in HTTP/1.0 */
    RESPONSE_CONFLICT = -8,     /* both Content-Length and Transfer-Encoding */
    RESPONSE_BAD_UPGRADE = -9,  /* 101 that nobody asked for */
    RESPONSE_TOO_MANY = -10,    /* interim responses */
};

enum response_body {
    BODY_NONE,                  /* the message ends with its head */
    BODY_LENGTH,                /* content_length bytes follow, at least 1 */
    BODY_CHUNKED,               /* chunked.h */
    BODY_CLOSE,                 /* until the connection closes; whether it is complete cannot be known */
};

struct response_limits {
    uint32_t head_max;          /* bytes of a head */
    uint16_t fields_max;
    uint8_t interim_max;        /* 1xx responses before the final one */
};

#define RESPONSE_LIMITS_DEFAULT { .head_max = 8192, .fields_max = 200, .interim_max = 16 }

struct response {
    /* set by response_init, or by the caller after it */
    bool head_request;          /* the request was HEAD */
    bool upgrade_asked;         /* the request asked for an upgrade: 101 is an answer */
    bool spoiled;               /* an interim response before it forbids that the connection is used again */
    /* the result; whole once response_parse returned > 0 */
    uint8_t minor;              /* HTTP/1.minor; later minors count as 1 */
    bool keep_alive;            /* the connection may be used again after this message */
    bool has_length;            /* there was a Content-Length (for HEAD and 304 too) */
    bool chunked;               /* there was a Transfer-Encoding */
    uint16_t status;            /* 100..999 */
    enum response_body body;
    uint64_t content_length;    /* when has_length */
    struct sc_str reason;       /* may be empty */
    struct headers headers;     /* in wire order, all of them: strip with hop.h */
    /* where the reader is */
    uint8_t state, interim, options;
    uint32_t line, scan;        /* start of the line being read; no line end before this */
    uintptr_t base;             /* where the buffer was */
};

/* Before each request. The list of fields uses `first` (room for cap), then the arena. */
void response_init(struct response *r, struct arena *arena, struct header *first, unsigned cap, bool head_request,
                   bool upgrade_asked);

/* Reads on in buf[0..n): the same bytes as before at the start, and perhaps more behind them; the buffer may have moved.
 * > 0: the length of the head; < 0: enum response_error; 0: call again when more has come. */
int response_parse(struct response *r, const char *buf, size_t n, const struct response_limits *limits);

/* After an interim response (1xx but 101): begins the next head; the caller drops the head from the buffer. False when
 * there were too many. */
bool response_next(struct response *r, const struct response_limits *limits);

static inline bool response_is_interim(const struct response *r)
{
    return r->status < 200 && r->status != 101;
}

/* A static sentence for logs and problem details. */
const char *response_error_text(int error);
