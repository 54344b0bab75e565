/* sidecar/loop/tls.h - what is asked of OpenSSL about connections that libcurl secures.
 * SPDX-License-Identifier: Apache-2.0
 *
 * libcurl hides its TLS library but for two pointers. They are OpenSSL's only if libcurl says that it uses the OpenSSL
 * that we are linked with: that is asked once, by tls_is_ours. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* `name` as libcurl says it, "OpenSSL/3.0.19": of the same major version as ours? */
bool tls_is_ours(const char *name);

/* For every connection that comes from this SSL_CTX: a write that was put off may be tried again from another place and
 * with more bytes behind the first ones. Without it the place must be the same, or the connection is lost ("bad write
 * retry"). A write still counts as one: all its bytes went, or none. */
void tls_allow_moving(void *ssl_ctx);

/* The peer said that nothing follows (close_notify). Without that an end is a cut: anybody on the way can make one
 * (RFC 8446 6.1, RFC 9112 9.8). */
bool tls_peer_closed(void *ssl);

/* The record that says that nothing follows from us (close_notify), to be sent on the socket as it is; how long it is, 0
 * if there is none to be had. No write may be pending. */
enum { TLS_GOODBYE_MAX = 64 };
size_t tls_goodbye(void *ssl, char to[TLS_GOODBYE_MAX]);
