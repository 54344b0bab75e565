/* sidecar/proxy/peer.h - who asks: the other end of the connection, and whom it may speak for.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Worker's thread. */
#pragma once

#include "base/buf.h"
#include "http/forwarded.h"
#include "proxy/exchange.h"

/* What is known of the other end of a client's connection: in client.user. */
struct peer {
    bool trusted, proxy;                /* believed at all; one of trusted_proxies */
    uint64_t generation;                /* of the configuration that all of this is by */
    struct buf host, block;             /* forward.c: fields that are the same for every request with this host */
};

struct peer *peer_of(struct sc_exchange *x);
/* Sets req.trusted and req.client_ip, and takes away what this peer may not say: before anything else looks at fields. */
void peer_identify(struct sc_exchange *x);
/* What was kept with the client's connection. */
void peer_forget(struct client *c);

/* The proxies that a request says it came through, the nearest last. Only so many are looked at: nobody stands behind
 * more, and a list of commas shall not become a large thing. */
enum { PEER_CHAIN_MAX = 64 };

struct peer_chain {
    unsigned n;
    struct peer_node {
        struct sc_str text;             /* as it stands there */
        bool known;                     /* it is an address: */
        struct forwarded_address address;
        struct forwarded_element said;  /* when it comes from Forwarded */
    } *at;
};

/* All X-Forwarded-For fields of a list as one chain (RFC 9110 5.3), in the exchange's arena; n is 0 without any. */
struct peer_chain peer_chain_of_x(struct sc_exchange *x);
/* The same from Forwarded fields. False: they are malformed, and nothing of them may be believed. */
bool peer_chain_of_forwarded(struct sc_exchange *x, struct peer_chain *chain);
/* From the right, past the proxies we trust, stands the first address that nobody can have made up: the client's. Its
 * place, or -1 when the peer itself is the client, for all we know. */
int peer_chain_client(const struct sc_exchange *x, const struct peer_chain *chain);
