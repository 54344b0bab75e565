/* sidecar/http/forwarded.c - what proxies before us wrote down: X-Forwarded-For, Forwarded, Via.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/forwarded.h"

#include "http/chars.h"

#include <arpa/inet.h>

/* ---- addresses ---- */

static bool is_port(struct sc_str s)
{
    if (s.n == 0 || s.n > 5)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

static bool parse_bare(struct sc_str s, int family, struct forwarded_address *a)
{
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    char z[INET6_ADDRSTRLEN];

    if (s.n == 0 || s.n >= sizeof z)
        return false;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    memset(a->bytes, 0, sizeof a->bytes);
    a->family = family;
    if (inet_pton(family, z, a->bytes) != 1)
        return false;
    if (family == AF_INET6 && memcmp(a->bytes, mapped, sizeof mapped) == 0) {
        a->family = AF_INET;
        memmove(a->bytes, a->bytes + 12, 4);
        memset(a->bytes + 4, 0, 12);
    }
    return true;
}

/* "[v6]" or "[v6]:port". */
static bool parse_brackets(struct sc_str s, struct forwarded_address *a)
{
    const char *end = str_chr(s, ']');
    struct sc_str rest;

    if (end == NULL)
        return false;
    rest = str_range(end + 1, s.p + s.n);
    if (rest.n > 0 && (rest.p[0] != ':' || !is_port(str_skip(rest, 1))))
        return false;
    return parse_bare(str_range(s.p + 1, end), AF_INET6, a);
}

bool forwarded_parse(struct sc_str s, struct forwarded_address *a)
{
    const char *colon = str_chr(s, ':');

    if (s.n > 0 && s.p[0] == '[')
        return parse_brackets(s, a);
    if (colon == NULL)
        return parse_bare(s, AF_INET, a);
    if (memchr(colon + 1, ':', (size_t)(s.p + s.n - colon - 1)) != NULL)
        return parse_bare(s, AF_INET6, a);
    return is_port(str_range(colon + 1, s.p + s.n)) && parse_bare(str_range(s.p, colon), AF_INET, a);
}

size_t forwarded_print(const struct forwarded_address *a, char to[FORWARDED_TEXT])
{
    inet_ntop(a->family, a->bytes, to, FORWARDED_TEXT);
    return strlen(to);
}

bool forwarded_same(const struct forwarded_address *a, const struct forwarded_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* ---- Forwarded ---- */

struct cursor {
    const char *p, *end;
};

/* A quoted string without its quotes. */
static bool quoted(struct cursor *c, struct sc_str *value, bool *escaped)
{
    const char *from = ++c->p;

    for (; c->p < c->end && *c->p != '"'; c->p++)
        if (*c->p == '\\' && c->p + 1 < c->end) {
            *escaped = true;
            c->p++;
        }
    if (c->p == c->end)
        return false;
    *value = str_range(from, c->p++);
    return true;
}

/* Beyond tokens, the ':' and the brackets of addresses are let pass without quotes: many proxies write them so. */
static bool plain(struct cursor *c, struct sc_str *value)
{
    const char *from = c->p;

    while (c->p < c->end && (http_is(*c->p, CH_TOKEN) || *c->p == ':' || *c->p == '[' || *c->p == ']'))
        c->p++;
    *value = str_range(from, c->p);
    return value->n > 0;
}

static struct sc_str *place_of(struct forwarded_element *e, struct sc_str name)
{
    return str_ieq(name, STR("for")) ? &e->node : str_ieq(name, STR("host")) ? &e->host
         : str_ieq(name, STR("proto")) ? &e->proto : NULL;
}

static bool pair(struct cursor *c, struct forwarded_element *e)
{
    const char *from = c->p;
    bool escaped = false;
    struct sc_str value, *to;

    c->p = http_token_end(c->p, c->end);
    if (c->p == from || c->p == c->end || *c->p != '=')
        return false;
    to = place_of(e, str_range(from, c->p));
    c->p++;
    if (c->p == c->end || !(*c->p == '"' ? quoted(c, &value, &escaped) : plain(c, &value)))
        return false;
    if (to == NULL)
        return true;
    if (escaped || to->p != NULL)                       /* each parameter once */
        return false;
    *to = value;
    return true;
}

/* Blanks and semicolons, of which pairs may be missing between. True: there was one. */
static bool skip_semicolons(struct cursor *c)
{
    bool any = false;

    for (; c->p < c->end && (*c->p == ';' || *c->p == ' ' || *c->p == '\t'); c->p++)
        any |= *c->p == ';';
    return any;
}

int forwarded_next(struct sc_str *rest, struct forwarded_element *e)
{
    struct cursor c = { rest->p, rest->p + rest->n };
    bool apart = true;

    *e = (struct forwarded_element){ STR_NONE, STR_NONE, STR_NONE };
    while (c.p < c.end && (*c.p == ',' || *c.p == ' ' || *c.p == '\t'))
        c.p++;
    if (c.p == c.end) {
        *rest = str_range(c.p, c.end);
        return 0;
    }
    skip_semicolons(&c);
    for (; c.p < c.end && *c.p != ','; apart = skip_semicolons(&c))
        if (!apart || !pair(&c, e))
            return -1;
    *rest = str_range(c.p, c.end);
    return 1;
}

/* ---- Via ---- */

/* Behind the comment that begins at p, or NULL when it does not end. */
static const char *comment_end(const char *p, const char *end)
{
    unsigned depth = 0;

    for (; p < end; p++) {
        if (*p == '\\' && p + 1 < end)
            p++;
        else if (*p == '(')
            depth++;
        else if (*p == ')' && --depth == 0)
            return p + 1;
    }
    return NULL;
}

/* Behind what stands between two words, comments among it. *comma: a comma was. *open: a comment did not end, and from
 * there on parentheses are what they look like, so that no byte is read twice. */
static void skip_between(struct cursor *c, bool *comma, bool *open)
{
    for (*comma = false; c->p < c->end; ) {
        const char *behind = *c->p == '(' && !*open ? comment_end(c->p, c->end) : NULL;

        *comma |= *c->p == ',';
        *open |= *c->p == '(' && behind == NULL;
        if (behind != NULL)
            c->p = behind;
        else if (*c->p == ',' || *c->p == ' ' || *c->p == '\t' || *c->p == '(')
            c->p++;
        else
            return;
    }
}

/* The next word: no blank, comma or comment in it. Empty at the end. */
static struct sc_str word(struct cursor *c, bool *comma, bool *open)
{
    const char *from;

    skip_between(c, comma, open);
    from = c->p;
    while (c->p < c->end && *c->p != ',' && *c->p != ' ' && *c->p != '\t' && *c->p != '(')
        c->p++;
    return str_range(from, c->p);
}

bool via_names(struct sc_str value, struct sc_str name)
{
    struct cursor c = { value.p, value.p + value.n };
    bool first = true, comma, open = false;             /* the first word of a member is the protocol */

    for (;;) {
        struct sc_str w = word(&c, &comma, &open);

        if (w.n == 0)
            return false;
        first |= comma;
        if (!first && str_ieq(w, name))
            return true;
        first = false;
    }
}
