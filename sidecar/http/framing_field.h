/* sidecar/http/framing_field.h - the fields that frame a request, and what their values say.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For framing.c and framing_parsed.c only: the members of struct framing that these functions fill are theirs. */
#pragma once

#include "http/chars.h"
#include "http/framing.h"

/* The fields that decide how a message is framed, or whom it is for; and Cookie, whose place is kept. */
enum framing_field {
    FRAMING_FIELD_OTHER, FRAMING_FIELD_HOST, FRAMING_FIELD_LENGTH, FRAMING_FIELD_CODING, FRAMING_FIELD_CONNECTION,
    FRAMING_FIELD_UPGRADE, FRAMING_FIELD_COOKIE,
};

static inline enum framing_field framing_field_of(const char *name, size_t n)
{
    switch (n) {
    case 4:
        return http_same(name, "host", 4) ? FRAMING_FIELD_HOST : FRAMING_FIELD_OTHER;
    case 6:
        return http_same(name, "cookie", 6) ? FRAMING_FIELD_COOKIE : FRAMING_FIELD_OTHER;
    case 7:
        return http_same(name, "upgrade", 7) ? FRAMING_FIELD_UPGRADE : FRAMING_FIELD_OTHER;
    case 10:
        return http_same(name, "connection", 10) ? FRAMING_FIELD_CONNECTION : FRAMING_FIELD_OTHER;
    case 14:
        return http_same(name, "content-length", 14) ? FRAMING_FIELD_LENGTH : FRAMING_FIELD_OTHER;
    case 17:
        return http_same(name, "transfer-encoding", 17) ? FRAMING_FIELD_CODING : FRAMING_FIELD_OTHER;
    default:
        return FRAMING_FIELD_OTHER;
    }
}

/* A field of the head or, when f->trailer, behind the body. 0 or the status to answer. */
int framing_field_value(struct framing *f, enum framing_field field, struct sc_str value);
/* Whether the fields of a whole head go together: RFC 9112 6.3, without its leniencies. Else it is 400. */
bool framing_head_is_sound(const struct framing *f);
