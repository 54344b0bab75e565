/* sidecar/conf/data_read.c - text to values.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Strict JSON (RFC 8259). Strings are unescaped where they stand and end in a NUL there; every other value is 16 bytes. */
#include "conf/data_priv.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 256 };

struct reader {
    struct data_document *doc;
    char *at, *end;                 /* *end is NUL */
    const char *wrong;
    struct data_member *open;       /* items and members of what is not closed yet */
    size_t nopen, cap;
    unsigned depth, values;
};

static bool wrong(struct reader *r, const char *what)
{
    r->wrong = what;
    return false;
}

/* --- strings --- */

static bool read_hex(struct reader *r, unsigned *to)
{
    *to = 0;
    for (unsigned i = 0; i < 4; i++, r->at++) {
        char c = *r->at;
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10) : 16;

        if (digit == 16)
            return wrong(r, "four hexadecimal digits are expected after \\u");
        *to = *to << 4 | digit;
    }
    return true;
}

static char *put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | c >> 12);
        } else {
            *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

/* Behind "\u". Shorter than what it is written over. */
static bool read_unicode(struct reader *r, char **to)
{
    unsigned c, low;

    if (!read_hex(r, &c))
        return false;
    if (c >= 0xdc00 && c < 0xe000)
        return wrong(r, "half of a surrogate pair");
    if (c >= 0xd800 && c < 0xdc00) {
        if (r->at[0] != '\\' || r->at[1] != 'u')
            return wrong(r, "half of a surrogate pair");
        r->at += 2;
        if (!read_hex(r, &low))
            return false;
        if (low < 0xdc00 || low >= 0xe000)
            return wrong(r, "half of a surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    *to = put_utf8(*to, c);
    return true;
}

/* Behind the backslash. */
static bool read_escape(struct reader *r, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    const char *known = *r->at == '\0' ? NULL : strchr(from, *r->at);

    if (*r->at == 'u') {
        r->at++;
        return read_unicode(r, to);
    }
    if (known == NULL)
        return wrong(r, "no such escape");
    *(*to)++ = into[known - from];
    r->at++;
    return true;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= ' ' && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static bool read_odd(struct reader *r, char **to)
{
    size_t n;

    if (*r->at == '\\') {
        r->at++;
        return read_escape(r, to);
    }
    if ((unsigned char)*r->at < ' ')
        return wrong(r, r->at == r->end ? "a string does not end" : "a control character in a string");
    n = utf8_len((const unsigned char *)r->at, (const unsigned char *)r->end);
    if (n == 0)
        return wrong(r, "not UTF-8");
    memmove(*to, r->at, n);
    *to += n;
    r->at += n;
    return true;
}

/* At the opening quote; written over itself. */
static bool read_string(struct reader *r, const char **text, size_t *n)
{
    char *to = ++r->at;

    *text = to;
    while (*r->at != '"') {
        char *from = r->at;

        while (is_plain(*r->at))
            r->at++;
        if (to != from)
            memmove(to, from, (size_t)(r->at - from));
        to += r->at - from;
        if (*r->at != '"' && !read_odd(r, &to))
            return false;
    }
    r->at++;
    *to = '\0';
    *n = (size_t)(to - *text);
    return true;
}

/* --- numbers and words --- */

static bool skip_digits(struct reader *r)
{
    const char *from = r->at;

    while (*r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > from;
}

static bool read_integer(struct reader *r, const char *from, struct data *to)
{
    errno = 0;
    *to = (struct data){ .kind = DATA_INT, .integer = strtoll(from, NULL, 10) };
    return errno == 0 || wrong(r, "the number is too large");
}

static bool read_number(struct reader *r, struct data *to)
{
    const char *from = r->at;
    bool real = false;

    r->at += *r->at == '-';
    if (*r->at == '0')
        r->at++;
    else if (!skip_digits(r))
        return wrong(r, "a value is expected");
    if (*r->at == '.') {
        real = true;
        r->at++;
        if (!skip_digits(r))
            return wrong(r, "digits are expected behind the point");
    }
    if (*r->at == 'e' || *r->at == 'E') {
        real = true;
        r->at++;
        r->at += *r->at == '+' || *r->at == '-';
        if (!skip_digits(r))
            return wrong(r, "digits are expected in the exponent");
    }
    if (!real)
        return read_integer(r, from, to);
    errno = 0;
    *to = (struct data){ .kind = DATA_REAL, .integer = strtoll(from, NULL, 10) };
    to->n = errno == 0 && memchr(from, 'e', (size_t)(r->at - from)) == NULL &&
            memchr(from, 'E', (size_t)(r->at - from)) == NULL;
    return true;
}

static bool read_word(struct reader *r, const char *word, struct data value, struct data *to)
{
    size_t n = strlen(word);

    if (strncmp(r->at, word, n) != 0)
        return wrong(r, "a value is expected");
    r->at += n;
    *to = value;
    return true;
}

/* --- lists and objects --- */

static void skip_space(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r')
        r->at++;
}

static bool read_value(struct reader *r, struct data *to);

static void keep_open(struct reader *r, const struct data_member *m)
{
    if (r->nopen == r->cap) {
        r->cap = r->cap == 0 ? 64 : r->cap * 2;
        r->open = xrealloc(r->open, r->cap * sizeof *r->open);
    }
    r->open[r->nopen++] = *m;
}

static bool read_key(struct reader *r, struct data_member *m)
{
    skip_space(r);
    if (*r->at != '"')
        return wrong(r, "a key is expected");
    if (!read_string(r, &m->key, &m->nkey))
        return false;
    if (strlen(m->key) != m->nkey)
        return wrong(r, "a key holds a NUL character");
    skip_space(r);
    if (*r->at != ':')
        return wrong(r, "a colon is expected");
    r->at++;
    return true;
}

/* Everything up to the closing bracket, into r->open. */
static bool read_children(struct reader *r, char close, bool has_keys)
{
    skip_space(r);
    if (*r->at == close) {
        r->at++;
        return true;
    }
    for (;;) {
        struct data_member m = { .key = NULL };

        if ((has_keys && !read_key(r, &m)) || !read_value(r, &m.value))
            return false;
        keep_open(r, &m);
        skip_space(r);
        if (*r->at == close)
            break;
        if (*r->at != ',')
            return wrong(r, has_keys ? "a comma or a brace is expected" : "a comma or a bracket is expected");
        r->at++;
    }
    r->at++;
    return true;
}

static int by_key(const void *x, const void *y)
{
    return strcmp((*(const struct data_member *const *)x)->key, (*(const struct data_member *const *)y)->key);
}

static bool has_doubles(const struct data_member *m, size_t n)
{
    const struct data_member **sorted;
    bool found = false;

    if (n <= 8) {
        for (size_t i = 1; i < n; i++)
            for (size_t k = 0; k < i; k++)
                if (m[i].nkey == m[k].nkey && memcmp(m[i].key, m[k].key, m[i].nkey) == 0)
                    return true;
        return false;
    }
    sorted = xcalloc(n, sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &m[i];
    qsort(sorted, n, sizeof *sorted, by_key);
    for (size_t i = 1; i < n && !found; i++)
        found = strcmp(sorted[i - 1]->key, sorted[i]->key) == 0;
    free(sorted);
    return found;
}

static bool close_object(struct reader *r, size_t mark, struct data *to)
{
    size_t n = r->nopen - mark;
    struct data_member *members = arena_alloc(&r->doc->arena, n * sizeof *members);

    if (n > 0)
        memcpy(members, r->open + mark, n * sizeof *members);
    r->nopen = mark;
    *to = (struct data){ .kind = DATA_OBJECT, .n = (uint32_t)n, .members = members };
    return !has_doubles(members, n) || wrong(r, "a key stands twice in one object");
}

static bool close_list(struct reader *r, size_t mark, struct data *to)
{
    size_t n = r->nopen - mark;
    struct data *items = arena_alloc(&r->doc->arena, n * sizeof *items);

    for (size_t i = 0; i < n; i++)
        items[i] = r->open[mark + i].value;
    r->nopen = mark;
    *to = (struct data){ .kind = DATA_LIST, .n = (uint32_t)n, .items = items };
    return true;
}

static bool read_nested(struct reader *r, struct data *to)
{
    bool object = *r->at == '{';
    size_t mark = r->nopen;

    if (++r->depth > DEPTH_MAX)
        return wrong(r, "nested too deep");
    r->at++;
    if (!read_children(r, object ? '}' : ']', object))
        return false;
    r->depth--;
    return object ? close_object(r, mark, to) : close_list(r, mark, to);
}

static bool read_text(struct reader *r, struct data *to)
{
    size_t n;

    *to = (struct data){ .kind = DATA_STRING };
    if (!read_string(r, &to->text, &n))
        return false;
    to->n = (uint32_t)n;
    return true;
}

static bool read_value(struct reader *r, struct data *to)
{
    if (++r->values > DATA_VALUES_MAX)
        return wrong(r, "too many values");
    skip_space(r);
    switch (*r->at) {
    case '{':
    case '[':
        return read_nested(r, to);
    case '"':
        return read_text(r, to);
    case 't':
        return read_word(r, "true", (struct data){ .kind = DATA_BOOL, .integer = 1 }, to);
    case 'f':
        return read_word(r, "false", (struct data){ .kind = DATA_BOOL }, to);
    case 'n':
        return read_word(r, "null", (struct data){ .kind = DATA_NULL }, to);
    default:
        return read_number(r, to);
    }
}

static void say_where(const struct reader *r, struct sc_error *e)
{
    unsigned line = 1;
    const char *start = r->doc->text;

    for (const char *c = start; c < r->at; c++)
        if (*c == '\n') {
            line++;
            start = c + 1;
        }
    sc_error_set(e, "line %u, byte %zu: %s", line, (size_t)(r->at - start) + 1, r->wrong);
}

bool data_read(struct data_document *doc, size_t n, struct sc_error *e)
{
    struct reader r = { .doc = doc, .at = doc->text, .end = doc->text + n };
    bool ok = read_value(&r, &doc->root);

    skip_space(&r);
    if (ok && r.at != r.end)
        ok = wrong(&r, "something follows the value");
    if (!ok)
        say_where(&r, e);
    free(r.open);
    return ok;
}
