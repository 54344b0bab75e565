/* tests/bench/answer.c - reads one HTTP/1.1 answer and finds everything that is wrong with it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"
#include "pattern.h"

#include <stdio.h>
#include <stdlib.h>

enum phase { HEAD, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, DONE };

/* Pieces up to this are compared whole, longer ones at both ends: a megabyte must not cost more to check than to
 * relay. */
#define COMPARE_WHOLE 16384u
#define COMPARE_END 64u

void answer_reset(struct answer *a)
{
    free(a->head);
    *a = (struct answer){ 0 };
}

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

static bool read_field(struct answer *a, const char *line, size_t n)
{
    const char *v;
    char *end;
    size_t len;

    if (field_is(line, n, "content-length", &v, &len)) {
        bool again = a->has_length;

        a->left = strtoull(v, &end, 10);
        a->has_length = true;
        return !again && len != 0 && end == v + len;
    }
    if (field_is(line, n, "transfer-encoding", &v, &len)) {
        a->chunked = true;
        return len == 7 && strncasecmp(v, "chunked", 7) == 0;
    }
    if (field_is(line, n, "connection", &v, &len))
        a->closing = len == 5 && strncasecmp(v, "close", 5) == 0;
    return true;
}

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

/* "HTTP/1.1 200 OK" is 200, at most 599; 0 when it is something else. */
static int read_status(const char *p, size_t n)
{
    if (n < 12 || memcmp(p, "HTTP/1.1 ", 9) != 0 || p[9] < '1' || p[9] > '5' || !is_digit(p[10]) || !is_digit(p[11]))
        return 0;
    return (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
}

/* A head with its empty line. */
static bool read_head(struct answer *a, const char *p, size_t n)
{
    const char *end = p + n - 2, *eol = memchr(p, '\r', n);

    a->status = read_status(p, (size_t)(eol - p));
    if (a->status == 0)
        return false;
    for (p = eol + 2; p < end; p = eol + 2) {
        eol = memchr(p, '\r', (size_t)(end - p) + 1);
        if (eol == NULL || eol[1] != '\n' || memchr(p, ':', (size_t)(eol - p)) == NULL)
            return false;
        if ((*p == 'C' || *p == 'c' || *p == 'T' || *p == 't') && !read_field(a, p, (size_t)(eol - p)))
            return false;
    }
    return a->chunked != a->has_length;
}

static bool pattern_is(const char *p, size_t n, uint64_t offset)
{
    static char pattern[COMPARE_WHOLE + PATTERN_PERIOD];

    if (pattern[0] == '\0')
        pattern_fill(pattern, sizeof pattern, 0);
    return memcmp(p, pattern + offset % PATTERN_PERIOD, n) == 0;
}

static bool number_is(const char *p, size_t n, size_t offset, uint64_t number)
{
    char digits[PATTERN_DIGITS + 1];

    snprintf(digits, sizeof digits, "%0*llu", PATTERN_DIGITS, (unsigned long long)number);
    return memcmp(p, digits + offset, n) == 0;
}

static bool body_is(const struct answer_expect *e, const char *p, size_t n, uint64_t offset)
{
    if (e->counted && offset < PATTERN_DIGITS) {
        size_t k = n < PATTERN_DIGITS - offset ? n : PATTERN_DIGITS - (size_t)offset;

        if (!number_is(p, k, (size_t)offset, e->number))
            return false;
        p += k;
        n -= k;
        offset += k;
    }
    if (n <= COMPARE_WHOLE)
        return pattern_is(p, n, offset);
    return pattern_is(p, COMPARE_END, offset) && pattern_is(p + n - COMPARE_END, COMPARE_END, offset + n - COMPARE_END);
}

static enum answer_result take_data(struct answer *a, const struct answer_expect *e, const char *p, size_t n)
{
    if (a->seen + n > e->length)
        return ANSWER_BAD_LENGTH;
    if (!body_is(e, p, n, a->seen))
        return ANSWER_BAD_BODY;
    a->seen += n;
    a->left -= n;
    if (a->left == 0)
        a->phase = a->phase == BODY ? DONE : CHUNK_END;
    return ANSWER_MORE;
}

static int hex_digit(char ch)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF", *at = ch != '\0' ? strchr(digits, ch) : NULL;

    return at != NULL ? (int)((at - digits) % 16) : -1;
}

/* One byte of the framing of a chunked body. */
static bool take_framing(struct answer *a, char ch)
{
    int digit = hex_digit(ch);

    if (a->phase == CHUNK_SIZE && digit >= 0 && a->left < UINT64_C(1) << 40) {
        a->left = a->left * 16 + (uint64_t)digit;
        a->had_digit = true;
    } else if (a->phase == CHUNK_SIZE && ch == '\n' && a->had_digit) {
        a->phase = a->left != 0 ? CHUNK_DATA : TRAILER;
        a->had_digit = a->line_has = false;
    } else if (a->phase == CHUNK_END && ch == '\n') {
        a->phase = CHUNK_SIZE;
    } else if (a->phase == TRAILER && ch == '\n' && !a->line_has) {
        a->phase = DONE;
    } else if (a->phase == TRAILER) {
        a->line_has = ch != '\n' && (a->line_has || ch != '\r');
    } else if (ch != '\r') {
        return false;
    }
    return true;
}

static enum answer_result take_body(struct answer *a, const struct answer_expect *e, const char *p, size_t n)
{
    while (n != 0 && a->phase != DONE) {
        size_t k = 1;

        if (a->phase == BODY || a->phase == CHUNK_DATA) {
            enum answer_result r;

            k = n < a->left ? n : (size_t)a->left;
            r = take_data(a, e, p, k);
            if (r != ANSWER_MORE)
                return r;
        } else if (!take_framing(a, *p)) {
            return ANSWER_BAD_BODY;
        }
        p += k;
        n -= k;
    }
    if (a->phase != DONE)
        return ANSWER_MORE;
    if (a->seen != e->length)
        return ANSWER_BAD_LENGTH;
    return n == 0 ? ANSWER_DONE : ANSWER_TRAILING;
}

/* p holds a whole head and what came behind it. */
static enum answer_result begin(struct answer *a, const struct answer_expect *e, const char *p, size_t n,
                                size_t head_len)
{
    if (!read_head(a, p, head_len))
        return ANSWER_BAD_HEAD;
    if (a->status != e->status)
        return ANSWER_BAD_STATUS;
    if (a->has_length && a->left != e->length)
        return ANSWER_BAD_LENGTH;
    a->phase = a->chunked ? CHUNK_SIZE : a->left != 0 ? BODY : DONE;
    return take_body(a, e, p + head_len, n - head_len);
}

static enum answer_result keep_head(struct answer *a, const char *p, size_t n)
{
    char *head;

    if (a->head_len + n > ANSWER_HEAD_LIMIT || (head = realloc(a->head, a->head_len + n)) == NULL)
        return ANSWER_BAD_HEAD;
    memcpy(head + a->head_len, p, n);
    a->head = head;
    a->head_len += n;
    return ANSWER_MORE;
}

enum answer_result answer_feed(struct answer *a, const struct answer_expect *e, const char *p, size_t n)
{
    const char *end;

    if (a->phase != HEAD)
        return take_body(a, e, p, n);
    if (a->head != NULL) {
        if (keep_head(a, p, n) != ANSWER_MORE)
            return ANSWER_BAD_HEAD;
        p = a->head;
        n = a->head_len;
    }
    end = memmem(p, n, "\r\n\r\n", 4);
    if (end != NULL)
        return begin(a, e, p, n, (size_t)(end - p) + 4);
    return a->head != NULL ? ANSWER_MORE : keep_head(a, p, n);
}
