/* sidecar/loop/tls.c - what is asked of OpenSSL about connections that libcurl secures.
 * SPDX-License-Identifier: Apache-2.0 */
#include "loop/tls.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

bool tls_is_ours(const char *name)
{
    static const char library[] = "OpenSSL/";

    return name != NULL && strncmp(name, library, sizeof library - 1) == 0 &&
           strtoul(name + sizeof library - 1, NULL, 10) == OPENSSL_version_major();
}

void tls_allow_moving(void *ssl_ctx)
{
    SSL_CTX_set_mode(ssl_ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

bool tls_peer_closed(void *ssl)
{
    return (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}
