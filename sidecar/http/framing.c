/* sidecar/http/framing.c - the strict check of a client's bytes, before any parser sees them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A state for each place at which the bytes may break off. Where a whole line is at hand, two fast paths (line_at_once,
 * fields_at_once) read it in one go; they leave everything odd untouched to the states, which alone judge. */
#include "http/framing.h"

#include "http/chars.h"
#include "http/framing_field.h"
#include "http/uri.h"

#include <assert.h>

enum state {
    S_START, S_START_LF,
    S_METHOD, S_TARGET, S_VERSION, S_LINE_LF, S_FIELD, S_NAME, S_BLANKS, S_VALUE, S_FIELD_LF, S_END_LF,
    S_BODY, S_SIZE_FIRST, S_SIZE, S_EXTENSION, S_SIZE_LF, S_DATA, S_DATA_CR, S_DATA_LF,
    S_HELD, S_ENDED, S_BAD,
};

enum form { FORM_NONE, FORM_ORIGIN, FORM_ASTERISK, FORM_SCHEME, FORM_AUTHORITY, FORM_REST };

/* Where a feed stands. `mark`: bytes of the head before it are counted in framing.head. `good`: what may be delivered
 * if the request being read turns out bad. */
struct feed {
    const char *at, *end, *mark, *good, *begin;
};

void framing_init(struct framing *f, const struct framing_limits *limits)
{
    memset(f, 0, offsetof(struct framing, method));
    f->limits = limits;
}

static void next_request(struct framing *f)
{
    uint32_t requests = f->requests;

    framing_init(f, f->limits);
    f->requests = requests;
}

void framing_release(struct framing *f)
{
    if (f->state == S_HELD)
        next_request(f);
}

enum framing_phase framing_phase(const struct framing *f)
{
    static const uint8_t phases[] = {
        [S_START] = FRAMING_IDLE, [S_START_LF] = FRAMING_IDLE,
        [S_METHOD ... S_END_LF] = FRAMING_HEAD, [S_BODY ... S_DATA_LF] = FRAMING_BODY,
        [S_HELD] = FRAMING_HELD, [S_ENDED] = FRAMING_ENDED, [S_BAD] = FRAMING_ENDED,
    };

    return f->trailer && f->state <= S_END_LF ? FRAMING_BODY : (enum framing_phase)phases[f->state];
}

bool framing_body_begun(const struct framing *f)
{
    return !(f->state == S_BODY && f->left == f->length) && !(f->state == S_SIZE_FIRST && f->digits == 0);
}

static void message_end(struct framing *f)
{
    f->requests++;
    if (f->close || (!f->minor && !f->keep_alive))
        f->state = S_ENDED;
    else if (f->upgrade && f->connection_upgrade && f->minor)    /* RFC 9110 7.8: not in HTTP/1.0 */
        f->state = S_HELD;
    else
        next_request(f);
}

static int head_end(struct framing *f)
{
    if (f->trailer) {
        message_end(f);
        return 0;
    }
    if (!framing_head_is_sound(f))
        return 400;
    if (f->chunked) {
        f->state = S_SIZE_FIRST;
    } else if (f->length > 0) {
        f->left = f->length;
        f->state = S_BODY;
    } else {
        message_end(f);
    }
    return 0;
}

/* ---- fields ---- */

/* `colon` stands behind the name of a Cookie. */
static void note_cookie(struct framing *f, const struct feed *d, const char *colon)
{
    if (!f->trailer && colon > d->begin && f->cookies < FRAMING_COOKIES)
        f->cookie[f->cookies++] = (uint32_t)(colon - 1 - d->begin);
}

/* ---- fast paths ---- */

static bool is_two(const char *p, char a, char b)
{
    return p[0] == a && p[1] == b;
}

/* "METHOD /target HTTP/1.1\r\n". */
static bool line_at_once(struct framing *f, struct feed *d)
{
    const char *method = d->at, *space = http_token_end(method, d->end), *target = space + 1, *end;

    if (d->end - space < 2 || space == method || space - method > FRAMING_METHOD_MAX || !is_two(space, ' ', '/'))
        return false;
    if (*method == 'C' || (*method == 'P' && method[1] == 'R'))      /* CONNECT, PRI */
        return false;
    end = http_target_end(target, d->end);
    if (d->end - end < 11 || memcmp(end, " HTTP/1.1\r\n", 11) != 0)
        return false;
    if ((size_t)(end - target) > f->limits->target_max || (size_t)(end + 11 - d->mark) > f->limits->head_max)
        return false;
    f->minor = true;
    f->state = S_FIELD;
    d->at = end + 11;
    return true;
}

/* Takes whole lines "name: value\r\n" as long as all is well with them. */
static void fields_at_once(struct framing *f, struct feed *d)
{
    while (f->fields < f->limits->fields_max) {
        const char *colon = http_token_end(d->at, d->end), *value, *end;
        enum framing_field field;

        if (colon == d->end || colon == d->at || *colon != ':')
            return;
        value = http_skip_blanks(colon + 1, d->end);
        end = http_value_end(value, d->end);
        if (d->end - end < 2 || !is_two(end, '\r', '\n'))
            return;
        field = framing_field_of(d->at, (size_t)(colon - d->at));
        if (field == FRAMING_FIELD_COOKIE)
            note_cookie(f, d, colon);
        else if (field != FRAMING_FIELD_OTHER &&
                 (end - value >= FRAMING_VALUE_MAX || framing_field_value(f, field, str_range(value, end)) != 0))
            return;
        f->fields++;
        d->at = end + 2;
    }
}

/* ---- the request line, state by state: each takes what it can, and returns 0 or the status of a violation at d->at ---- */

static bool in_head(const struct framing *f)
{
    return f->state >= S_METHOD && f->state <= S_END_LF;
}

/* How much of the head being read is here; `to` is the byte behind it. */
static uint64_t head_size(const struct framing *f, const struct feed *d, const char *to)
{
    return in_head(f) ? f->head + (uint64_t)(to - d->mark) : 0;
}

static int expect(struct framing *f, struct feed *d, char c, enum state next)
{
    if (*d->at != c)
        return 400;
    d->at++;
    f->state = next;
    return 0;
}

static int at_start(struct framing *f, struct feed *d)
{
    if (!f->crlf_skipped)
        d->good = d->at;
    d->mark = d->at;
    if (line_at_once(f, d))
        return 0;
    if (*d->at == '\r' && !f->crlf_skipped) {       /* RFC 9112 2.2: one empty line before a request, no more */
        f->crlf_skipped = true;
        return expect(f, d, '\r', S_START_LF);
    }
    if (!http_is(*d->at, CH_TOKEN))
        return 400;
    f->state = S_METHOD;
    return 0;
}

static bool is_method(const struct framing *f, const char *name)
{
    return f->method_len == strlen(name) && memcmp(f->method, name, f->method_len) == 0;
}

static int in_method(struct framing *f, struct feed *d)
{
    for (; d->at < d->end && http_is(*d->at, CH_TOKEN); d->at++) {
        if (f->method_len == FRAMING_METHOD_MAX)
            return 501;
        if (f->method_len < sizeof f->method)
            f->method[f->method_len] = *d->at;
        f->method_len++;
    }
    if (d->at == d->end)
        return 0;
    if (*d->at == ' ' && is_method(f, "CONNECT"))
        return 501;
    if (*d->at == ' ' && is_method(f, "PRI"))       /* RFC 9113 3.4 */
        return 505;
    return expect(f, d, ' ', S_TARGET);
}

/* "http://" or "https://"; f->form_pos counts along the longer one. */
static bool scheme_byte(struct framing *f, char c)
{
    static const char text[] = "https://";

    if (f->form_pos == 4 && c == ':')
        f->form_pos++;
    if ((c | 32) != text[f->form_pos])
        return false;
    if (++f->form_pos == sizeof text - 1)
        f->form = FORM_AUTHORITY;
    return true;
}

static bool authority_byte(struct framing *f, char c)
{
    if (c == '/' || c == '?') {
        f->form = FORM_REST;
        return uri_is_authority((struct sc_str){ f->value, f->value_len });
    }
    if (f->value_len == FRAMING_VALUE_MAX - 1)
        return false;
    f->value[f->value_len++] = c;
    return true;
}

static bool first_byte(struct framing *f, char c)
{
    f->form = c == '/' ? FORM_ORIGIN : c == '*' ? FORM_ASTERISK : FORM_SCHEME;
    return f->form != FORM_SCHEME || scheme_byte(f, c);
}

static bool target_byte(struct framing *f, char c)
{
    switch (f->form) {
    case FORM_NONE:
        return first_byte(f, c);
    case FORM_SCHEME:
        return scheme_byte(f, c);
    case FORM_AUTHORITY:
        return authority_byte(f, c);
    default:
        return f->form != FORM_ASTERISK;
    }
}

static int target_end(struct framing *f, struct feed *d)
{
    bool good = f->form == FORM_ORIGIN || f->form == FORM_REST;

    if (f->form == FORM_ASTERISK)                   /* RFC 9112 3.2.4 */
        good = is_method(f, "OPTIONS");
    else if (f->form == FORM_AUTHORITY)
        good = uri_is_authority((struct sc_str){ f->value, f->value_len });
    return good ? expect(f, d, ' ', S_VERSION) : 400;
}

static int in_target(struct framing *f, struct feed *d)
{
    for (; d->at < d->end && *d->at != ' '; d->at++) {
        if (f->target == f->limits->target_max || head_size(f, d, d->at) == f->limits->head_max)
            return 414;
        if (!http_is(*d->at, CH_TARGET) || !target_byte(f, *d->at))
            return 400;
        f->target++;
    }
    return d->at < d->end ? target_end(f, d) : 0;
}

/* A digit each (RFC 9112 2.3). What is spelled otherwise is no version but a malformed line: 400, not 505. */
static int in_version(struct framing *f, struct feed *d)
{
    static const char text[] = "HTTP/1.1\r";

    for (; d->at < d->end && f->version_pos < sizeof text - 1; d->at++, f->version_pos++) {
        char c = *d->at;
        bool is_number = f->version_pos == 5 || f->version_pos == 7;

        if (is_number ? !http_is_digit(c) : c != text[f->version_pos])
            return 400;
        if (is_number)
            f->other_version |= c != '1' && !(c == '0' && f->version_pos == 7);
        if (f->version_pos == 7)
            f->minor = c == '1';
        if (c == '\r' && f->other_version)
            return 505;
    }
    if (f->version_pos == sizeof text - 1)
        f->state = S_LINE_LF;
    return 0;
}

/* ---- fields, state by state ---- */

static int at_field(struct framing *f, struct feed *d)
{
    fields_at_once(f, d);
    if (d->at == d->end)
        return 0;
    if (*d->at == '\r')
        return expect(f, d, '\r', S_END_LF);
    if (!http_is(*d->at, CH_TOKEN))
        return 400;
    if (f->fields == f->limits->fields_max)
        return 431;
    f->fields++;
    f->name_len = 0;
    f->value_len = 0;
    f->state = S_NAME;
    return 0;
}

static int in_name(struct framing *f, struct feed *d)
{
    for (; d->at < d->end && http_is(*d->at, CH_TOKEN); d->at++) {
        if (f->name_len < sizeof f->name)
            f->name[f->name_len] = *d->at;
        f->name_len += f->name_len <= sizeof f->name;
    }
    f->field = (uint8_t)framing_field_of(f->name, f->name_len);
    if (f->field == FRAMING_FIELD_COOKIE) {         /* or the beginning of a longer name, if the bytes end here */
        f->field = FRAMING_FIELD_OTHER;
        note_cookie(f, d, d->at);
    }
    return d->at == d->end ? 0 : expect(f, d, ':', S_BLANKS);
}

static int in_blanks(struct framing *f, struct feed *d)
{
    d->at = http_skip_blanks(d->at, d->end);
    if (d->at < d->end)
        f->state = S_VALUE;
    return 0;
}

/* A value that matters, kept until it is whole. */
static int keep_value(struct framing *f, struct feed *d, const char *end)
{
    size_t n = (size_t)(end - d->at), room = FRAMING_VALUE_MAX - 1u - f->value_len, k = n < room ? n : room;

    memcpy(f->value + f->value_len, d->at, k);
    f->value_len += (uint16_t)k;
    d->at += k;
    return k < n ? 400 : 0;
}

static int in_value(struct framing *f, struct feed *d)
{
    const char *end = http_value_end(d->at, d->end);
    int status = f->field != FRAMING_FIELD_OTHER ? keep_value(f, d, end) : 0;

    if (status != 0)
        return status;
    d->at = end;
    if (end == d->end)
        return 0;
    if (*end == '\r' && f->field != FRAMING_FIELD_OTHER)
        status = framing_field_value(f, f->field, (struct sc_str){ f->value, f->value_len });
    return status != 0 ? status : expect(f, d, '\r', S_FIELD_LF);
}

static int at_end_lf(struct framing *f, struct feed *d)
{
    int status;

    if (*d->at != '\n')
        return 400;
    if (f->head + (uint64_t)(d->at - d->mark) >= f->limits->head_max)
        return 431;
    status = head_end(f);
    d->at += status == 0;
    return status;
}

/* ---- the body ---- */

static bool skip_body(struct framing *f, struct feed *d)
{
    uint64_t have = (uint64_t)(d->end - d->at), n = have < f->left ? have : f->left;

    d->at += n;
    f->left -= n;
    return f->left == 0;
}

static int in_body(struct framing *f, struct feed *d)
{
    if (skip_body(f, d))
        message_end(f);
    return 0;
}

static int in_size(struct framing *f, struct feed *d)
{
    for (; d->at < d->end && http_hex[(unsigned char)*d->at] < 16; d->at++) {
        if (f->digits == 16 || f->left >> 56 != 0)  /* never a size that overflows somewhere behind us */
            return 400;
        f->left = f->left << 4 | http_hex[(unsigned char)*d->at];
        f->digits++;
    }
    if (d->at == d->end)
        return 0;
    if (*d->at == ';' && (f->left == 0 || f->limits->extensions))
        return expect(f, d, ';', S_EXTENSION);
    return expect(f, d, '\r', S_SIZE_LF);
}

static int at_size(struct framing *f, struct feed *d)
{
    if (http_hex[(unsigned char)*d->at] > 15)
        return 400;
    f->left = 0;
    f->digits = f->extension = 0;
    f->state = S_SIZE;
    return in_size(f, d);
}

static int in_extension(struct framing *f, struct feed *d)
{
    const char *end = http_value_end(d->at, d->end);

    if ((size_t)(end - d->at) + f->extension > f->limits->extension_max)
        return 400;
    f->extension += (uint16_t)(end - d->at);
    d->at = end;
    return end == d->end ? 0 : expect(f, d, '\r', S_SIZE_LF);
}

static int at_size_lf(struct framing *f, struct feed *d)
{
    if (f->left > 0)
        return expect(f, d, '\n', S_DATA);
    if (*d->at != '\n')
        return 400;
    f->trailer = true;
    f->fields = 0;
    f->head = 0;
    d->mark = d->at + 1;
    return expect(f, d, '\n', S_FIELD);
}

static int in_data(struct framing *f, struct feed *d)
{
    if (skip_body(f, d))
        f->state = S_DATA_CR;
    return 0;
}

/* ---- all of it ---- */

static int step(struct framing *f, struct feed *d)
{
    switch ((enum state)f->state) {
    case S_START:
        return at_start(f, d);
    case S_START_LF:
        return expect(f, d, '\n', S_START);
    case S_METHOD:
        return in_method(f, d);
    case S_TARGET:
        return in_target(f, d);
    case S_VERSION:
        return in_version(f, d);
    case S_LINE_LF:
        return expect(f, d, '\n', S_FIELD);
    case S_FIELD:
        return at_field(f, d);
    case S_NAME:
        return in_name(f, d);
    case S_BLANKS:
        return in_blanks(f, d);
    case S_VALUE:
        return in_value(f, d);
    case S_FIELD_LF:
        return expect(f, d, '\n', S_FIELD);
    case S_END_LF:
        return at_end_lf(f, d);
    case S_BODY:
        return in_body(f, d);
    case S_SIZE_FIRST:
        return at_size(f, d);
    case S_SIZE:
        return in_size(f, d);
    case S_EXTENSION:
        return in_extension(f, d);
    case S_SIZE_LF:
        return at_size_lf(f, d);
    case S_DATA:
        return in_data(f, d);
    case S_DATA_CR:
        return expect(f, d, '\r', S_DATA_LF);
    case S_DATA_LF:
        return expect(f, d, '\n', S_SIZE_FIRST);
    case S_HELD:
    case S_ENDED:
    case S_BAD:
        break;
    }
    assert(false);
    return 400;
}

/* A violation at d->at. Where the head was over its limit before that, this is what is said: the same as if the bytes
 * had come one by one. (In a target it is the target that is too long.) */
static size_t violation(struct framing *f, const struct feed *d, const char *bytes, int status)
{
    if (head_size(f, d, d->at) >= f->limits->head_max + (status == 414 ? 1ull : 0))
        status = 431;
    f->verdict = (int16_t)status;
    f->state = S_BAD;
    return (size_t)(d->good - bytes);
}

size_t framing_feed(struct framing *f, const char *bytes, size_t n)
{
    struct feed d = { bytes, bytes + n, bytes, bytes, bytes };

    f->cookies = 0;
    while (d.at < d.end && f->state < S_HELD) {
        int status = step(f, &d);

        if (__builtin_expect(status != 0, 0))
            return violation(f, &d, bytes, status);
    }
    if (f->state == S_ENDED && d.at < d.end)
        f->verdict = FRAMING_CLOSE;
    if (f->state == S_BAD)
        return 0;
    if (in_head(f)) {
        f->head += (uint32_t)(d.end - d.mark);
        d.mark = d.at = d.end;
        if (f->head > f->limits->head_max)
            return violation(f, &d, bytes, 431);
    }
    return (size_t)(d.at - bytes);
}
