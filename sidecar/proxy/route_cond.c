/* sidecar/proxy/route_cond.c - what a route asks of headers and query.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/route_cond.h"

#include "http/uri.h"

bool cond_init(struct route_cond *c, bool in_query, const struct sc_pair *pair, struct sc_error *e)
{
    *c = (struct route_cond){ .in_query = in_query, .name = str_of(pair->name), .value = str_of(pair->value) };
    if (!in_query && !http_is_token(c->name))
        return sc_error_set(e, "not the name of a header");
    if (c->name.n == 0)
        return sc_error_set(e, "a parameter without a name");
    c->id = in_query ? HDR_OTHER : hdr_id(c->name.p, c->name.n);
    if (pair->value == NULL) {
        c->kind = COND_PRESENT;
        return true;
    }
    c->kind = pair->value[0] == '~' ? COND_REGEX : COND_EQUAL;
    if (c->kind == COND_EQUAL)
        return true;
    c->value = str_skip(c->value, 1);
    c->regex = regex_new(c->value, e);
    return c->regex != NULL;
}

void cond_fini(struct route_cond *c)
{
    regex_free(&c->regex);
}

bool cond_equal(const struct route_cond *a, const struct route_cond *b)
{
    if (a->in_query != b->in_query || a->kind != b->kind || !str_eq(a->value, b->value))
        return false;
    return a->in_query ? str_eq(a->name, b->name) : str_ieq(a->name, b->name);
}

/* --- headers --- */

static struct header *first_field(const struct route_cond *c, const struct headers *h)
{
    return c->id != HDR_OTHER ? headers_first(h, c->id) : headers_find(h, c->name);
}

static struct header *next_field(const struct route_cond *c, const struct headers *h, const struct header *f)
{
    return c->id != HDR_OTHER ? headers_next(h, f, c->id) : headers_find_next(h, f, c->name);
}

static bool value_meets(const struct route_cond *c, struct sc_str value)
{
    switch (c->kind) {
    case COND_PRESENT:
        return true;
    case COND_EQUAL:
        return str_eq(value, c->value);
    case COND_REGEX:
        return regex_match(c->regex, value);
    }
    return false;
}

/* A proxy on the way may make one line of two (RFC 9110 5.3), so the members of a list are looked at like lines. */
static bool line_meets(const struct route_cond *c, struct sc_str value)
{
    struct sc_str member;

    if (value_meets(c, value))
        return true;
    if (str_chr(value, ',') == NULL)
        return false;
    while (http_list_next(&value, &member))
        if (value_meets(c, member))
            return true;
    return false;
}

static bool header_meets(const struct route_cond *c, const struct headers *h)
{
    if (h == NULL)
        return false;
    for (struct header *f = first_field(c, h); f != NULL; f = next_field(c, h, f))
        if (line_meets(c, f->value))
            return true;
    return false;
}

/* --- query --- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next decoded byte of a part of a query; *i moves behind it. */
static char next_byte(struct sc_str s, size_t *i)
{
    char c = s.p[(*i)++];

    if (c == '+')
        return ' ';
    if (c == '%' && *i + 1 < s.n && hex_value(s.p[*i]) >= 0 && hex_value(s.p[*i + 1]) >= 0) {
        c = (char)(hex_value(s.p[*i]) << 4 | hex_value(s.p[*i + 1]));
        *i += 2;
    }
    return c;
}

static bool decodes_to(struct sc_str raw, struct sc_str want)
{
    size_t i = 0, n = 0;

    while (i < raw.n && n < want.n)
        if (next_byte(raw, &i) != want.p[n++])
            return false;
    return i == raw.n && n == want.n;
}

static bool decoded_matches(const struct regex *r, struct sc_str raw)
{
    char text[COND_VALUE_MAX];
    size_t i = 0, n = 0;

    while (i < raw.n) {
        if (n == sizeof text)
            return false;
        text[n++] = next_byte(raw, &i);
    }
    return regex_match(r, (struct sc_str){ text, n });
}

static bool parameter_meets(const struct route_cond *c, struct sc_str value)
{
    switch (c->kind) {
    case COND_PRESENT:
        return true;
    case COND_EQUAL:
        return decodes_to(value, c->value);
    case COND_REGEX:
        return decoded_matches(c->regex, value);
    }
    return false;
}

static bool query_meets(const struct route_cond *c, struct sc_str query)
{
    struct sc_str name, value;

    while (uri_query_next(&query, &name, &value))
        if (decodes_to(name, c->name) && parameter_meets(c, value))
            return true;
    return false;
}

bool cond_meets(const struct route_cond *c, const struct route_request *q)
{
    return c->in_query ? query_meets(c, q->query) : header_meets(c, q->headers);
}
