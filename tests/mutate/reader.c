/* tests/mutate/reader.c - reads HTTP/1.1 messages by the letter of RFC 9112: what is not exactly right is an error.
 * SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_tchar(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_value(char c)
{
    return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

void reader_init(struct reader *r)
{
    struct field *fields = r->fields != NULL ? r->fields : malloc(READER_FIELDS * sizeof *fields);
    struct text held = r->held;

    if (fields == NULL)
        abort();
    held.n = 0;
    *r = (struct reader){ .ops = r->ops, .user = r->user, .requests = r->requests, .lenient = r->lenient, .held = held,
                          .fields = fields };
}

void reader_fini(struct reader *r)
{
    text_free(&r->held);
    free(r->fields);
    r->fields = NULL;
}

void reader_refuse(struct reader *r, const char *error)
{
    if (r->error == NULL)
        r->error = error;
    r->phase = READER_BROKEN;
}

static bool bad(struct reader *r, const char *error)
{
    reader_refuse(r, error);
    return false;
}

bool reader_is_idle(const struct reader *r)
{
    return r->phase == READER_HEAD_PHASE && r->held.n == 0;
}

/* ---- fields */

static bool is_named(const struct field *f, const char *name)
{
    return strlen(name) == f->name_len && strncasecmp(f->name, name, f->name_len) == 0;
}

const struct field *reader_field(const struct reader *r, const char *name)
{
    for (size_t i = 0; i < r->nfields; i++)
        if (is_named(&r->fields[i], name))
            return &r->fields[i];
    return NULL;
}

size_t reader_count(const struct reader *r, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < r->nfields; i++)
        n += is_named(&r->fields[i], name);
    return n;
}

bool field_has_token(const struct field *f, const char *token)
{
    const char *p = f->value, *end = p + f->value_len;

    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p)), *stop = comma != NULL ? comma : end, *last = stop;

        while (p < last && (*p == ' ' || *p == '\t'))
            p++;
        while (last > p && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        if ((size_t)(last - p) == strlen(token) && strncasecmp(p, token, (size_t)(last - p)) == 0)
            return true;
        p = stop < end ? stop + 1 : end;
    }
    return false;
}

static bool read_field(struct reader *r, const char *p, const char *end)
{
    struct field *f = &r->fields[r->nfields];
    const char *colon = p;

    while (colon < end && is_tchar(*colon))
        colon++;
    if (colon == p || colon == end || *colon != ':')
        return bad(r, "a field whose name is no token");
    *f = (struct field){ p, colon + 1, (size_t)(colon - p), 0 };
    while (f->value < end && (*f->value == ' ' || *f->value == '\t'))
        f->value++;
    while (end > f->value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    f->value_len = (size_t)(end - f->value);
    for (size_t i = 0; i < f->value_len; i++)
        if (!is_value(f->value[i]))
            return bad(r, "a control character in the value of a field");
    if (++r->nfields == READER_FIELDS)
        return bad(r, "too many fields");
    return true;
}

/* Lines that end in CR LF, up to the empty one. */
static bool read_fields(struct reader *r, const char *p, const char *end)
{
    r->nfields = 0;
    for (;;) {
        const char *cr = memchr(p, '\r', (size_t)(end - p));

        if (cr == NULL || cr + 1 == end || cr[1] != '\n')
            return bad(r, "a line that does not end in CR LF");
        if (cr == p)
            return cr + 2 == end || bad(r, "an empty line inside a head");
        if (!read_field(r, p, cr))
            return false;
        p = cr + 2;
    }
}

static bool read_number(const struct field *f, uint64_t *n)
{
    *n = 0;
    if (f->value_len == 0 || f->value_len > 18)
        return false;
    for (size_t i = 0; i < f->value_len; i++) {
        if (!isdigit((unsigned char)f->value[i]))
            return false;
        *n = *n * 10 + (uint64_t)(f->value[i] - '0');
    }
    return true;
}

static bool read_framing(struct reader *r)
{
    const struct field *length = reader_field(r, "content-length"), *coding = reader_field(r, "transfer-encoding");

    r->chunked = coding != NULL;
    r->has_length = length != NULL;
    r->length = 0;
    if (reader_count(r, "content-length") > 1 || reader_count(r, "transfer-encoding") > 1 || (length && coding))
        return bad(r, "a message that is framed twice");
    if (length != NULL && !read_number(length, &r->length))
        return bad(r, "a Content-Length that is no number");
    if (coding != NULL && (coding->value_len != 7 || strncasecmp(coding->value, "chunked", 7) != 0 || r->minor == 0))
        return bad(r, "a Transfer-Encoding that is not chunked");
    r->close = r->keep_alive = r->upgrade = false;
    for (size_t i = 0; i < r->nfields; i++) {
        if (!is_named(&r->fields[i], "connection"))
            continue;
        r->close |= field_has_token(&r->fields[i], "close");
        r->keep_alive |= field_has_token(&r->fields[i], "keep-alive");
        r->upgrade |= field_has_token(&r->fields[i], "upgrade");
    }
    r->upgrade &= reader_field(r, "upgrade") != NULL;
    return true;
}

/* ---- heads */

static bool read_version(struct reader *r, const char *p)
{
    if (memcmp(p, "HTTP/1.", 7) != 0 || p[7] < '0' || p[7] > (r->requests ? '1' : '9'))
        return bad(r, "another version than HTTP/1.0 and 1.1");
    r->minor = p[7] != '0';
    return true;
}

static bool read_request_line(struct reader *r, const char *p, const char *end)
{
    const char *at = p;

    while (at < end && is_tchar(*at))
        at++;
    r->method = p;
    r->method_len = (size_t)(at - p);
    if (at == p || at == end || *at != ' ')
        return bad(r, "a request line whose method is no token");
    r->target = ++at;
    while (at < end && *at > ' ' && *at < 0x7f && strchr("\"<>\\#", *at) == NULL)
        at++;
    r->target_len = (size_t)(at - r->target);
    if (r->target_len == 0 || end - at != 9 || *at != ' ')
        return bad(r, "a request line that is not made of three parts");
    return read_version(r, at + 1);
}

static bool read_status_line(struct reader *r, const char *p, const char *end)
{
    if (end - p < (r->lenient ? 12 : 13))
        return bad(r, "a status line that is too short");
    if (!read_version(r, p))
        return false;
    if (p[8] != ' ' || p[9] < '1' || p[9] > '9' || !isdigit((unsigned char)p[10]) || !isdigit((unsigned char)p[11]) ||
        (end - p > 12 && p[12] != ' '))
        return bad(r, "a status that is not three digits");
    for (const char *c = p + 12; c < end; c++)
        if (!is_value(*c))
            return bad(r, "a control character in a reason phrase");
    r->status = (unsigned)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
    return true;
}

static void message_end(struct reader *r)
{
    bool last = r->close || (r->minor == 0 && !r->keep_alive);

    r->phase = READER_HEAD_PHASE;
    r->held.n = 0;
    r->ops->on_end(r);
    if (r->phase == READER_HEAD_PHASE && last && r->status / 100 != 1)
        r->phase = READER_ENDED;
}

static void body_begin(struct reader *r)
{
    r->seen = 0;
    r->trailers = 0;
    r->left = r->length;
    r->to_close = false;
    if (r->chunked) {
        r->phase = READER_SIZE;
    } else if (r->has_length && r->length > 0) {
        r->phase = READER_COUNTED;
    } else if (r->requests || r->has_length) {
        message_end(r);
    } else {
        r->to_close = true;
        r->phase = READER_TO_CLOSE;
    }
}

static bool answer_begin(struct reader *r, enum reader_body body)
{
    bool framed = r->chunked || r->has_length, bodiless = r->status < 200 || r->status == 204 || r->status == 304;

    if (!r->lenient && framed && (r->status < 200 || r->status == 204))
        return bad(r, "a length in an answer that has no body by its status");
    if (body == READER_SWITCHED) {
        r->phase = READER_RAW;
    } else if (bodiless || body == READER_NO_BODY) {
        r->chunked = r->has_length = false;
        r->seen = 0;
        message_end(r);
    } else if (body == READER_MAYBE_BODY) {
        r->seen = 0;
        r->left = r->length;
        r->phase = READER_MAYBE;
    } else {
        body_begin(r);
    }
    return r->phase != READER_BROKEN;
}

static bool read_head(struct reader *r, const char *p, size_t n)
{
    const char *end = p + n, *cr = memchr(p, '\r', n);
    enum reader_body body;

    r->head = p;
    r->head_len = n;
    if (cr == NULL || cr + 1 == end || cr[1] != '\n')
        return bad(r, "a line that does not end in CR LF");
    if (!(r->requests ? read_request_line(r, p, cr) : read_status_line(r, p, cr)) || !read_fields(r, cr + 2, end) ||
        !read_framing(r))
        return false;
    body = r->ops->on_head(r);
    if (r->phase == READER_BROKEN)
        return false;
    if (!r->requests)
        return answer_begin(r, body);
    body_begin(r);
    return r->phase != READER_BROKEN;
}

/* The end of the block of lines that begins the bytes, or NULL. */
static const char *block_end(const char *p, size_t n, size_t from)
{
    const char *found = memmem(p + (from > 3 ? from - 3 : 0), n - (from > 3 ? from - 3 : 0), "\r\n\r\n", 4);

    return found == NULL ? NULL : found + 4;
}

static size_t in_head(struct reader *r, const char *p, size_t n)
{
    size_t before = r->held.n;
    const char *end;

    if (before == 0 && r->lenient && r->requests && n >= 2 && p[0] == '\r' && p[1] == '\n')
        return 2;
    text_add(&r->held, p, n);
    end = block_end(r->held.p, r->held.n, before);
    if (end == NULL) {
        if (r->held.n > READER_HEAD)
            bad(r, "a head without an end");
        return n;
    }
    n = (size_t)(end - r->held.p) - before;
    r->held.n = before + n;
    read_head(r, r->held.p, r->held.n);
    r->held.n = 0;
    return n;
}

/* ---- bodies */

static size_t in_data(struct reader *r, const char *p, size_t n)
{
    size_t k = r->phase == READER_TO_CLOSE || n < r->left ? n : (size_t)r->left;

    r->ops->on_body(r, p, k);
    r->seen += k;
    if (r->phase == READER_TO_CLOSE)
        return k;
    r->left -= k;
    if (r->left == 0 && r->phase == READER_COUNTED)
        message_end(r);
    else if (r->left == 0 && r->phase == READER_DATA)
        r->phase = READER_DATA_END;
    return k;
}

/* Gathers a line; true when it is whole, without its end. */
static bool line(struct reader *r, const char *p, size_t n, size_t *used, size_t limit)
{
    const char *lf = memchr(p, '\n', n);

    *used = lf == NULL ? n : (size_t)(lf - p) + 1;
    text_add(&r->held, p, *used);
    if (r->held.n > limit)
        return bad(r, "a line of a chunked body that is too long");
    if (lf == NULL)
        return false;
    if (r->held.n < 2 || r->held.p[r->held.n - 2] != '\r')
        return bad(r, "a line of a chunked body that does not end in CR LF");
    r->held.n -= 2;
    return true;
}

static size_t in_size(struct reader *r, const char *p, size_t n)
{
    size_t used, i = 0;

    if (!line(r, p, n, &used, 8192))
        return used;
    for (r->left = 0; i < r->held.n && isxdigit((unsigned char)r->held.p[i]); i++) {
        if (r->left >> 56 != 0)
            return bad(r, "a chunk size that is too large");
        r->left = r->left << 4 | (uint64_t)(isdigit((unsigned char)r->held.p[i]) ? r->held.p[i] - '0'
                                                                               : (r->held.p[i] | 0x20) - 'a' + 10);
    }
    for (size_t k = i; k < r->held.n; k++)
        if (!is_value(r->held.p[k]))
            return bad(r, "a control character in an extension of a chunk");
    if (i == 0 || (i < r->held.n && (!r->lenient || r->held.p[i] != ';')))
        return bad(r, "a chunk size that is not hexadecimal");
    r->held.n = 0;
    r->phase = r->left == 0 ? READER_TRAILER : READER_DATA;
    return used;
}

static size_t in_data_end(struct reader *r, const char *p, size_t n)
{
    size_t used;

    if (!line(r, p, n, &used, 2))
        return used;
    if (r->held.n != 0)
        return bad(r, "a chunk that does not end where it should");
    r->phase = READER_SIZE;
    return used;
}

static size_t in_trailer(struct reader *r, const char *p, size_t n)
{
    size_t used;

    if (!line(r, p, n, &used, READER_HEAD))
        return used;
    if (r->held.n == 0) {
        message_end(r);
        return used;
    }
    r->nfields = 0;
    r->trailers++;
    if (read_field(r, r->held.p, r->held.p + r->held.n))
        r->held.n = 0;
    return used;
}

static size_t maybe(struct reader *r, const char *p)
{
    if (*p == '{') {
        body_begin(r);
    } else {
        r->chunked = r->has_length = false;
        message_end(r);
    }
    return 0;
}

static size_t step(struct reader *r, const char *p, size_t n)
{
    switch (r->phase) {
    case READER_HEAD_PHASE:
        return in_head(r, p, n);
    case READER_COUNTED:
    case READER_DATA:
    case READER_TO_CLOSE:
        return in_data(r, p, n);
    case READER_SIZE:
        return in_size(r, p, n);
    case READER_DATA_END:
        return in_data_end(r, p, n);
    case READER_TRAILER:
        return in_trailer(r, p, n);
    case READER_MAYBE:
        return maybe(r, p);
    case READER_RAW:
        r->ops->on_body(r, p, n);
        return n;
    case READER_ENDED:
        return bad(r, "bytes behind the last message of a connection");
    case READER_BROKEN:
        break;
    }
    return n;
}

bool reader_feed(struct reader *r, const char *p, size_t n)
{
    while (n > 0 && r->phase != READER_BROKEN) {
        size_t k = step(r, p, n);

        p += k;
        n -= k;
    }
    return r->phase != READER_BROKEN;
}

bool reader_eof(struct reader *r)
{
    if (r->phase == READER_MAYBE || r->phase == READER_TO_CLOSE) {
        r->close = true;
        message_end(r);
    }
    return reader_is_idle(r) || r->phase == READER_RAW || r->phase == READER_ENDED;
}
