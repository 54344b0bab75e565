/* sidecar/http/problem.c - the errors that the sidecar makes itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/problem.h"

#include "http/chars.h"
#include "http/status.h"

static const struct problem problems[ERR_COUNT] = {
    { STR_INIT(""), STR_INIT(""), STR_INIT(""), 0 },
#define PROBLEM_ROW(id, code, status, title, error) { STR_INIT(code), STR_INIT(title), STR_INIT(error), status },
    PROBLEMS(PROBLEM_ROW)
#undef PROBLEM_ROW
};

const struct problem *problem_of(enum err e)
{
    return &problems[e];
}

enum err problem_find(struct sc_str code)
{
    for (unsigned i = 1; i < ERR_COUNT; i++)
        if (str_eq(problems[i].code, code))
            return (enum err)i;
    return ERR_NONE;
}

enum err problem_of_verdict(unsigned status)
{
    switch (status) {
    case 414:
        return ERR_URI_TOO_LONG;
    case 431:
        return ERR_HEADER_TOO_LARGE;
    case 501:
        return ERR_NOT_IMPLEMENTED;
    case 505:
        return ERR_VERSION_NOT_SUPPORTED;
    default:
        return ERR_BAD_REQUEST;
    }
}

static void member(struct buf *to, const char *name, struct sc_str value)
{
    if (value.n == 0)
        return;
    buf_puts(to, ",\"");
    buf_puts(to, name);
    buf_puts(to, "\":");
    buf_json(to, value);
}

void problem_body(struct buf *to, const struct problem *p, struct sc_str detail, struct sc_str instance)
{
    buf_puts(to, "{\"type\":\"urn:outrider:error:");
    buf_str(to, p->code);
    buf_putc(to, '"');
    member(to, "title", p->title);
    buf_printf(to, ",\"status\":%u", p->status);
    member(to, "detail", detail.n > 0 ? detail : p->title);
    member(to, "instance", instance);
    member(to, "code", p->code);
    buf_puts(to, "}\n");
}

/* RFC 8941 3.3.3: printable ASCII; quotes and backslashes escaped. */
static void structured_string(struct buf *to, struct sc_str s)
{
    buf_putc(to, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            buf_putc(to, '\\');
        buf_putc(to, s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?');
    }
    buf_putc(to, '"');
}

/* RFC 8941 3.3.4: begins with a letter, then token characters, ':' and '/'. */
static bool is_structured_token(struct sc_str s)
{
    if (s.n == 0 || (s.p[0] | 32) < 'a' || (s.p[0] | 32) > 'z')
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!http_is(s.p[i], CH_TOKEN) && s.p[i] != ':' && s.p[i] != '/')
            return false;
    return true;
}

void problem_proxy_status(struct buf *to, const struct problem *p, struct sc_str who, struct sc_str details)
{
    if (is_structured_token(who))
        buf_str(to, who);
    else
        structured_string(to, who);
    buf_puts(to, "; error=");
    buf_str(to, p->proxy_error);
    if (details.n > 0) {
        buf_puts(to, "; details=");
        structured_string(to, details);
    }
}

void problem_response(struct buf *to, const struct problem *p, struct sc_str who, struct sc_str detail,
                      struct sc_str date)
{
    struct sc_str reason = status_reason(p->status);
    struct buf body = BUF_INIT;

    problem_body(&body, p, detail, STR_NONE);
    buf_printf(to, "HTTP/1.1 %u %.*s\r\n", p->status, STR_ARG(reason));
    if (date.n > 0)
        buf_printf(to, "Date: %.*s\r\n", STR_ARG(date));
    buf_printf(to, "Content-Type: application/problem+json\r\nContent-Length: %zu\r\nConnection: close\r\nProxy-Status: ",
               body.n);
    problem_proxy_status(to, p, who, STR_NONE);
    buf_puts(to, "\r\n\r\n");
    buf_str(to, buf_view(&body));
    buf_fini(&body);
}
