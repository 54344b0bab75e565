/* sidecar/http/uri.c - request targets: one normal form that is matched, authorised and forwarded.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/uri.h"

#include "http/chars.h"

#include <arpa/inet.h>

/* ---- authority ---- */

static bool is_port(const char *p, const char *end)
{
    unsigned port = 0;

    if (end - p > 5)
        return false;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        port = port * 10 + (unsigned)(*p - '0');
    }
    return port <= 65535;
}

static bool is_ipv6(const char *p, const char *end)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    size_t n = (size_t)(end - p);

    if (n >= sizeof text)
        return false;
    memcpy(text, p, n);
    text[n] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* The end of the host in s, or NULL when it is not one. */
static const char *host_end(struct sc_str s)
{
    const char *end = s.p + s.n, *p;

    if (s.n > 0 && s.p[0] == '[') {
        p = str_chr(s, ']');
        return p != NULL && is_ipv6(s.p + 1, p) ? p + 1 : NULL;
    }
    p = http_skip(s.p, end, CH_HOST);
    return p > s.p ? p : NULL;
}

bool uri_is_authority(struct sc_str s)
{
    const char *end = s.p + s.n, *p = host_end(s);

    return p != NULL && (p == end || (*p == ':' && is_port(p + 1, end)));
}

struct sc_str uri_host(struct sc_str authority, uint16_t *port)
{
    const char *end = authority.p + authority.n, *p = end;
    unsigned n = 0;

    while (p > authority.p && p[-1] >= '0' && p[-1] <= '9')
        p--;
    if (p == authority.p || p[-1] != ':') {
        *port = 0;
        return authority;
    }
    for (const char *digit = p; digit < end; digit++)
        n = n * 10 + (unsigned)(*digit - '0');
    *port = (uint16_t)n;
    return str_range(authority.p, p - 1);
}

/* ---- path ---- */

struct normal {
    char *to;                   /* room for the whole path: it never grows */
    size_t n;
    const struct uri_options *options;
};

/* The first place, from p on, at which a path is not in normal form yet, or its end. p is at a '/'. */
static const char *normal_end(const char *p, const char *end, const struct uri_options *options)
{
    for (; p < end; p++) {
        if (http_is(*p, CH_PATH) || *p == '.')
            continue;
        if (*p == '/') {
            if (end - p > 1 && p[1] == '/' && !options->keep_slashes)
                return p;
            if (end - p > 1 && p[1] == '.' && (end - p == 2 || !http_is(p[2], CH_PATH)))
                return p;
        } else if (*p != ';' || options->reject_semicolon) {
            return p;
        }
    }
    return p;
}

static const char *triplet(struct normal *n, const char *p, const char *end)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned high = end - p > 2 ? http_hex[(unsigned char)p[1]] : 255;
    unsigned low = high < 16 ? http_hex[(unsigned char)p[2]] : 255, byte = high << 4 | low;

    if (low > 15)
        return "a percent sign in the path is not followed by two hex digits";
    if (byte < 0x20 || byte == 0x7f)
        return "the path has an encoded control character";
    if (byte == '\\')
        return "the path has an encoded backslash";
    if (byte == '/' && !n->options->keep_encoded_slash)
        return "the path has an encoded slash";
    if (http_is((char)byte, CH_UNRESERVED)) {
        n->to[n->n++] = (char)byte;
        return NULL;
    }
    n->to[n->n++] = '%';
    n->to[n->n++] = digits[high];
    n->to[n->n++] = digits[low];
    return NULL;
}

static const char *segment_byte(struct normal *n, char c)
{
    if (!http_is(c, CH_TARGET))
        return "the path has a character that may not stand there";
    if (c == ';' && n->options->reject_semicolon)
        return "the path has a semicolon";
    n->to[n->n++] = c;
    return NULL;
}

static const char *segment(struct normal *n, const char **at, const char *end)
{
    const char *p = *at;

    while (p < end && *p != '/') {
        const char *reason = *p == '%' ? triplet(n, p, end) : segment_byte(n, *p);

        if (reason != NULL)
            return reason;
        p += *p == '%' ? 3 : 1;
    }
    *at = p;
    return NULL;
}

/* "..;x" is a parent directory to servers that cut parameters off first. */
static bool is_dots_with_parameter(struct sc_str s)
{
    struct sc_str rest = str_skip(s, str_starts(s, STR("..")) ? 2 : str_starts(s, STR(".")) ? 1 : s.n);

    return str_starts(rest, STR(";")) || str_starts(rest, STR("%3B"));
}

static void drop_parent(struct normal *n, size_t start)
{
    n->n = start;
    while (n->n > 0 && n->to[--n->n] != '/')
        ;
}

/* RFC 3986 5.2.4, for the segment whose '/' stands at start. */
static void place_segment(struct normal *n, size_t start, bool last)
{
    struct sc_str s = { n->to + start + 1, n->n - start - 1 };

    if (str_eq(s, STR(".")))
        n->n = start;
    else if (str_eq(s, STR("..")))
        drop_parent(n, start);
    else if (s.n == 0 && !n->options->keep_slashes && !last)
        n->n = start;
    else
        return;
    if (last)
        n->to[n->n++] = '/';
}

static const char *normalise(struct sc_str *path, const struct uri_options *options, struct arena *arena)
{
    struct normal n = { arena_alloc(arena, path->n), 0, options };
    const char *p = path->p, *end = path->p + path->n;

    while (p < end) {
        size_t start = n.n;
        const char *reason;

        n.to[n.n++] = *p++;
        reason = segment(&n, &p, end);
        if (reason != NULL)
            return reason;
        if (is_dots_with_parameter((struct sc_str){ n.to + start + 1, n.n - start - 1 }))
            return "a dot segment of the path has a parameter";
        place_segment(&n, start, p == end);
    }
    *path = (struct sc_str){ n.to, n.n };
    return NULL;
}

/* Path and query, from a '/' on. */
static const char *parse_path(struct uri *uri, struct sc_str s, const struct uri_options *options, struct arena *arena)
{
    const char *end = s.p + s.n, *odd = normal_end(s.p, end, options), *mark = odd;

    if (odd < end && *odd != '?')
        mark = str_chr(str_range(odd, end), '?');
    if (mark == NULL)
        mark = end;
    uri->path = str_range(s.p, mark);
    uri->has_query = mark < end;
    uri->query = str_range(uri->has_query ? mark + 1 : end, end);
    if (http_target_end(uri->query.p, end) != end)
        return "the query has a character that may not stand there";
    return odd < mark ? normalise(&uri->path, options, arena) : NULL;
}

/* RFC 9112 3.2.2. */
static const char *parse_absolute(struct uri *uri, struct sc_str target, const struct uri_options *options,
                                  struct arena *arena)
{
    struct sc_str rest = str_skip(target, 7), query;
    const char *reason;

    uri->https = target.n > 8 && http_same(target.p, "https", 5) && memcmp(target.p + 5, "://", 3) == 0;
    if (uri->https)
        rest = str_skip(target, 8);
    else if (target.n <= 7 || !http_same(target.p, "http", 4) || memcmp(target.p + 4, "://", 3) != 0)
        return "the target is neither a path nor an http address";
    uri->form = URI_ABSOLUTE;
    uri->authority = rest;
    while (rest.n > 0 && rest.p[0] != '/' && rest.p[0] != '?')
        rest = str_skip(rest, 1);
    uri->authority.n -= rest.n;
    if (!uri_is_authority(uri->authority))
        return "the target's authority is not a host and a port";
    uri->no_path = rest.n == 0;
    if (rest.n > 0 && rest.p[0] == '/')
        return parse_path(uri, rest, options, arena);
    query = str_skip(rest, 1);
    reason = http_target_end(query.p, query.p + query.n) != query.p + query.n
                 ? "the query has a character that may not stand there" : NULL;
    uri->path = STR("/");
    uri->has_query = rest.n > 0;
    uri->query = query;
    return reason;
}

const char *uri_parse(struct uri *uri, struct sc_str target, const struct uri_options *options, struct arena *arena)
{
    *uri = (struct uri){ .form = URI_ORIGIN };
    if (target.n > 0 && target.p[0] == '/')
        return parse_path(uri, target, options, arena);
    if (str_eq(target, STR("*"))) {
        uri->form = URI_ASTERISK;
        uri->path = target;
        uri->query = str_skip(target, 1);
        return NULL;
    }
    return parse_absolute(uri, target, options, arena);
}

/* ---- components ---- */

struct sc_str uri_decode(struct sc_str s, bool plus, struct arena *arena)
{
    char *to;
    size_t n = 0;

    if (str_chr(s, '%') == NULL && (!plus || str_chr(s, '+') == NULL))
        return s;
    to = arena_alloc(arena, s.n);
    for (size_t i = 0; i < s.n; i++) {
        unsigned high = s.p[i] == '%' && s.n - i > 2 ? http_hex[(unsigned char)s.p[i + 1]] : 255;
        unsigned low = high < 16 ? http_hex[(unsigned char)s.p[i + 2]] : 255;

        to[n++] = low < 16 ? (char)(high << 4 | low) : s.p[i] == '+' && plus ? ' ' : s.p[i];
        i += low < 16 ? 2 : 0;
    }
    return (struct sc_str){ to, n };
}

bool uri_query_next(struct sc_str *rest, struct sc_str *name, struct sc_str *value)
{
    struct sc_str piece;

    while (str_split(rest, '&', &piece)) {
        const char *equals = str_chr(piece, '=');

        if (piece.n == 0)
            continue;
        *name = str_range(piece.p, equals != NULL ? equals : piece.p + piece.n);
        *value = equals != NULL ? str_range(equals + 1, piece.p + piece.n) : STR_NONE;
        return true;
    }
    return false;
}
