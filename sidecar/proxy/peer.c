/* sidecar/proxy/peer.c - who asks: the other end of the connection, and whom it may speak for.
 * SPDX-License-Identifier: Apache-2.0
 *
 * X-Forwarded-For is the chain where it is there, else Forwarded: a proxy that keeps one of them leaves the other as the
 * client sent it, and X-Forwarded-For is the one that nearly all keep. */
#include "proxy/peer.h"

#include "base/alloc.h"
#include "http/claims.h"
#include "http/forwarded.h"
#include "proxy/view.h"

#include <stdlib.h>

void peer_forget(struct client *c)
{
    struct peer *p = c->user;

    if (p == NULL)
        return;
    buf_fini(&p->host);
    buf_fini(&p->block);
    free(p);
    c->user = NULL;
}

/* ---- networks ---- */

static bool in_cidr(const struct sc_cidr *cidr, const struct forwarded_address *a)
{
    unsigned bytes = cidr->bits / 8, rest = cidr->bits % 8;
    const unsigned char *net = (const unsigned char *)&cidr->address;

    return cidr->family == a->family && memcmp(net, a->bytes, bytes) == 0 &&
           (rest == 0 || ((net[bytes] ^ a->bytes[bytes]) >> (8 - rest)) == 0);
}

static bool in_cidrs(const struct sc_cidrs *list, const struct forwarded_address *a)
{
    for (unsigned i = 0; i < list->n; i++)
        if (in_cidr(&list->at[i], a))
            return true;
    return false;
}

struct peer *peer_of(struct sc_exchange *x)
{
    struct client *c = x->client;
    const struct plan *plan = exchange_plan(x);
    struct peer *p = c->user;
    struct forwarded_address a;

    if (p == NULL)
        p = c->user = xnew(struct peer);
    if (p->generation != plan->config->generation) {    /* a plan's address may be used again */
        p->generation = plan->config->generation;
        p->proxy = x->listener->conf->trusted_proxies.n > 0 && forwarded_parse(client_text(c), &a) &&
                   in_cidrs(&x->listener->conf->trusted_proxies, &a);
        p->trusted = x->listener->trusted || p->proxy;
        buf_clear(&p->host);
        buf_clear(&p->block);
    }
    return p;
}

/* ---- chains ---- */

/* The next member that is not empty (RFC 9110 5.6.1.2). */
static bool next_address(struct sc_str *rest, struct sc_str *one)
{
    while (str_split(rest, ',', one)) {
        *one = str_trim(*one);
        if (one->n > 0)
            return true;
    }
    return false;
}

/* Makes room for the nearest of n nodes; *skip: how many are too far. */
static struct peer_chain chain_new(struct sc_exchange *x, unsigned n, unsigned *skip)
{
    unsigned room = n < PEER_CHAIN_MAX ? n : PEER_CHAIN_MAX;

    *skip = n - room;
    return (struct peer_chain){ 0, room > 0 ? arena_zero(&x->arena, room * sizeof(struct peer_node)) : NULL };
}

static void add_node(struct peer_chain *chain, struct sc_str text, const struct forwarded_element *said)
{
    struct peer_node *node = &chain->at[chain->n++];

    node->text = text;
    node->known = forwarded_parse(text, &node->address);
    if (said != NULL)
        node->said = *said;
}

struct peer_chain peer_chain_of_x(struct sc_exchange *x)
{
    const struct headers *h = &x->headers;
    struct header *first = headers_first(h, HDR_X_FORWARDED_FOR);
    struct sc_str rest, one;
    struct peer_chain chain;
    unsigned n = 0, skip;

    for (struct header *f = first; f != NULL; f = headers_next(h, f, HDR_X_FORWARDED_FOR))
        for (rest = f->value; next_address(&rest, &one);)
            n++;
    chain = chain_new(x, n, &skip);
    for (struct header *f = first; f != NULL; f = headers_next(h, f, HDR_X_FORWARDED_FOR))
        for (rest = f->value; next_address(&rest, &one);)
            if (skip > 0)
                skip--;
            else
                add_node(&chain, one, NULL);
    return chain;
}

/* How many elements there are, or -1. */
static int count_elements(const struct headers *h, struct header *first)
{
    struct forwarded_element e;
    int n = 0, more = 0;

    for (struct header *f = first; f != NULL && more >= 0; f = headers_next(h, f, HDR_FORWARDED))
        for (struct sc_str rest = f->value; (more = forwarded_next(&rest, &e)) > 0;)
            n++;
    return more < 0 ? -1 : n;
}

bool peer_chain_of_forwarded(struct sc_exchange *x, struct peer_chain *chain)
{
    const struct headers *h = &x->headers;
    struct header *first = headers_first(h, HDR_FORWARDED);
    struct forwarded_element e;
    int n = count_elements(h, first);
    unsigned skip;

    *chain = chain_new(x, n > 0 ? (unsigned)n : 0, &skip);
    for (struct header *f = n > 0 ? first : NULL; f != NULL; f = headers_next(h, f, HDR_FORWARDED))
        for (struct sc_str rest = f->value; forwarded_next(&rest, &e) > 0;)
            if (skip > 0)
                skip--;
            else
                add_node(chain, e.node, &e);
    return n >= 0;
}

int peer_chain_client(const struct sc_exchange *x, const struct peer_chain *chain)
{
    int found = -1;

    for (unsigned i = chain->n; i-- > 0 && chain->at[i].known;) {
        found = (int)i;
        if (!in_cidrs(&x->listener->conf->trusted_proxies, &chain->at[i].address))
            break;
    }
    return found;
}

/* ---- who asks ---- */

static struct sc_str client_behind(struct sc_exchange *x)
{
    struct peer_chain chain = peer_chain_of_x(x);
    char text[FORWARDED_TEXT];
    int i;

    if (chain.n == 0 && !peer_chain_of_forwarded(x, &chain))
        return client_text(x->client);
    i = peer_chain_client(x, &chain);
    if (i < 0)
        return client_text(x->client);
    return arena_dup(&x->arena, (struct sc_str){ text, forwarded_print(&chain.at[i].address, text) });
}

void peer_identify(struct sc_exchange *x)
{
    struct peer *p = peer_of(x);

    x->req.trusted = p->trusted;
    x->req.client_ip = client_text(x->client);
    claims_strip(&x->headers, p->proxy ? CLAIM_OURS : p->trusted ? CLAIM_PROXY | CLAIM_OURS : CLAIM_ALL);
    if (p->proxy && (headers_may_have(&x->headers, HDR_X_FORWARDED_FOR) || headers_may_have(&x->headers, HDR_FORWARDED)))
        x->req.client_ip = client_behind(x);
}
