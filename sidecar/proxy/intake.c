/* sidecar/proxy/intake.c - a request as it comes in: what has to be seen to before it takes a route.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/intake.h"

#include "http/forwarded.h"
#include "proxy/peer.h"
#include "proxy/reply.h"
#include "proxy/view.h"

enum { FORWARDS_MAX = 1000 };           /* more hops than this are no path but a loop */

static bool refuse(struct sc_exchange *x, enum err e, const char *detail)
{
    reply_error(x, e, detail);
    return false;
}

/* Without the seam nobody stood before the library's parser: what can still be seen is checked now. */
static bool check_late(struct sc_exchange *x)
{
    const struct framing_limits *limits = &x->listener->limits.framing;
    size_t n = x->req.method_name.n + x->req.target.n + sizeof " HTTP/1.1\r\n\r\n";
    unsigned status;

    for (unsigned i = 0; i < x->headers.n; i++)
        n += x->headers.at[i].name.n + x->headers.at[i].value.n + sizeof ": \r\n" - 1;
    if (x->req.target.n > limits->target_max)
        status = 414;
    else if (n > limits->head_max || x->headers.n > limits->fields_max)
        status = 431;
    else
        status = framing_check_parsed(x->req.method_name, x->req.target,
                                      x->req.minor != 0 ? STR("HTTP/1.1") : STR("HTTP/1.0"), &x->headers);
    if (status == 0)
        return true;
    x->down.close = true;
    return refuse(x, problem_of_verdict(status), NULL);
}

/* ---- the target ---- */

static const char *read_target(struct sc_exchange *x)
{
    const struct header *host = headers_first(&x->headers, HDR_HOST);
    const char *wrong = uri_parse(&x->req.uri, x->req.target, &x->listener->uri, &x->arena);

    if (wrong != NULL)
        return wrong;
    if (x->req.uri.form == URI_ASTERISK && x->req.method != METHOD_OPTIONS)
        return "only OPTIONS may ask for \"*\"";
    if (x->req.uri.no_path && x->req.method == METHOD_OPTIONS)          /* RFC 9112 3.2.4 */
        x->req.uri.path = STR("*");
    /* The authority of an absolute form replaces a Host that differs (RFC 9112 3.2.2). */
    x->req.host = x->req.uri.authority.n > 0 ? x->req.uri.authority : host != NULL ? host->value : STR_NONE;
    if (x->req.host.n > 0 && !uri_is_authority(x->req.host))
        return "the Host is not a name or address";
    if (x->req.host.n == 0 && x->req.minor > 0 && host == NULL)
        return "no Host";
    return NULL;
}

static bool check_target(struct sc_exchange *x)
{
    const char *wrong = read_target(x);

    if (wrong != NULL)
        return refuse(x, ERR_BAD_REQUEST, wrong);
    if (x->req.method == METHOD_CONNECT)
        return refuse(x, ERR_NOT_IMPLEMENTED, "the sidecar does not pass on CONNECT");
    if (x->req.method == METHOD_TRACE) {
        x->res.allow = STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        return refuse(x, ERR_METHOD_NOT_ALLOWED, "the sidecar does not pass on TRACE");
    }
    /* RFC 9110 7.4: nobody else may ask in clear text for what is only to be had by TLS. */
    if (x->req.uri.https && !x->req.trusted)
        return refuse(x, ERR_MISDIRECTED_REQUEST, "an https target on a connection without TLS");
    return true;
}

/* ---- fields that are meant for us ---- */

/* RFC 9110 10.1.1: HTTP/1.0 knows no expectations; of the others there is one. */
static bool check_expect(struct sc_exchange *x)
{
    struct sc_str rest, item;

    if (x->req.minor == 0)
        return true;
    for (struct header *f = headers_first(&x->headers, HDR_EXPECT); f != NULL; f = headers_next(&x->headers, f, HDR_EXPECT))
        for (rest = f->value; http_list_next(&rest, &item);)
            if (!str_ieq(item, STR("100-continue")))
                return refuse(x, ERR_EXPECTATION_FAILED, "the sidecar knows no expectation but 100-continue");
    return true;
}

/* RFC 9110 7.6.3. A request that was here before would come again and again. */
static bool check_via(struct sc_exchange *x)
{
    struct sc_str us = str_of(x->listener->via);

    for (struct header *f = headers_first(&x->headers, HDR_VIA); f != NULL; f = headers_next(&x->headers, f, HDR_VIA))
        if (via_names(f->value, us))
            return refuse(x, ERR_LOOP_DETECTED, "the request has come through this listener before");
    return true;
}

/* RFC 9110 7.6.2: of OPTIONS only (TRACE is refused). */
static bool check_max_forwards(struct sc_exchange *x)
{
    struct header *f = headers_first(&x->headers, HDR_MAX_FORWARDS);
    unsigned long long n;

    if (x->req.method != METHOD_OPTIONS || f == NULL)
        return true;
    if (headers_next(&x->headers, f, HDR_MAX_FORWARDS) != NULL || !str_u64(f->value, &n))
        return refuse(x, ERR_BAD_REQUEST, "Max-Forwards is not a number");
    x->req.last_hop = n == 0;
    x->req.max_forwards = n < FORWARDS_MAX ? (unsigned)n : FORWARDS_MAX;
    return true;
}

static bool check_fields(struct sc_exchange *x)
{
    const struct headers *h = &x->headers;

    return (!headers_may_have(h, HDR_EXPECT) || check_expect(x)) && (!headers_may_have(h, HDR_VIA) || check_via(x)) &&
           (!headers_may_have(h, HDR_MAX_FORWARDS) || check_max_forwards(x));
}

bool intake(struct sc_exchange *x)
{
    if (!pump_has_seam() && !check_late(x))
        return false;
    peer_identify(x);
    if (!check_target(x) || !check_fields(x))
        return false;
    if (x->req.method == METHOD_OPTIONS && str_eq(x->req.uri.path, STR("*"))) {
        reply_options(x, STR_NONE);                     /* of the server as a whole: it is here (RFC 9110 9.3.7) */
        return false;
    }
    return true;
}
