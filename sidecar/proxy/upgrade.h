/* sidecar/proxy/upgrade.h - another protocol on the client's connection: what is asked for, and what is granted.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RFC 9110 7.8, RFC 6455 4. Worker's thread. */
#pragma once

#include "proxy/exchange.h"

/* Of a request whose client asks for an upgrade: x->req.upgrade becomes the list that is passed on. It stays empty for
 * what must not be: another HTTP (h2c would carry requests past routes and policies), TLS within the connection, what the
 * service does not allow, and requests that are HTTP/1.0, end the connection or have a body. */
void upgrade_ask(struct sc_exchange *x);
/* Of a 101, before its hop-by-hop fields are removed: NULL and x->res.upgrade, or what is wrong with it. Static. */
const char *upgrade_granted(struct sc_exchange *x);
/* Of a 426, likewise: x->res.upgrade becomes what it names and may pass (RFC 9110 15.5.22). Without the seam, which lets
 * nobody write two Connection fields, nothing. */
void upgrade_required(struct sc_exchange *x);
/* The protocol granted is WebSocket. */
bool upgrade_is_websocket(const struct sc_exchange *x);
