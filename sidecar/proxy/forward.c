/* sidecar/proxy/forward.c - the head of the request as the target gets to see it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The fields that say who asked are the same for all requests of a connection, but for the host: they are written once
 * and kept with the connection as a block of text. Only a request that brings such fields itself, from a peer that may,
 * has them put together anew. */
#include "proxy/forward.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "discovery/target.h"
#include "http1/request.h"
#include "proxy/upgrade.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#include <arpa/inet.h>
#include <stdlib.h>

struct peer {
    bool trusted, proxy;                /* believed at all; one of trusted_proxies */
    const struct plan *plan;            /* that this was found out with; only compared */
    struct buf host, block;             /* the block for this host */
};

static const enum hdr forwarding[] = { HDR_X_FORWARDED_FOR, HDR_X_FORWARDED_PROTO, HDR_X_FORWARDED_HOST,
                                       HDR_X_FORWARDED_PORT, HDR_FORWARDED, HDR_X_REAL_IP };
enum { FORWARDING = sizeof forwarding / sizeof *forwarding };

void forward_forget(struct client *c)
{
    struct peer *p = c->user;

    if (p == NULL)
        return;
    buf_fini(&p->host);
    buf_fini(&p->block);
    free(p);
    c->user = NULL;
}

/* ---- who asks ---- */

static bool in_cidr(const struct sc_cidr *cidr, int family, const unsigned char *address)
{
    unsigned bytes = cidr->bits / 8, rest = cidr->bits % 8;
    const unsigned char *net = (const unsigned char *)&cidr->address;

    return cidr->family == family && memcmp(net, address, bytes) == 0 &&
           (rest == 0 || ((net[bytes] ^ address[bytes]) >> (8 - rest)) == 0);
}

static bool in_cidrs(const struct sc_cidrs *list, struct sc_str text)
{
    unsigned char address[16];
    char z[INET6_ADDRSTRLEN];
    int family = AF_INET;

    if (text.n == 0 || text.n >= sizeof z)
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    if (inet_pton(AF_INET, z, address) != 1) {
        family = AF_INET6;
        if (inet_pton(AF_INET6, z, address) != 1)
            return false;
    }
    for (unsigned i = 0; i < list->n; i++)
        if (in_cidr(&list->at[i], family, address))
            return true;
    return false;
}

static struct peer *peer_of(struct sc_exchange *x)
{
    struct client *c = x->client;
    const struct plan *plan = x->view->snapshot->plan;
    struct peer *p = c->user;

    if (p == NULL)
        p = c->user = xnew(struct peer);
    if (p->plan != plan) {
        p->plan = plan;
        p->proxy = in_cidrs(&x->listener->conf->trusted_proxies, client_text(c));
        p->trusted = x->listener->trusted || p->proxy;
        buf_clear(&p->host);
        buf_clear(&p->block);
    }
    return p;
}

/* An element of X-Forwarded-For, without a port. */
static struct sc_str bare_address(struct sc_str s)
{
    const char *end;

    s = str_trim(s);
    if (s.n > 0 && s.p[0] == '[') {
        end = str_chr(s, ']');
        return end == NULL ? STR_NONE : str_range(s.p + 1, end);
    }
    end = str_chr(s, ':');
    if (end != NULL && memchr(end + 1, ':', (size_t)(s.p + s.n - end - 1)) == NULL)
        return str_range(s.p, end);
    return s;
}

/* From the right: past the proxies we trust stands the first address that nobody can have made up. All fields of the name
 * are one list (RFC 9110 5.3). */
static struct sc_str client_behind(struct sc_exchange *x)
{
    const struct sc_cidrs *trusted = &x->listener->conf->trusted_proxies;
    struct sc_str found = client_text(x->client);

    for (unsigned i = x->headers.n; i-- > 0;) {
        struct sc_str list = x->headers.at[i].value;

        if (x->headers.at[i].id != HDR_X_FORWARDED_FOR)
            continue;
        while (list.n > 0) {
            const char *comma = memrchr(list.p, ',', list.n);
            struct sc_str one = bare_address(comma == NULL ? list : str_range(comma + 1, list.p + list.n));

            list.n = comma == NULL ? 0 : (size_t)(comma - list.p);
            if (one.n == 0)
                return found;
            found = one;
            if (!in_cidrs(trusted, one))
                return found;
        }
    }
    return found;
}

void forward_identify(struct sc_exchange *x)
{
    struct peer *p = peer_of(x);

    x->req.trusted = p->trusted;
    x->req.client_ip = p->proxy && headers_may_have(&x->headers, HDR_X_FORWARDED_FOR) ? client_behind(x)
                                                                                      : client_text(x->client);
}

/* ---- what goes on ---- */

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
    if (peer_of(x)->proxy)
        return;
    for (unsigned i = 0; i < out->n; i++) {             /* X_Forwarded_For is the same to many applications */
        enum hdr id = out->at[i].id != HDR_OTHER ? out->at[i].id : hdr_alias(out->at[i].name.p, out->at[i].name.n);

        for (unsigned k = 0; k < FORWARDING; k++)
            if (id == forwarding[k])
                out->at[i].gone = true;
    }
}

static bool brings_its_own(const struct sc_exchange *x)
{
    if (headers_first(&x->out, HDR_VIA) != NULL)
        return true;
    for (unsigned k = 0; k < FORWARDING; k++)
        if (headers_first(&x->out, forwarding[k]) != NULL)
            return true;
    return false;
}

/* RFC 7239 4: tokens as they are, anything else (a port, an IPv6 address) quoted. */
static void forwarded_value(struct buf *b, struct sc_str ip, struct sc_str host)
{
    bool v6 = str_chr(ip, ':') != NULL;

    buf_printf(b, v6 ? "for=\"[%.*s]\"" : "for=%.*s", STR_ARG(ip));
    if (host.n > 0)
        buf_printf(b, http_is_token(host) ? ";host=%.*s" : ";host=\"%.*s\"", STR_ARG(host));
    buf_puts(b, ";proto=http");
}

static void write_block(struct sc_exchange *x, struct peer *p)
{
    struct buf *b = &p->block;
    const struct plan *plan = x->view->snapshot->plan;
    struct sc_str ip = client_text(x->client), host = x->req.host;

    buf_clear(b);
    buf_clear(&p->host);
    buf_str(&p->host, host);
    buf_printf(b, "X-Forwarded-For: %.*s\r\nX-Forwarded-Proto: http\r\n", STR_ARG(ip));
    if (host.n > 0)
        buf_printf(b, "X-Forwarded-Host: %.*s\r\n", STR_ARG(host));
    if (x->listener->port[0] != '\0')
        buf_printf(b, "X-Forwarded-Port: %s\r\n", x->listener->port);
    buf_puts(b, "Forwarded: ");
    if (x->listener->socket->local)
        ip = STR("unknown");
    forwarded_value(b, ip, host);
    buf_printf(b, "\r\nVia: 1.%u %s\r\n", x->req.minor, plan->via);
}

/* Adds one more member to a list field: behind what the peer said. */
static void append_to(struct sc_exchange *x, enum hdr id, const char *add)
{
    struct header *h = headers_first(&x->out, id), *last = h;
    const char *value = add;

    while (h != NULL) {
        last = h;
        h = headers_next(&x->out, h, id);
    }
    if (last == NULL) {
        headers_add_id(&x->out, id, str_of(arena_dupz(&x->arena, str_of(add))));
        return;
    }
    if (last->value.n > 0)
        value = arena_printf(&x->arena, "%.*s, %s", STR_ARG(last->value), add);
    last->value = str_of(value);
}

static void set_unless_said(struct sc_exchange *x, enum hdr id, struct sc_str value)
{
    if (value.n > 0 && headers_first(&x->out, id) == NULL)
        headers_add_id(&x->out, id, value);
}

static void extend(struct sc_exchange *x)
{
    struct buf b = BUF_INIT;
    struct sc_str ip = client_text(x->client);

    append_to(x, HDR_X_FORWARDED_FOR, arena_dupz(&x->arena, ip));
    set_unless_said(x, HDR_X_FORWARDED_PROTO, STR("http"));
    set_unless_said(x, HDR_X_FORWARDED_HOST, x->req.host);
    set_unless_said(x, HDR_X_FORWARDED_PORT, str_of(x->listener->port));
    forwarded_value(&b, x->listener->socket->local ? STR("unknown") : ip, x->req.host);
    append_to(x, HDR_FORWARDED, b.p);
    buf_fini(&b);
    append_to(x, HDR_VIA, arena_printf(&x->arena, "1.%u %s", x->req.minor, x->view->snapshot->plan->via));
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

/* What this hop says for itself. */
static unsigned add_hop_fields(const struct sc_exchange *x, bool chunked, struct header extra[3])
{
    unsigned n = 0;

    if (chunked)
        extra[n++] = (struct header){ STR("Transfer-Encoding"), STR("chunked"), HDR_TRANSFER_ENCODING, false };
    if (x->req.upgrade.n > 0) {
        extra[n++] = (struct header){ STR("Connection"), STR("Upgrade"), HDR_CONNECTION, false };
        extra[n++] = (struct header){ STR("Upgrade"), x->req.upgrade, HDR_UPGRADE, false };
    }
    return n;
}

ssize_t forward_write(struct sc_exchange *x, const struct target *t, char *to, size_t cap)
{
    struct request_line line = { x->req.method_name, x->req.uri.path, x->req.uri.query, x->req.uri.has_query };
    struct header extra[3];
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
