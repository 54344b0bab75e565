/* sidecar/loop/tls.c - what is asked of OpenSSL about connections that libcurl secures.
 * SPDX-License-Identifier: Apache-2.0 */
#include "loop/tls.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
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

/* libcurl's own way to the socket works only within its calls: so the record is written to memory. */
size_t tls_goodbye(void *ssl, char to[TLS_GOODBYE_MAX])
{
    BIO *memory = BIO_new(BIO_s_mem()), *socket = SSL_get_wbio(ssl);
    int n;

    if (memory == NULL || socket == NULL || BIO_up_ref(socket) != 1) {
        BIO_free(memory);
        return 0;
    }
    SSL_set0_wbio(ssl, memory);
    SSL_shutdown(ssl);
    ERR_clear_error();
    n = BIO_read(memory, to, TLS_GOODBYE_MAX);
    SSL_set0_wbio(ssl, socket);
    return n > 0 ? (size_t)n : 0;
}
