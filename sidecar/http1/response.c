/* sidecar/http1/response.c - the strict reader of response heads (RFC 9112, as a client).
 * SPDX-License-Identifier: Apache-2.0 */
#include "http1/response.h"

#include "http/chars.h"
#include "http1/fieldline.h"

#include <assert.h>

enum state { AT_STATUS, AT_FIELD, AT_END };

void response_init(struct response *r, struct arena *arena, struct header *first, unsigned cap, bool head_request,
                   bool upgrade_asked)
{
    memset(r, 0, sizeof *r);
    r->head_request = head_request;
    r->upgrade_asked = upgrade_asked;
    headers_init(&r->headers, arena, first, cap);
}

bool response_next(struct response *r, const struct response_limits *limits)
{
    struct headers list = r->headers;
    uint8_t interim = r->interim;

    headers_clear(&list);
    *r = (struct response){ .head_request = r->head_request, .upgrade_asked = r->upgrade_asked, .headers = list,
                            .interim = (uint8_t)(interim + 1), .spoiled = !r->keep_alive };
    return interim < limits->interim_max;
}

/* The caller's buffer may have moved since the last call: so do the views into it. */
static void rebase(struct response *r, const char *buf)
{
    uintptr_t by = (uintptr_t)buf - r->base;

    if (by == 0 || r->base == 0) {
        r->base = (uintptr_t)buf;
        return;
    }
    for (unsigned i = 0; i < r->headers.n; i++) {
        struct header *f = &r->headers.at[i];

        f->name.p = (const char *)((uintptr_t)f->name.p + by);
        f->value.p = (const char *)((uintptr_t)f->value.p + by);
    }
    if (r->reason.p != NULL)
        r->reason.p = (const char *)((uintptr_t)r->reason.p + by);
    r->base = (uintptr_t)buf;
}

/* "HTTP/1.1 200 OK\r\n"; the reason and the blank before it may be missing (RFC 9112 4). */
static int status_line(struct response *r, const char *p, const char *end)
{
    static const char text[] = "HTTP/1.";
    size_t n = (size_t)(end - p);
    const char *to;

    if (memcmp(p, text, n < 7 ? n : 7) != 0 || (n > 7 && !http_is_digit(p[7])))
        return RESPONSE_BAD_VERSION;
    if (n < 13)
        return 0;
    if (p[8] != ' ' || p[9] == '0' || !http_is_digit(p[9]) || !http_is_digit(p[10]) || !http_is_digit(p[11]) ||
        (p[12] != ' ' && p[12] != '\r'))
        return RESPONSE_BAD_STATUS;
    r->minor = p[7] != '0';
    r->status = (uint16_t)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
    to = http_value_end(p + 12, end);
    if (end - to < 2)
        return to == end || *to == '\r' ? 0 : RESPONSE_BAD_STATUS;
    if (to[0] != '\r' || to[1] != '\n')
        return RESPONSE_BAD_STATUS;
    r->reason = str_range(to > p + 12 ? p + 13 : to, to);
    r->state = AT_FIELD;
    return (int)(to - p) + 2;
}

/* Digits, once: a second one is refused even where RFC 9110 8.6 would let equal ones pass. */
static int length_field(struct response *r, struct sc_str v)
{
    unsigned long long length;

    if (r->has_length || v.n > 18 || !str_u64(v, &length))
        return RESPONSE_BAD_LENGTH;
    r->has_length = true;
    r->content_length = length;
    return 0;
}

static int coding_field(struct response *r, struct sc_str v)
{
    if (r->chunked || v.n != 7 || !http_same(v.p, "chunked", 7))
        return RESPONSE_BAD_CODING;
    r->chunked = true;
    return 0;
}

static int known_field(struct response *r, enum hdr id, struct sc_str value)
{
    switch (id) {
    case HDR_CONTENT_LENGTH:
        return length_field(r, value);
    case HDR_TRANSFER_ENCODING:
        return coding_field(r, value);
    case HDR_CONNECTION:
        r->options |= (uint8_t)connection_value(value);
        return 0;
    default:
        return 0;
    }
}

static int field_line(struct response *r, const char *p, const char *end, const struct response_limits *limits)
{
    struct sc_str name, value;
    enum hdr id;
    int n, error;

    if (end - p >= 2 && p[0] == '\r' && p[1] == '\n') {
        r->state = AT_END;
        return 2;
    }
    if (p < end && *p == '\r')
        return end - p < 2 ? 0 : RESPONSE_BAD_LINE;
    n = fieldline(p, end, &name, &value);
    if (n <= 0)
        return n;
    if (r->headers.n == limits->fields_max)
        return RESPONSE_TOO_LARGE;
    id = hdr_id(name.p, name.n);
    error = known_field(r, id, value);
    if (error < 0)
        return error;
    headers_put(&r->headers, id, name, value);
    return n;
}

static bool has_no_body(const struct response *r)
{
    return r->head_request || r->status < 200 || r->status == 204 || r->status == 304;
}

/* RFC 9112 6.3, without its leniencies. */
static int frame(struct response *r)
{
    if (r->chunked && r->has_length)
        return RESPONSE_CONFLICT;
    if (r->chunked && !r->minor)
        return RESPONSE_BAD_CODING;
    if (r->status == 101 && !r->upgrade_asked)
        return RESPONSE_BAD_UPGRADE;
    r->keep_alive = !r->spoiled && !(r->options & CONNECTION_CLOSE) &&
                    (r->minor || (r->options & CONNECTION_KEEP_ALIVE));
    if (has_no_body(r)) {
        r->body = BODY_NONE;
        /* A sender that announces a body where none can be may well send it: nothing behind this head is safe. */
        if (!r->head_request && r->status != 304 && (r->chunked || r->content_length > 0))
            r->keep_alive = false;
    } else if (r->chunked) {
        r->body = BODY_CHUNKED;
    } else if (r->has_length) {
        r->body = r->content_length > 0 ? BODY_LENGTH : BODY_NONE;
    } else {
        r->body = BODY_CLOSE;
        r->keep_alive = false;
    }
    return 0;
}

/* A line that did not go through (result: 0 or an error) is judged when its end is there, so that the verdict does not
 * depend on how the bytes were cut. */
static int unfinished(struct response *r, const char *buf, size_t n, int result, const struct response_limits *limits)
{
    size_t from = r->scan > r->line ? r->scan : r->line;
    const char *lf = memchr(buf + from, '\n', n - from);

    if (result == RESPONSE_BAD_VERSION)
        return result;
    r->scan = (uint32_t)n;
    if (lf == NULL)
        return n > limits->head_max ? RESPONSE_TOO_LARGE : RESPONSE_MORE;
    if ((size_t)(lf - buf) >= limits->head_max)
        return RESPONSE_TOO_LARGE;
    return result != 0 ? result : r->state == AT_STATUS ? RESPONSE_BAD_STATUS : RESPONSE_BAD_LINE;
}

/* Nothing that could change the verdict has come: the line begun is still without an end. (The version is judged at
 * once, byte by byte.) */
static bool is_same_line(const struct response *r, const char *buf, size_t n)
{
    if (n == r->line)
        return true;
    return r->scan > r->line && (r->state != AT_STATUS || r->scan >= 8) &&
           memchr(buf + r->scan, '\n', n - r->scan) == NULL;
}

int response_parse(struct response *r, const char *buf, size_t n, const struct response_limits *limits)
{
    int result;

    rebase(r, buf);
    if (r->state == AT_END)
        return (int)r->line;
    if (is_same_line(r, buf, n)) {
        r->scan = (uint32_t)n;
        return n > limits->head_max ? RESPONSE_TOO_LARGE : RESPONSE_MORE;
    }
    while (r->state != AT_END) {
        const char *p = buf + r->line, *end = buf + n;

        result = r->state == AT_STATUS ? status_line(r, p, end) : field_line(r, p, end, limits);
        if (result <= 0)
            return unfinished(r, buf, n, result, limits);
        r->line += (uint32_t)result;
        if (r->line > limits->head_max)
            return RESPONSE_TOO_LARGE;
    }
    result = frame(r);
    return result < 0 ? result : (int)r->line;
}

const char *response_error_text(int error)
{
    static const char *const texts[] = {
        [RESPONSE_MORE] = "the response head is incomplete",
        [-RESPONSE_TOO_LARGE] = "the response head is too large",
        [-RESPONSE_BAD_VERSION] = "the response does not begin with HTTP/1",
        [-RESPONSE_BAD_STATUS] = "the status line is malformed",
        [-RESPONSE_BAD_FIELD] = "a field of the response is malformed",
        [-RESPONSE_BAD_LINE] = "a line of the response does not end in CR LF",
        [-RESPONSE_BAD_LENGTH] = "the Content-Length is malformed, too large, or there twice",
        [-RESPONSE_BAD_CODING] = "the Transfer-Encoding is not exactly chunked",
        [-RESPONSE_CONFLICT] = "the response has both Content-Length and Transfer-Encoding",
        [-RESPONSE_BAD_UPGRADE] = "the response switches protocols unasked",
        [-RESPONSE_TOO_MANY] = "there are too many interim responses",
    };

    assert(error <= 0 && -error < (int)(sizeof texts / sizeof *texts));
    return texts[-error];
}
