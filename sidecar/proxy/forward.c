/* sidecar/proxy/forward.c - the head of the request as the target gets to see it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The fields that say who asked are the same for all requests of a connection, but for the host: they are written once
 * and kept with the connection as a block of text, Via among them: it may stand in several fields, so it goes behind those
 * that came. Only a request that brings fields of who asked, from a proxy that may, has them put together anew. */
#include "proxy/forward.h"

#include "discovery/target.h"
#include "http/trailer.h"
#include "http1/request.h"
#include "proxy/peer.h"
#include "proxy/upgrade.h"
#include "proxy/view.h"

/* ---- what goes on ---- */

/* One hop less (RFC 9110 7.6.2); intake.c has read the number. */
static void count_down(struct sc_exchange *x)
{
    char *text = arena_printf(&x->arena, "%u", x->req.max_forwards - 1);

    headers_set(&x->out, HDR_MAX_FORWARDS, str_of(text));
}

void forward_prepare(struct sc_exchange *x)
{
    struct headers *out = &x->out;

    headers_init(out, &x->arena, x->out_fields, EXCHANGE_FIELDS);
    while (out->cap < x->headers.n)
        headers_grow(out);
    memcpy(out->at, x->headers.at, x->headers.n * sizeof *out->at);
    out->n = x->headers.n;
    memcpy(out->seen, x->headers.seen, sizeof out->seen);
    hop_strip(out, &x->req.hop);
    headers_remove(out, HDR_EXPECT);
    if (x->req.hop.upgrade)
        upgrade_ask(x);
    if (x->req.max_forwards > 0)
        count_down(x);
}

/* ---- who asked ---- */

static bool brings_its_own(const struct sc_exchange *x)
{
    static const enum hdr ids[] = { HDR_X_FORWARDED_FOR, HDR_X_FORWARDED_PROTO, HDR_X_FORWARDED_HOST,
                                    HDR_X_FORWARDED_PORT, HDR_FORWARDED };

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (headers_first(&x->out, ids[i]) != NULL)
            return true;
    return false;
}

/* What the peer is called: a unix socket has no address. */
static struct sc_str peer_name(const struct sc_exchange *x)
{
    return x->listener->socket->local ? STR("unknown") : client_text(x->client);
}

/* RFC 7239 4: tokens as they are, anything else (a port, an IPv6 address) quoted. */
static void forwarded_value(struct buf *b, struct sc_str ip, struct sc_str host, struct sc_str proto)
{
    bool v6 = str_chr(ip, ':') != NULL;

    buf_printf(b, v6 ? "for=\"[%.*s]\"" : "for=%.*s", STR_ARG(ip));
    if (host.n > 0)
        buf_printf(b, http_is_token(host) ? ";host=%.*s" : ";host=\"%.*s\"", STR_ARG(host));
    if (proto.n > 0)
        buf_printf(b, ";proto=%.*s", STR_ARG(proto));
}

static void write_block(struct sc_exchange *x, struct peer *p)
{
    struct buf *b = &p->block;
    struct sc_str ip = peer_name(x), host = x->req.host;

    buf_clear(b);
    buf_clear(&p->host);
    buf_str(&p->host, host);
    buf_printf(b, "X-Forwarded-For: %.*s\r\nX-Forwarded-Proto: http\r\n", STR_ARG(ip));
    if (host.n > 0)
        buf_printf(b, "X-Forwarded-Host: %.*s\r\n", STR_ARG(host));
    if (x->listener->port[0] != '\0')
        buf_printf(b, "X-Forwarded-Port: %s\r\n", x->listener->port);
    buf_puts(b, "Forwarded: ");
    forwarded_value(b, ip, host, STR("http"));
    buf_printf(b, "\r\nVia: 1.%u %s\r\n", x->req.minor, x->listener->via);
}

/* Adds one more member to a list field: behind what the peer said. */
static void append_to(struct sc_exchange *x, enum hdr id, struct sc_str add)
{
    struct header *h = headers_first(&x->out, id), *last = h;

    while (h != NULL) {
        last = h;
        h = headers_next(&x->out, h, id);
    }
    if (last == NULL)
        headers_add_id(&x->out, id, add);
    else if (last->value.n == 0)
        last->value = add;
    else
        last->value = str_of(arena_printf(&x->arena, "%.*s, %.*s", STR_ARG(last->value), STR_ARG(add)));
}

static void set_unless_said(struct sc_exchange *x, enum hdr id, struct sc_str value)
{
    if (value.n > 0 && headers_first(&x->out, id) == NULL)
        headers_add_id(&x->out, id, value);
}

static bool same_chain(const struct peer_chain *a, const struct peer_chain *b)
{
    if (a->n != b->n)
        return false;
    for (unsigned i = 0; i < a->n; i++)
        if (a->at[i].known != b->at[i].known ||
            (a->at[i].known && !forwarded_same(&a->at[i].address, &b->at[i].address)))
            return false;
    return true;
}

static struct sc_str kept(struct sc_exchange *x, struct buf *b)
{
    struct sc_str s = arena_dup(&x->arena, buf_view(b));

    buf_fini(b);
    return s;
}

/* The value of a field that a trusted proxy has set once, in a form that Forwarded can hold; else empty. */
static struct sc_str said_once(const struct sc_exchange *x, enum hdr id)
{
    const struct header *h = headers_first(&x->out, id);

    if (h == NULL || headers_next(&x->out, h, id) != NULL)
        return STR_NONE;
    return http_is_token(h->value) || uri_is_authority(h->value) ? h->value : STR_NONE;
}

/* The chain of X-Forwarded-For as Forwarded: host and scheme belong to the request of the client. */
static void forwarded_from_x(struct sc_exchange *x, const struct peer_chain *chain)
{
    int client = peer_chain_client(x, chain);
    struct buf b = BUF_INIT;
    char text[FORWARDED_TEXT];

    for (unsigned i = 0; i < chain->n; i++) {
        bool known = chain->at[i].known, is_client = (int)i == client;
        struct sc_str node = { text, known ? forwarded_print(&chain->at[i].address, text) : 0 };

        buf_puts(&b, i > 0 ? ", " : "");
        forwarded_value(&b, known ? node : STR("unknown"), is_client ? said_once(x, HDR_X_FORWARDED_HOST) : STR_NONE,
                        is_client ? said_once(x, HDR_X_FORWARDED_PROTO) : STR_NONE);
    }
    headers_set(&x->out, HDR_FORWARDED, kept(x, &b));
}

/* And the other way round. */
static void x_from_forwarded(struct sc_exchange *x, const struct peer_chain *chain)
{
    int client = peer_chain_client(x, chain);
    struct buf b = BUF_INIT;
    char text[FORWARDED_TEXT];

    for (unsigned i = 0; i < chain->n; i++) {
        struct sc_str node = { text, chain->at[i].known ? forwarded_print(&chain->at[i].address, text) : 0 };

        buf_puts(&b, i > 0 ? ", " : "");
        buf_str(&b, chain->at[i].known ? node : STR("unknown"));
    }
    headers_set(&x->out, HDR_X_FORWARDED_FOR, kept(x, &b));
    if (client < 0)
        return;
    if (http_is_token(chain->at[client].said.proto))
        set_unless_said(x, HDR_X_FORWARDED_PROTO, chain->at[client].said.proto);
    if (uri_is_authority(chain->at[client].said.host))
        set_unless_said(x, HDR_X_FORWARDED_HOST, chain->at[client].said.host);
}

/* Both fields tell one story to the target, whichever of them the proxies before us keep. */
static void reconcile(struct sc_exchange *x)
{
    struct peer_chain by_x = peer_chain_of_x(x), by_forwarded;
    bool good = peer_chain_of_forwarded(x, &by_forwarded);

    if (by_x.n > 0 && (!good || !same_chain(&by_x, &by_forwarded)))
        forwarded_from_x(x, &by_x);
    else if (by_x.n == 0 && good && by_forwarded.n > 0)
        x_from_forwarded(x, &by_forwarded);
    else if (!good)
        headers_remove(&x->out, HDR_FORWARDED);
}

/* A trusted proxy's request: what it says is kept, and we are one more in the row. */
static void extend(struct sc_exchange *x)
{
    struct buf b = BUF_INIT;
    struct sc_str ip = peer_name(x);

    reconcile(x);
    append_to(x, HDR_X_FORWARDED_FOR, ip);
    set_unless_said(x, HDR_X_FORWARDED_PROTO, STR("http"));
    set_unless_said(x, HDR_X_FORWARDED_HOST, x->req.host);
    set_unless_said(x, HDR_X_FORWARDED_PORT, str_of(x->listener->port));
    forwarded_value(&b, ip, x->req.host, STR("http"));
    append_to(x, HDR_FORWARDED, kept(x, &b));
    headers_add_id(&x->out, HDR_VIA, str_of(arena_printf(&x->arena, "1.%u %s", x->req.minor, x->listener->via)));
}

static void set_host(struct sc_exchange *x, const struct target *t)
{
    struct header *h = headers_first(&x->out, HDR_HOST);
    struct sc_str host = x->req.host;

    if (x->service->host_mode == HOST_VALUE)
        host = x->service->host;
    else if (x->service->host_mode == HOST_TARGET || host.n == 0)
        host = t->port == 0 ? STR("localhost")
                            : str_of(arena_printf(&x->arena, strchr(t->host, ':') != NULL ? "[%s]:%u" : "%s:%u", t->host,
                                                  t->port));
    if (h == NULL)
        headers_add_id(&x->out, HDR_HOST, host);
    else
        h->value = host;
}

enum { HOP_FIELDS = 5 };                /* Transfer-Encoding, Connection, TE, Upgrade, Expect */

/* What this hop says for itself. */
static unsigned add_hop_fields(const struct sc_exchange *x, bool chunked, struct header extra[HOP_FIELDS])
{
    bool te = x->req.hop.te_trailers && x->req.minor != 0;
    unsigned n = 0;

    if (chunked)
        extra[n++] = (struct header){ STR("Transfer-Encoding"), STR("chunked"), HDR_TRANSFER_ENCODING, false };
    if (te || x->req.upgrade.n > 0)
        extra[n++] = (struct header){ STR("Connection"), !te ? STR("Upgrade") : x->req.upgrade.n > 0 ? STR("TE, Upgrade")
                                      : STR("TE"), HDR_CONNECTION, false };
    if (te)                                             /* RFC 9110 10.1.4; other members are between two hops */
        extra[n++] = (struct header){ STR("TE"), STR("trailers"), HDR_TE, false };
    if (x->down.asking)
        extra[n++] = (struct header){ STR("Expect"), STR("100-continue"), HDR_EXPECT, false };
    if (x->req.upgrade.n > 0)
        extra[n++] = (struct header){ STR("Upgrade"), x->req.upgrade, HDR_UPGRADE, false };
    return n;
}

ssize_t forward_write(struct sc_exchange *x, const struct target *t, char *to, size_t cap)
{
    struct request_line line = { x->req.method_name, x->req.uri.path, x->req.uri.query, x->req.uri.has_query };
    struct header extra[HOP_FIELDS];
    unsigned extra_n;
    bool chunked = x->req.has_body && (x->req.chunked || x->req_hooked), block = false;
    struct peer *p = peer_of(x);
    ssize_t n;

    if (x->route->rewrites)
        line.path = rewrite_apply(&x->route->conf->rewrite, line.path, &x->found, &x->arena);
    if (x->tries.n <= 1) {
        block = !brings_its_own(x);
        x->tries.block = block;
        if (!block)
            extend(x);
        if (chunked)
            headers_remove(&x->out, HDR_CONTENT_LENGTH);
        if (x->req.chunked && !x->req_hooked)
            trailer_announce(&x->out, &x->arena);
    }
    block = x->tries.block;
    if (block && (p->block.n == 0 || !str_eq(buf_view(&p->host), x->req.host)))
        write_block(x, p);
    set_host(x, t);
    extra_n = add_hop_fields(x, chunked, extra);
    n = request_write(to, cap, &line, &x->out, extra, extra_n);
    if (n <= 0 || !block)
        return n;
    if ((size_t)n + p->block.n > cap)
        return 0;
    memcpy(to + n - 2, p->block.p, p->block.n);         /* before the empty line */
    memcpy(to + n - 2 + p->block.n, "\r\n", 2);
    return n + (ssize_t)p->block.n;
}
