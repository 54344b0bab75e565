/* sidecar/proxy/route_path.c - one path of a route, taken apart.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/route_path.h"

static const char hex[] = "0123456789ABCDEF";

static int hex_digit(char c)
{
    const char *at;

    if (c >= 'a' && c <= 'f')
        c = (char)(c - 'a' + 'A');
    at = c == '\0' ? NULL : strchr(hex, c);
    return at == NULL ? -1 : (int)(at - hex);
}

static bool is_alnum(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static bool is_unreserved(unsigned char c)
{
    return is_alnum(c) || (c != '\0' && strchr("-._~", c) != NULL);
}

/* pchar of RFC 3986 3.3 without the percent sign, which has its own rules. */
static bool is_segment_char(unsigned char c)
{
    return is_unreserved(c) || (c != '\0' && strchr("!$&'()*+,;=:@", c) != NULL);
}

/* "%2d" -> "-", "%c3" -> "%C3": what the path of a request looks like when it comes to be matched. */
static bool put_triplet(char **to, struct sc_str s, size_t i, struct sc_error *e)
{
    int high = i + 1 < s.n ? hex_digit(s.p[i + 1]) : -1;
    int low = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;

    if (high < 0 || low < 0)
        return sc_error_set(e, "\"%%\" is not followed by two hexadecimal digits");
    if (is_unreserved((unsigned char)(high << 4 | low))) {
        *(*to)++ = (char)(high << 4 | low);
        return true;
    }
    *(*to)++ = '%';
    *(*to)++ = hex[high];
    *(*to)++ = hex[low];
    return true;
}

/* A literal in the normal form; text beyond ASCII may be written as it is and is encoded here. */
static bool put_literal(struct sc_str *out, struct sc_str s, struct arena *a, struct sc_error *e)
{
    char *to = arena_alloc(a, 3 * s.n + 1);

    *out = (struct sc_str){ to, 0 };
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '%') {
            if (!put_triplet(&to, s, i, e))
                return false;
            i += 2;
        } else if (c >= 0x80) {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        } else if (is_segment_char(c)) {
            *to++ = (char)c;
        } else {
            return sc_error_set(e, c > 0x20 && c < 0x7f ? "\"%c\" cannot stand in a path"
                                                        : "a character %#x cannot stand in a path", c);
        }
    }
    out->n = (size_t)(to - out->p);
    return true;
}

static bool is_name(struct sc_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum((unsigned char)s.p[i]) && s.p[i] != '_' && s.p[i] != '-')
            return false;
    return s.n > 0;
}

static bool put_name(struct route_path *p, struct sc_str name, struct arena *a, struct sc_error *e)
{
    if (!is_name(name))
        return sc_error_set(e, "\"{%.*s}\" is not a name: letters, digits, \"_\" and \"-\"", STR_ARG(name));
    for (unsigned i = 0; i < p->n; i++)
        if (p->at[i].wild && str_eq(p->at[i].text, name))
            return sc_error_set(e, "\"{%.*s}\" stands twice in one path", STR_ARG(name));
    if (p->nnames == ROUTE_PARAMS_MAX)
        return sc_error_set(e, "more than %d named segments", ROUTE_PARAMS_MAX);
    p->nnames++;
    p->at[p->n++] = (struct path_segment){ .wild = true, .text = arena_dup(a, name) };
    return true;
}

static bool put_segment(struct route_path *p, struct sc_str s, struct arena *a, struct sc_error *e)
{
    struct path_segment *to = &p->at[p->n];

    if (p->n == ROUTE_SEGMENTS_MAX)
        return sc_error_set(e, "more than %d segments", ROUTE_SEGMENTS_MAX);
    if (s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}')
        return put_name(p, (struct sc_str){ s.p + 1, s.n - 2 }, a, e);
    if (str_eq(s, STR("*"))) {
        *to = (struct path_segment){ .wild = true };
        p->n++;
        return true;
    }
    if (str_chr(s, '*') != NULL || str_chr(s, '{') != NULL || str_chr(s, '}') != NULL)
        return sc_error_set(e, "\"%.*s\": \"*\" and \"{name}\" stand for whole segments (a regular expression begins "
                            "with \"~\")", STR_ARG(s));
    *to = (struct path_segment){ .wild = false };
    if (!put_literal(&to->text, s, a, e))
        return false;
    if (str_eq(to->text, STR(".")) || str_eq(to->text, STR("..")))
        return sc_error_set(e, "\".\" and \"..\" never reach a route: paths are normalised before");
    p->n++;
    return true;
}

bool route_path_parse(struct route_path *p, const char *text, struct arena *a, struct sc_error *e)
{
    struct sc_str rest = str_of(text), segment;

    p->is_regex = p->has_rest = p->has_empty = false;
    p->n = p->nnames = 0;
    if (rest.n > 0 && rest.p[0] == '~') {
        p->is_regex = true;
        p->pattern = str_skip(rest, 1);
        return p->pattern.n > 0 || sc_error_set(e, "no regular expression behind \"~\"");
    }
    if (rest.n == 0 || rest.p[0] != '/')
        return sc_error_set(e, "a path begins with \"/\" (or \"~\" and a regular expression)");
    rest = str_skip(rest, 1);
    while (str_split(&rest, '/', &segment)) {
        if (str_eq(segment, STR("**"))) {
            p->has_rest = true;
            return rest.p == NULL || sc_error_set(e, "\"**\" can only be the last segment");
        }
        if (!put_segment(p, segment, a, e))
            return false;
        p->has_empty |= segment.n == 0 && rest.p != NULL;
    }
    return true;
}
