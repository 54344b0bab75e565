/* sidecar/proxy/upgrade.c - another protocol on the client's connection.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/upgrade.h"

#include "loop/digest.h"
#include "loop/mhdpump.h"

static const struct sc_str websocket = STR_INIT("websocket");

/* ---- asked for ---- */

/* protocol-name ["/" protocol-version] */
static bool is_protocol(struct sc_str s)
{
    struct sc_str rest = s, name;

    return str_split(&rest, '/', &name) && http_is_token(name) && (rest.p == NULL || http_is_token(rest));
}

static bool is_refused(struct sc_str s)
{
    const char *slash = str_chr(s, '/');
    struct sc_str name = slash == NULL ? s : str_range(s.p, slash);

    return str_ieq(name, STR("http")) || str_ieq(name, STR("tls")) ||
           (name.n >= 2 && str_ieq((struct sc_str){ name.p, 2 }, STR("h2")));
}

static bool may_pass(const struct sc_exchange *x, struct sc_str protocol)
{
    if (!is_protocol(protocol) || is_refused(protocol))
        return false;
    return x->service->conf->upgrade == UPGRADE_ANY || str_ieq(protocol, websocket);
}

static size_t room_for(const struct headers *h)
{
    size_t n = 0;

    for (struct header *f = headers_first(h, HDR_UPGRADE); f != NULL; f = headers_next(h, f, HDR_UPGRADE))
        n += f->value.n + 2;
    return n;
}

/* What the Upgrade fields name and may pass, as one list. */
static struct sc_str passing(struct sc_exchange *x, const struct headers *h)
{
    char *to = arena_alloc(&x->arena, room_for(h) + 1);
    struct sc_str list = { to, 0 }, protocol;

    for (struct header *f = headers_first(h, HDR_UPGRADE); f != NULL; f = headers_next(h, f, HDR_UPGRADE))
        for (struct sc_str rest = f->value; http_list_next(&rest, &protocol);)
            if (may_pass(x, protocol))
                http_list_add(&list, to, protocol);
    return list;
}

void upgrade_ask(struct sc_exchange *x)
{
    if (x->service->conf->upgrade != UPGRADE_NONE && x->req.minor != 0 && !x->req.has_body && !x->req.hop.close)
        x->req.upgrade = passing(x, &x->headers);
}

void upgrade_required(struct sc_exchange *x)
{
    if (x->service->conf->upgrade != UPGRADE_NONE && x->req.minor != 0 && pump_has_seam())
        x->res.upgrade = passing(x, &x->response.headers);
}

/* ---- granted ---- */

static const struct header *only(const struct headers *h, enum hdr id)
{
    struct header *first = headers_first(h, id);

    return first != NULL && headers_next(h, first, id) == NULL ? first : NULL;
}

/* RFC 6455 4.2.2: a target that answers with this has understood what was asked. */
static bool is_accepted(const struct sc_exchange *x)
{
    const struct header *key = headers_find(&x->headers, STR("Sec-WebSocket-Key"));
    const struct header *accept = headers_find(&x->response.headers, STR("Sec-WebSocket-Accept"));
    char want[DIGEST_WEBSOCKET + 1];

    return key != NULL && accept != NULL &&
           headers_find_next(&x->response.headers, accept, STR("Sec-WebSocket-Accept")) == NULL &&
           digest_websocket_accept(key->value, want) && str_eq(accept->value, str_of(want));
}

bool upgrade_is_websocket(const struct sc_exchange *x)
{
    return str_ieq(x->res.upgrade, websocket);
}

const char *upgrade_granted(struct sc_exchange *x)
{
    const struct response *r = &x->response;
    const struct header *upgrade = only(&r->headers, HDR_UPGRADE);
    struct sc_str rest, protocol;
    unsigned n = 0;

    if (r->has_length || r->chunked)
        return "the response switches protocols and announces a body";
    if (upgrade == NULL || (connection_options(&r->headers) & CONNECTION_UPGRADE) == 0)
        return "the response switches protocols and does not say to which";
    for (rest = upgrade->value; http_list_next(&rest, &protocol); n++)
        if (!http_list_has(x->req.upgrade, protocol))
            return "the response switches to a protocol that was not asked for";
    if (n == 0)
        return "the response switches protocols and does not say to which";
    x->res.upgrade = upgrade->value;
    if (http_list_has(upgrade->value, websocket) && !is_accepted(x))
        return "the response accepts another WebSocket than the one that was asked for";
    return NULL;
}
