/* tests/bench/request.c - reads requests for the origin: heads, and bodies that are counted and dropped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <stdlib.h>
#include <string.h>

static bool field_is(const char *line, size_t n, const char *name, const char **value, size_t *value_len)
{
    size_t len = strlen(name);

    if (n <= len || line[len] != ':' || strncasecmp(line, name, len) != 0)
        return false;
    for (len++; len < n && line[len] == ' '; len++)
        continue;
    *value = line + len;
    *value_len = n - len;
    return true;
}

static bool read_field(struct request *r, const char *line, size_t n)
{
    const char *v;
    size_t len;

    if (field_is(line, n, "content-length", &v, &len)) {
        char *end;

        r->left = strtoull(v, &end, 10);
        r->phase = r->left != 0 ? REQUEST_BODY : REQUEST_DONE;
        return end == v + len && len != 0;
    }
    if (field_is(line, n, "transfer-encoding", &v, &len)) {
        r->phase = REQUEST_CHUNK_SIZE;
        return len == 7 && strncasecmp(v, "chunked", 7) == 0;
    }
    if (field_is(line, n, "connection", &v, &len) && len == 5 && strncasecmp(v, "close", 5) == 0)
        r->closing = true;
    return true;
}

/* "GET /path HTTP/1.1": up to eol. */
static bool read_line(struct request *r, const char *p, const char *eol)
{
    const char *from = memchr(p, ' ', (size_t)(eol - p)), *to;

    if (from == NULL || (to = memchr(from + 1, ' ', (size_t)(eol - from - 1))) == NULL || eol - to != 9 ||
        memcmp(to, " HTTP/1.", 8) != 0)
        return false;
    *r = (struct request){ .phase = REQUEST_DONE, .closing = to[8] == '0', .target = from + 1,
                           .target_len = (size_t)(to - from - 1) };
    return true;
}

/* A head with its empty line. */
static bool read_head(struct request *r, const char *p, const char *end)
{
    const char *eol = memchr(p, '\r', (size_t)(end - p));

    if (!read_line(r, p, eol))
        return false;
    for (p = eol + 2; p < end - 2; p = eol + 2) {
        eol = memchr(p, '\r', (size_t)(end - p));
        if ((*p == 'C' || *p == 'c' || *p == 'T' || *p == 't') && !read_field(r, p, (size_t)(eol - p)))
            return false;
    }
    return true;
}

static size_t take_head(struct request *r, const char *p, size_t n)
{
    const char *end = memmem(p, n, "\r\n\r\n", 4);

    if (end == NULL) {
        if (n >= REQUEST_HEAD_LIMIT)
            r->phase = REQUEST_BAD;
        return 0;
    }
    end += 4;
    if (!read_head(r, p, end))
        r->phase = REQUEST_BAD;
    return (size_t)(end - p);
}

static size_t take_data(struct request *r, size_t n)
{
    size_t k = n < r->left ? n : (size_t)r->left;

    r->left -= k;
    r->seen += k;
    if (r->left == 0)
        r->phase = r->phase == REQUEST_BODY ? REQUEST_DONE : REQUEST_CHUNK_END;
    return k;
}

static int hex_digit(char ch)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF", *at = ch != '\0' ? strchr(digits, ch) : NULL;

    return at != NULL ? (int)((at - digits) % 16) : -1;
}

/* One byte of the framing of a chunked body: size lines, the line ends behind data, trailer lines. */
static void take_framing(struct request *r, char ch)
{
    int digit = hex_digit(ch);

    if (r->phase == REQUEST_CHUNK_SIZE && digit >= 0 && r->left < UINT64_C(1) << 40) {
        r->left = r->left * 16 + (uint64_t)digit;
        r->had_digit = true;
    } else if (r->phase == REQUEST_CHUNK_SIZE && ch == '\n' && r->had_digit) {
        r->phase = r->left != 0 ? REQUEST_CHUNK_DATA : REQUEST_TRAILER;
        r->had_digit = r->line_has = false;
    } else if (r->phase == REQUEST_CHUNK_END && ch == '\n') {
        r->phase = REQUEST_CHUNK_SIZE;
    } else if (r->phase == REQUEST_TRAILER && ch == '\n' && !r->line_has) {
        r->phase = REQUEST_DONE;
    } else if (r->phase == REQUEST_TRAILER) {
        r->line_has = ch != '\n' && (r->line_has || ch != '\r');
    } else if (ch != '\r') {
        r->phase = REQUEST_BAD;
    }
}

size_t request_take(struct request *r, const char *p, size_t n)
{
    if (r->phase == REQUEST_HEAD)
        return take_head(r, p, n);
    if (r->phase == REQUEST_BODY || r->phase == REQUEST_CHUNK_DATA)
        return take_data(r, n);
    take_framing(r, *p);
    return 1;
}
