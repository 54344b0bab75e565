/* sidecar/http/headers.h - header fields: names known by number, and ordered lists of fields.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One thread at a time. Names and values are borrowed: they live as long as the buffer or arena they were taken from.
 * A list keeps wire order and duplicates; a removed field stays in place, marked `gone`. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(ID, name as we write it, two of its letters in lower case: the third and the last but one). The letters spread the
 * names over the table in headers.c; two names on one slot are a compile-time warning there. */
#define HDR_LIST(X)                                                                          \
    X(HOST, "Host", 's', 's')                                                                \
    X(CONNECTION, "Connection", 'n', 'o')                                                    \
    X(KEEP_ALIVE, "Keep-Alive", 'e', 'v')                                                    \
    X(TE, "TE", 'e', 't')                                                                    \
    X(TRAILER, "Trailer", 'a', 'e')                                                          \
    X(TRANSFER_ENCODING, "Transfer-Encoding", 'a', 'n')                                      \
    X(UPGRADE, "Upgrade", 'g', 'd')                                                          \
    X(HTTP2_SETTINGS, "HTTP2-Settings", 't', 'g')                                            \
    X(PROXY, "Proxy", 'o', 'x')                                                              \
    X(PROXY_CONNECTION, "Proxy-Connection", 'o', 'o')                                        \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 'o', 't')                                    \
    X(PROXY_AUTHENTICATION_INFO, "Proxy-Authentication-Info", 'o', 'f')                      \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization", 'o', 'o')                                  \
    X(PROXY_STATUS, "Proxy-Status", 'o', 'u')                                                \
    X(CACHE_STATUS, "Cache-Status", 'c', 'u')                                                \
    X(CONTENT_LENGTH, "Content-Length", 'n', 't')                                            \
    X(CONTENT_TYPE, "Content-Type", 'n', 'p')                                                \
    X(CONTENT_ENCODING, "Content-Encoding", 'n', 'n')                                        \
    X(CONTENT_LANGUAGE, "Content-Language", 'n', 'g')                                        \
    X(CONTENT_LOCATION, "Content-Location", 'n', 'o')                                        \
    X(CONTENT_DISPOSITION, "Content-Disposition", 'n', 'o')                                  \
    X(CONTENT_RANGE, "Content-Range", 'n', 'g')                                              \
    X(CONTENT_SECURITY_POLICY, "Content-Security-Policy", 'n', 'c')                          \
    X(DATE, "Date", 't', 't')                                                                \
    X(SERVER, "Server", 'r', 'e')                                                            \
    X(VIA, "Via", 'a', 'i')                                                                  \
    X(FORWARDED, "Forwarded", 'r', 'e')                                                      \
    X(X_FORWARDED_FOR, "X-Forwarded-For", 'f', 'o')                                          \
    X(X_FORWARDED_PROTO, "X-Forwarded-Proto", 'f', 't')                                      \
    X(X_FORWARDED_HOST, "X-Forwarded-Host", 'f', 's')                                        \
    X(X_FORWARDED_PORT, "X-Forwarded-Port", 'f', 'r')                                        \
    X(X_FORWARDED_PREFIX, "X-Forwarded-Prefix", 'f', 'i')                                    \
    X(X_REAL_IP, "X-Real-IP", 'r', 'i')                                                      \
    X(X_REQUEST_ID, "X-Request-ID", 'r', 'i')                                                \
    X(EXPECT, "Expect", 'p', 'c')                                                            \
    X(MAX_FORWARDS, "Max-Forwards", 'x', 'd')                                                \
    X(AUTHORIZATION, "Authorization", 't', 'o')                                              \
    X(WWW_AUTHENTICATE, "WWW-Authenticate", 'w', 't')                                        \
    X(COOKIE, "Cookie", 'o', 'i')                                                            \
    X(SET_COOKIE, "Set-Cookie", 't', 'i')                                                    \
    X(USER_AGENT, "User-Agent", 'e', 'n')                                                    \
    X(REFERER, "Referer", 'f', 'e')                                                          \
    X(ACCEPT, "Accept", 'c', 'p')                                                            \
    X(ACCEPT_CHARSET, "Accept-Charset", 'c', 'e')                                            \
    X(ACCEPT_ENCODING, "Accept-Encoding", 'c', 'n')                                          \
    X(ACCEPT_LANGUAGE, "Accept-Language", 'c', 'g')                                          \
    X(ACCEPT_RANGES, "Accept-Ranges", 'c', 'e')                                              \
    X(CACHE_CONTROL, "Cache-Control", 'c', 'o')                                              \
    X(PRAGMA, "Pragma", 'a', 'm')                                                            \
    X(EXPIRES, "Expires", 'p', 'e')                                                          \
    X(AGE, "Age", 'e', 'g')                                                                  \
    X(VARY, "Vary", 'r', 'r')                                                                \
    X(ETAG, "ETag", 'a', 'a')                                                                \
    X(LAST_MODIFIED, "Last-Modified", 's', 'e')                                              \
    X(IF_MATCH, "If-Match", '-', 'c')                                                        \
    X(IF_NONE_MATCH, "If-None-Match", '-', 'c')                                              \
    X(IF_MODIFIED_SINCE, "If-Modified-Since", '-', 'c')                                      \
    X(IF_UNMODIFIED_SINCE, "If-Unmodified-Since", '-', 'c')                                  \
    X(IF_RANGE, "If-Range", '-', 'g')                                                        \
    X(RANGE, "Range", 'n', 'g')                                                              \
    X(ORIGIN, "Origin", 'i', 'i')                                                            \
    X(AC_REQUEST_METHOD, "Access-Control-Request-Method", 'c', 'o')                          \
    X(AC_REQUEST_HEADERS, "Access-Control-Request-Headers", 'c', 'r')                        \
    X(AC_ALLOW_ORIGIN, "Access-Control-Allow-Origin", 'c', 'i')                              \
    X(AC_ALLOW_METHODS, "Access-Control-Allow-Methods", 'c', 'd')                            \
    X(AC_ALLOW_HEADERS, "Access-Control-Allow-Headers", 'c', 'r')                            \
    X(AC_ALLOW_CREDENTIALS, "Access-Control-Allow-Credentials", 'c', 'l')                    \
    X(AC_EXPOSE_HEADERS, "Access-Control-Expose-Headers", 'c', 'r')                          \
    X(AC_MAX_AGE, "Access-Control-Max-Age", 'c', 'g')                                        \
    X(ALLOW, "Allow", 'l', 'o')                                                              \
    X(LOCATION, "Location", 'c', 'o')                                                        \
    X(RETRY_AFTER, "Retry-After", 't', 'e')                                                  \
    X(STRICT_TRANSPORT_SECURITY, "Strict-Transport-Security", 'r', 't')                      \
    X(X_CONTENT_TYPE_OPTIONS, "X-Content-Type-Options", 'c', 'n')                            \
    X(X_FRAME_OPTIONS, "X-Frame-Options", 'f', 'n')                                          \
    X(SEC_WEBSOCKET_KEY, "Sec-WebSocket-Key", 'c', 'e')                                      \
    X(SEC_WEBSOCKET_ACCEPT, "Sec-WebSocket-Accept", 'c', 'p')                                \
    X(SEC_WEBSOCKET_PROTOCOL, "Sec-WebSocket-Protocol", 'c', 'o')                            \
    X(SEC_WEBSOCKET_EXTENSIONS, "Sec-WebSocket-Extensions", 'c', 'n')                        \
    X(SEC_WEBSOCKET_VERSION, "Sec-WebSocket-Version", 'c', 'o')                              \
    X(TRACEPARENT, "traceparent", 'a', 'n')                                                  \
    X(TRACESTATE, "tracestate", 'a', 't')                                                    \
    X(BAGGAGE, "baggage", 'g', 'g')                                                          \
    X(B3, "b3", '3', 'b')                                                                    \
    X(X_B3_TRACEID, "X-B3-TraceId", 'b', 'i')                                                \
    X(X_B3_SPANID, "X-B3-SpanId", 'b', 'i')                                                  \
    X(X_B3_SAMPLED, "X-B3-Sampled", 'b', 'e')

enum hdr {
    HDR_OTHER,                  /* a name that is not in the list */
#define HDR_ENUM(id, name, a, b) HDR_##id,
    HDR_LIST(HDR_ENUM)
#undef HDR_ENUM
    HDR_COUNT
};

/* The number of a name, HDR_OTHER when it is not known. Any bytes are allowed; case does not matter (RFC 9110 5.1). */
enum hdr hdr_id(const char *name, size_t n);
/* The name as we write it; empty for HDR_OTHER. Static. */
struct sc_str hdr_name(enum hdr id);

struct header {
    struct sc_str name, value;  /* value without the spaces around it */
    uint8_t id;                 /* enum hdr */
    bool gone;                  /* removed: skip it */
};

struct headers {
    struct header *at;
    unsigned n, cap;            /* n counts the removed ones too */
    struct arena *arena;        /* where the list grows */
    uint64_t seen[2];           /* bit per id: may be in the list (never cleared by removing) */
};

_Static_assert(HDR_COUNT <= 128, "struct headers.seen has 128 bits");

/* `first` (room for `cap` fields) is used until it is full, then the list moves into the arena; first may be NULL with
 * cap 0. Nothing is to be freed. */
void headers_init(struct headers *h, struct arena *arena, struct header *first, unsigned cap);
/* Empties the list and keeps its room. */
static inline void headers_clear(struct headers *h)
{
    h->n = 0;
    h->seen[0] = h->seen[1] = 0;
}

void headers_grow(struct headers *h);

/* Appends a field whose id is known to the caller (id == hdr_id(name)). Returns it; valid until the next add. */
static inline struct header *headers_put(struct headers *h, enum hdr id, struct sc_str name, struct sc_str value)
{
    struct header *f;

    if (__builtin_expect(h->n == h->cap, 0))
        headers_grow(h);
    f = &h->at[h->n++];
    *f = (struct header){ .name = name, .value = value, .id = (uint8_t)id };
    h->seen[id >> 6 & 1] |= 1ULL << (id & 63);
    return f;
}

/* Appends a field; the caller has validated name and value. */
struct header *headers_add(struct headers *h, struct sc_str name, struct sc_str value);
/* Appends a known field under our spelling. */
struct header *headers_add_id(struct headers *h, enum hdr id, struct sc_str value);

/* False: certainly no field of this (known) id. */
static inline bool headers_may_have(const struct headers *h, enum hdr id)
{
    return (h->seen[id >> 6 & 1] >> (id & 63) & 1) != 0;
}

/* The first field of a known id that is not gone, or NULL; then the next one behind it. id is not HDR_OTHER. */
struct header *headers_scan(const struct headers *h, enum hdr id);
static inline struct header *headers_first(const struct headers *h, enum hdr id)
{
    return headers_may_have(h, id) ? headers_scan(h, id) : NULL;
}
struct header *headers_next(const struct headers *h, const struct header *after, enum hdr id);
/* The same by name, known or not. */
struct header *headers_find(const struct headers *h, struct sc_str name);
struct header *headers_find_next(const struct headers *h, const struct header *after, struct sc_str name);

/* for (unsigned i = 0; (f = headers_each(h, &i)) != NULL;) - the fields that are not gone, in order. */
static inline struct header *headers_each(const struct headers *h, unsigned *i)
{
    while (*i < h->n) {
        struct header *f = &h->at[(*i)++];

        if (!f->gone)
            return f;
    }
    return NULL;
}

/* Marks all fields of this id, or name, as gone. Returns how many there were. */
unsigned headers_remove(struct headers *h, enum hdr id);
unsigned headers_remove_name(struct headers *h, struct sc_str name);
/* Exactly one field of this id, or name: the first one is replaced in place, the others are removed; appended when there
 * was none. */
struct header *headers_set(struct headers *h, enum hdr id, struct sc_str value);
struct header *headers_set_name(struct headers *h, struct sc_str name, struct sc_str value);

/* RFC 9110 5.6.2: one or more token characters. */
bool http_is_token(struct sc_str s);
/* RFC 9110 5.5: no NUL, CR, LF or other control but tab; no space or tab at its ends; may be empty. What passes here can
 * be written into a head. */
bool http_is_value(struct sc_str s);

/* Cuts the next member off a comma-separated list (RFC 9110 5.6.1): without the spaces around it, empty members skipped,
 * commas inside quoted strings not counted. False at the end. */
bool http_list_next(struct sc_str *rest, struct sc_str *item);
/* Whether the list in `value` has the member `token` (case does not matter). */
bool http_list_has(struct sc_str value, struct sc_str token);
/* Appends a member to a list that is written into `to`, where list->p points; the caller has made the room, two bytes
 * more than the member for each. */
void http_list_add(struct sc_str *list, char *to, struct sc_str member);

enum connection_option {
    CONNECTION_CLOSE = 1,
    CONNECTION_KEEP_ALIVE = 2,
    CONNECTION_UPGRADE = 4,
    CONNECTION_TE = 8,
    CONNECTION_OTHER = 16,      /* names fields: see hop.h */
};

/* What one Connection value asks for (RFC 9110 7.6.1): a sum of the above. */
unsigned connection_value(struct sc_str value);
/* The same over all Connection fields of a list, removed ones not counted. */
unsigned connection_options(const struct headers *h);
