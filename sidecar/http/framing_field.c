/* sidecar/http/framing_field.c - what the fields say that frame a request.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/framing_field.h"

#include "http/uri.h"

static int host_value(struct framing *f, struct sc_str v)
{
    if (f->host || !uri_is_authority(str_trim(v)))
        return 400;
    f->host = true;
    return 0;
}

/* Digits and nothing else: blanks behind them, which RFC 9112 would allow, are an error to some parsers. */
static int length_value(struct framing *f, struct sc_str v)
{
    unsigned long long length;

    if (f->has_length || v.n > 18 || !str_u64(v, &length))
        return 400;
    f->has_length = true;
    f->length = length;
    return 0;
}

/* The status of codings that are not just `chunked`. 501 says that one is unknown (RFC 9112 6.1); that can only be said
 * where chunked is the last: else nobody knows where the body ends, and it MUST be 400 (6.3). */
static int coding_status(struct sc_str v)
{
    bool chunked = false, others = false;
    struct sc_str coding;

    while (!chunked && http_list_next(&v, &coding)) {
        chunked = str_ieq(coding, STR("chunked"));
        others |= !chunked;
    }
    return chunked && others && !http_list_next(&v, &coding) ? 501 : 400;
}

/* Blanks behind the name are refused for the same reason: libmicrohttpd 0.9.75 would read a body without end. */
static int coding_value(struct framing *f, struct sc_str v)
{
    if (f->chunked || (v.n > 0 && http_trim_end(v.p, v.p + v.n) != v.p + v.n))
        return 400;
    if (v.n != 7 || !str_ieq(v, STR("chunked")))
        return coding_status(v);
    f->chunked = true;
    return 0;
}

/* Naming a field that frames or routes the message as hop-by-hop is an attempt to have it removed on the way. Not so
 * Transfer-Encoding: it belongs to the connection anyway, some clients name it, and no proxy goes by that. */
static bool is_attack(struct sc_str option)
{
    enum framing_field field = framing_field_of(option.p, option.n);

    return field == FRAMING_FIELD_LENGTH || field == FRAMING_FIELD_HOST;
}

static int connection_field(struct framing *f, struct sc_str v)
{
    unsigned options = connection_value(v);
    struct sc_str option;

    if (options & CONNECTION_OTHER)
        for (struct sc_str rest = v; http_list_next(&rest, &option);)
            if (is_attack(option))
                return 400;
    f->close |= (options & CONNECTION_CLOSE) != 0;
    f->keep_alive |= (options & CONNECTION_KEEP_ALIVE) != 0;
    f->connection_upgrade |= (options & CONNECTION_UPGRADE) != 0;
    return 0;
}

int framing_field_value(struct framing *f, enum framing_field field, struct sc_str v)
{
    if (f->trailer)             /* RFC 9110 6.5.1: framing and routing have no place behind the body */
        return 400;
    switch (field) {
    case FRAMING_FIELD_HOST:
        return host_value(f, v);
    case FRAMING_FIELD_LENGTH:
        return length_value(f, v);
    case FRAMING_FIELD_CODING:
        return coding_value(f, v);
    case FRAMING_FIELD_CONNECTION:
        return connection_field(f, v);
    case FRAMING_FIELD_UPGRADE:
        f->upgrade = true;
        return 0;
    case FRAMING_FIELD_OTHER:
    case FRAMING_FIELD_COOKIE:
        break;
    }
    return 0;
}

bool framing_head_is_sound(const struct framing *f)
{
    if (!f->host && f->minor)
        return false;
    return !f->chunked || (!f->has_length && f->minor);
}
