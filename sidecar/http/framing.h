/* sidecar/http/framing.h - the strict check of a client's bytes, before any parser sees them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure and incremental: no input or output, no allocation, any split of the bytes gives the same verdict. What it lets
 * through is a sequence of HTTP/1 requests that every RFC 9112 parser frames alike. One per connection, one thread. */
#pragma once

#include "base/str.h"
#include "http/headers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest value of Host, Connection, Content-Length and Transfer-Encoding, and the longest authority in an
 * absolute-form target, is one less; longer is 400. */
#define FRAMING_VALUE_MAX 256
/* Longer methods are 501 (RFC 9112 3). */
#define FRAMING_METHOD_MAX 24

struct framing_limits {
    uint32_t head_max;          /* bytes of request line and fields, and again of trailers: 431 */
    uint32_t target_max;        /* bytes of the request target: 414; also when head_max ends inside it */
    uint16_t fields_max;        /* number of fields, and again of trailer fields: 431 */
    uint16_t extension_max;     /* bytes of one chunk extension: 400 */
    bool extensions;            /* also on chunks that are not the last one (else 400), as the library behind this reads
                                 * them; mhdpump_reads_extensions() */
};

#define FRAMING_LIMITS_DEFAULT { .head_max = 8192, .target_max = 8192, .fields_max = 200, .extension_max = 256 }

enum framing_phase {
    FRAMING_IDLE,               /* between requests; nothing of the next one is here */
    FRAMING_HEAD,               /* inside a request head: the header deadline runs */
    FRAMING_BODY,               /* inside a request body: the body deadline runs */
    FRAMING_HELD,               /* an upgrade was asked for: later bytes wait for the answer */
    FRAMING_ENDED,              /* nothing more will be delivered: the last request was the last, or a violation */
};

/* What verdict says beside a status (400, 414, 431, 501, 505). */
#define FRAMING_GOOD  0
#define FRAMING_CLOSE (-1)      /* bytes follow a request that ended the connection: drop them */

/* Cookie fields of one feed whose place is kept; nobody needs more (RFC 6265 5.4: one). */
#define FRAMING_COOKIES 4

struct framing {
    uint8_t state, field;
    uint8_t form, form_pos;     /* of the target */
    bool minor, trailer, host, chunked, has_length, close, keep_alive, upgrade, connection_upgrade, crlf_skipped,
         other_version;
    uint8_t version_pos, method_len, name_len;
    uint16_t value_len, fields, extension, digits;
    uint32_t head, target;      /* bytes so far */
    uint64_t left, length;      /* of the chunk or body; Content-Length */
    uint32_t requests;          /* complete requests so far */
    int16_t verdict;            /* FRAMING_GOOD, FRAMING_CLOSE or a status */
    const struct framing_limits *limits;
    char method[8], name[20], value[FRAMING_VALUE_MAX];
    /* Of the last feed: where in its bytes the name of a Cookie ended (its last byte), or may have when the bytes did. */
    uint8_t cookies;
    uint32_t cookie[FRAMING_COOKIES];
};

/* A new connection. `limits` must outlive it. */
void framing_init(struct framing *f, const struct framing_limits *limits);

/* Checks n bytes; returns how many of them, from the start, may be delivered now. That is n while all is well, and less
 *  - at a violation: verdict is the status to answer; what may be delivered ends with the last complete request;
 *  - behind a request that ends the connection: verdict is FRAMING_CLOSE;
 *  - behind a request that asks for an upgrade: verdict stays FRAMING_GOOD and framing_phase is FRAMING_HELD. Keep the
 *    rest; feed it again after framing_release(), or hand it to the tunnel. */
size_t framing_feed(struct framing *f, const char *bytes, size_t n);

enum framing_phase framing_phase(const struct framing *f);
/* Behind the head of a request with a body: whether anything of the body has come. */
bool framing_body_begun(const struct framing *f);
/* The held request was answered without an upgrade: the next byte begins a request. */
void framing_release(struct framing *f);

/* The same rules over a head that a library has parsed, for builds in which nothing stands before its parser: what the
 * library hides (bare LF, NUL, folding) cannot be seen here. `version` is "HTTP/1.1". 0 or the status to answer. */
unsigned framing_check_parsed(struct sc_str method, struct sc_str target, struct sc_str version,
                              const struct headers *fields);
