/* sidecar/http/hop.c - fields that end at this hop (RFC 9110 7.6.1).
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/hop.h"

#define BIT(id) (1ULL << (HDR_##id & 63))
#define IN(word, id) (HDR_##id >> 6 == (word) ? BIT(id) : 0)

/* One row per field, as a bit in the list of its word (struct headers.seen). */
#define HOP_FIELDS(w)                                                                        \
    (IN(w, CONNECTION) | IN(w, KEEP_ALIVE) | IN(w, PROXY_CONNECTION) | IN(w, TE) | IN(w, TRAILER) |   \
     IN(w, TRANSFER_ENCODING) | IN(w, UPGRADE) | IN(w, HTTP2_SETTINGS) | IN(w, PROXY) |      \
     IN(w, PROXY_AUTHENTICATE) | IN(w, PROXY_AUTHENTICATION_INFO) | IN(w, PROXY_AUTHORIZATION))

#define PROTECTED_FIELDS(w)                                                                  \
    (IN(w, HOST) | IN(w, CONTENT_LENGTH) | IN(w, TRANSFER_ENCODING) | IN(w, CONTENT_TYPE) |  \
     IN(w, CONTENT_ENCODING) | IN(w, CONTENT_RANGE) | IN(w, AUTHORIZATION) | IN(w, WWW_AUTHENTICATE) | \
     IN(w, COOKIE) | IN(w, SET_COOKIE) | IN(w, FORWARDED) | IN(w, VIA) | IN(w, X_FORWARDED_FOR) |      \
     IN(w, X_FORWARDED_PROTO) | IN(w, X_FORWARDED_HOST) | IN(w, X_FORWARDED_PORT) |          \
     IN(w, X_FORWARDED_PREFIX) | IN(w, X_REAL_IP) | IN(w, X_REQUEST_ID) | IN(w, DATE) |      \
     IN(w, CACHE_CONTROL) | IN(w, EXPIRES) | IN(w, AGE) | IN(w, VARY) | IN(w, ETAG) |        \
     IN(w, RANGE) | IN(w, IF_MATCH) | IN(w, IF_NONE_MATCH) | IN(w, IF_MODIFIED_SINCE) |      \
     IN(w, IF_UNMODIFIED_SINCE) | IN(w, IF_RANGE) | IN(w, ORIGIN) | IN(w, AC_REQUEST_METHOD) |         \
     IN(w, AC_REQUEST_HEADERS) | IN(w, AC_ALLOW_ORIGIN) | IN(w, AC_ALLOW_METHODS) |          \
     IN(w, AC_ALLOW_HEADERS) | IN(w, AC_ALLOW_CREDENTIALS) | IN(w, MAX_FORWARDS) | IN(w, PROXY_STATUS) | \
     IN(w, CACHE_STATUS) | IN(w, STRICT_TRANSPORT_SECURITY) | IN(w, CONTENT_SECURITY_POLICY) |         \
     IN(w, X_CONTENT_TYPE_OPTIONS) | IN(w, X_FRAME_OPTIONS) | IN(w, TRACEPARENT) |           \
     IN(w, TRACESTATE) | IN(w, B3) | IN(w, X_B3_TRACEID) | IN(w, X_B3_SPANID) | IN(w, X_B3_SAMPLED))

static const uint64_t hop_fields[2] = { HOP_FIELDS(0), HOP_FIELDS(1) };
static const uint64_t protected_fields[2] = { PROTECTED_FIELDS(0), PROTECTED_FIELDS(1) };

static bool is_in(const uint64_t set[2], enum hdr id)
{
    return (set[id >> 6 & 1] >> (id & 63) & 1) != 0;
}

bool hop_is_hop(enum hdr id)
{
    return is_in(hop_fields, id);
}

bool hop_is_protected(enum hdr id)
{
    return is_in(protected_fields, id);
}

/* Nobody names more; it bounds the work that a list of names against a list of fields can cause. */
#define NAMES_MAX 128

/* The members of one Connection field that are names of fields. */
static void strip_named(struct headers *h, struct sc_str list, unsigned *left)
{
    struct sc_str name;

    while (*left > 0 && http_list_next(&list, &name)) {
        enum hdr id = hdr_id(name.p, name.n);

        --*left;
        if (id == HDR_OTHER)
            headers_remove_name(h, name);
        else if (!hop_is_protected(id) && !hop_is_hop(id))
            headers_remove(h, id);
    }
}

static bool has_member(const struct headers *h, enum hdr id, struct sc_str token)
{
    for (struct header *f = headers_first(h, id); f != NULL; f = headers_next(h, f, id))
        if (http_list_has(f->value, token))
            return true;
    return false;
}

/* Keep-Alive: timeout=5, max=100. */
static uint32_t keep_alive_timeout(const struct headers *h)
{
    struct header *f = headers_first(h, HDR_KEEP_ALIVE);
    struct sc_str rest = f != NULL ? f->value : STR_NONE, item;
    unsigned long long seconds;

    while (http_list_next(&rest, &item))
        if (item.n > 8 && str_ieq((struct sc_str){ item.p, 8 }, STR("timeout=")) && str_u64(str_skip(item, 8), &seconds))
            return seconds < 86400 ? (uint32_t)seconds : 86400;
    return 0;
}

static void read_options(const struct headers *h, unsigned options, struct hop *hop)
{
    struct header *upgrade = headers_first(h, HDR_UPGRADE);

    hop->close = (options & CONNECTION_CLOSE) != 0;
    hop->keep_alive = (options & CONNECTION_KEEP_ALIVE) != 0;
    hop->te_trailers = (options & CONNECTION_TE) != 0 && has_member(h, HDR_TE, STR("trailers"));
    hop->upgrade = (options & CONNECTION_UPGRADE) != 0 && upgrade != NULL;
    if (hop->upgrade)
        hop->upgrade_to = upgrade->value;
    if (headers_may_have(h, HDR_KEEP_ALIVE))
        hop->keep_alive_s = keep_alive_timeout(h);
}

void hop_strip(struct headers *h, struct hop *hop)
{
    unsigned options, left = NAMES_MAX;

    *hop = (struct hop){ 0 };
    if (((h->seen[0] & hop_fields[0]) | (h->seen[1] & hop_fields[1])) == 0)
        return;
    options = connection_options(h);
    read_options(h, options, hop);
    if (options & CONNECTION_OTHER)
        for (struct header *f = headers_first(h, HDR_CONNECTION); f != NULL; f = headers_next(h, f, HDR_CONNECTION))
            strip_named(h, f->value, &left);
    for (unsigned i = 0; i < h->n; i++)
        h->at[i].gone |= hop_is_hop((enum hdr)h->at[i].id);
}
