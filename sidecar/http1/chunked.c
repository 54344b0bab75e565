/* sidecar/http1/chunked.c - the chunked coding (RFC 9112 7.1), strictly.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http1/chunked.h"

#include "http/chars.h"
#include "http/trailer.h"
#include "http1/fieldline.h"

enum state { C_SIZE_FIRST, C_SIZE, C_EXTENSION, C_SIZE_LF, C_DATA, C_DATA_CR, C_DATA_LF, C_TRAILER, C_END, C_BAD };

void chunked_init(struct chunked *c, struct headers *trailers, struct arena *arena)
{
    *c = (struct chunked){ .trailers = trailers, .arena = arena };
}

struct feed {
    const char *at, *end;
    const struct chunked_limits *limits;
};

static bool expect(struct chunked *c, struct feed *d, char what, enum state next)
{
    if (*d->at != what)
        return false;
    d->at++;
    c->state = next;
    return true;
}

static bool in_size(struct chunked *c, struct feed *d)
{
    for (; d->at < d->end && http_hex[(unsigned char)*d->at] < 16; d->at++) {
        if (c->digits == 16 || c->left >> 56 != 0)
            return false;
        c->left = c->left << 4 | http_hex[(unsigned char)*d->at];
        c->digits++;
    }
    if (d->at == d->end)
        return true;
    if (c->digits > 0 && *d->at == ';')
        return expect(c, d, ';', C_EXTENSION);
    return c->digits > 0 && expect(c, d, '\r', C_SIZE_LF);
}

static bool at_size(struct chunked *c, struct feed *d)
{
    c->left = 0;
    c->digits = 0;
    c->extension = 0;
    c->state = C_SIZE;
    return in_size(c, d);
}

static bool in_extension(struct chunked *c, struct feed *d)
{
    const char *end = http_value_end(d->at, d->end);

    if ((size_t)(end - d->at) + c->extension > d->limits->extension_max)
        return false;
    c->extension += (uint16_t)(end - d->at);
    d->at = end;
    return end == d->end || expect(c, d, '\r', C_SIZE_LF);
}

/* Fields that may not stand behind a body (RFC 9110 6.5.1) are dropped: whoever put them there cannot mean them. */
static bool add_trailer(struct chunked *c, const struct chunked_limits *limits, struct sc_str name, struct sc_str value)
{
    enum hdr id = hdr_id(name.p, name.n);

    if (c->fields++ == limits->fields_max)
        return false;
    if (c->trailers != NULL && trailer_may(id, name))
        headers_put(c->trailers, id, name, value);
    return true;
}

/* Room grows by doubling; what was there before stays valid in the arena, and so do the views into it. */
static void keep(struct chunked *c, const char *p, size_t n)
{
    if (c->line_n + n > c->line_cap) {
        size_t cap = (c->line_n + n) * 2 < 256 ? 256 : (c->line_n + n) * 2;
        char *line = arena_alloc(c->arena, cap);

        if (c->line_n > 0)
            memcpy(line, c->line, c->line_n);
        c->line = line;
        c->line_cap = (uint32_t)cap;
    }
    memcpy(c->line + c->line_n, p, n);
    c->line_n += (uint32_t)n;
}

/* A whole line stands in c->line from line_at on. */
static bool trailer_line(struct chunked *c, const struct chunked_limits *limits)
{
    const char *p = c->line + c->line_at, *end = c->line + c->line_n;
    struct sc_str name = STR_NONE, value = STR_NONE;

    c->line_at = c->line_n;
    if (end - p == 2 && p[0] == '\r') {
        c->state = C_END;
        return true;
    }
    return fieldline(p, end, &name, &value) == end - p && add_trailer(c, limits, name, value);
}

static bool in_trailer(struct chunked *c, struct feed *d)
{
    const char *lf = memchr(d->at, '\n', (size_t)(d->end - d->at)), *to = lf != NULL ? lf + 1 : d->end;
    size_t n = (size_t)(to - d->at);

    if (lf != NULL && c->line_n == 0 && n == 2 && d->at[0] == '\r') {     /* the usual case: none */
        d->at = to;
        c->state = C_END;
        return true;
    }
    if (c->line_n + n > d->limits->trailer_max)
        return false;
    keep(c, d->at, n);
    d->at = to;
    return lf == NULL || trailer_line(c, d->limits);
}

static bool step(struct chunked *c, struct feed *d)
{
    switch ((enum state)c->state) {
    case C_SIZE_FIRST:
        return at_size(c, d);
    case C_SIZE:
        return in_size(c, d);
    case C_EXTENSION:
        return in_extension(c, d);
    case C_SIZE_LF:
        return expect(c, d, '\n', c->left > 0 ? C_DATA : C_TRAILER);
    case C_DATA_CR:
        return expect(c, d, '\r', C_DATA_LF);
    case C_DATA_LF:
        return expect(c, d, '\n', C_SIZE_FIRST);
    case C_TRAILER:
        return in_trailer(c, d);
    case C_DATA:
    case C_END:
    case C_BAD:
        break;
    }
    return false;
}

static struct sc_str take_data(struct chunked *c, struct feed *d)
{
    uint64_t have = (uint64_t)(d->end - d->at), n = have < c->left ? have : c->left;
    struct sc_str data = { d->at, (size_t)n };

    d->at += n;
    c->left -= n;
    c->payload += n;
    if (c->left == 0)
        c->state = C_DATA_CR;
    return data;
}

enum chunked_result chunked_decode(struct chunked *c, const char *in, size_t n, size_t *used, struct sc_str *data,
                                   const struct chunked_limits *limits)
{
    struct feed d = { in, in + n, limits };
    enum chunked_result result = CHUNKED_MORE;

    *data = STR_NONE;
    while (d.at < d.end && c->state < C_END && result == CHUNKED_MORE) {
        if (c->state == C_DATA) {
            *data = take_data(c, &d);
            result = CHUNKED_DATA;
        } else if (!step(c, &d)) {
            c->state = C_BAD;
        }
    }
    *used = (size_t)(d.at - in);
    if (c->state == C_BAD)
        return CHUNKED_BAD;
    return c->state == C_END ? CHUNKED_END : result;
}

size_t chunked_head(char to[CHUNKED_HEAD_MAX], uint64_t n)
{
    static const char digits[] = "0123456789abcdef";
    unsigned count = n == 0 ? 1 : (unsigned)(67 - __builtin_clzll(n)) / 4;

    for (unsigned i = count; i > 0; i--, n >>= 4)
        to[i - 1] = digits[n & 15];
    to[count] = '\r';
    to[count + 1] = '\n';
    return count + 2;
}
