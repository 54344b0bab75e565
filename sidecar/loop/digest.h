/* sidecar/loop/digest.h - digests, by OpenSSL.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Any thread. */
#pragma once

#include "base/str.h"

enum { DIGEST_WEBSOCKET = 28, DIGEST_SHA256 = 64 };

/* What a server has to say in Sec-WebSocket-Accept to a client's Sec-WebSocket-Key (RFC 6455 4.2.2), NUL-terminated.
 * False: OpenSSL does not do SHA-1 here. */
bool digest_websocket_accept(struct sc_str key, char to[DIGEST_WEBSOCKET + 1]);

/* SHA-256 (FIPS 180-4) in lower-case hexadecimal digits, NUL-terminated. False: OpenSSL does not do it here. */
bool digest_sha256(struct sc_str text, char to[DIGEST_SHA256 + 1]);
