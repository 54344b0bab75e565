/* sidecar/http1/fieldline.h - one "name: value" line, for the readers of heads and of trailers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9112 5, without folding and without blanks before the colon. Any thread. */
#pragma once

#include "http/chars.h"
#include "http1/response.h"

/* > 0: the length of the line with its CRLF; 0: p[..end) ends before the line does; < 0: enum response_error. */
static inline int fieldline(const char *p, const char *end, struct sc_str *name, struct sc_str *value)
{
    const char *colon = http_token_end(p, end), *from, *to;

    if (colon == end)
        return 0;
    if (colon == p || *colon != ':')
        return RESPONSE_BAD_FIELD;
    from = http_skip_blanks(colon + 1, end);
    to = http_value_end(from, end);
    if (end - to < 2 && (to == end || *to == '\r'))
        return 0;
    if (*to != '\r' || to[1] != '\n')
        return *to == '\r' || *to == '\n' ? RESPONSE_BAD_LINE : RESPONSE_BAD_FIELD;
    *name = str_range(p, colon);
    *value = str_range(from, http_trim_end(from, to));
    return (int)(to - p) + 2;
}
