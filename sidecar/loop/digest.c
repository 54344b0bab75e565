/* sidecar/loop/digest.c - digests, by OpenSSL.
 * SPDX-License-Identifier: Apache-2.0 */
#include "loop/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>

bool digest_websocket_accept(struct sc_str key, char to[DIGEST_WEBSOCKET + 1])
{
    static const struct sc_str guid = STR_INIT("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool done;

    done = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1 && EVP_DigestUpdate(ctx, key.p, key.n) == 1 &&
           EVP_DigestUpdate(ctx, guid.p, guid.n) == 1 && EVP_DigestFinal_ex(ctx, sum, &n) == 1;
    EVP_MD_CTX_free(ctx);
    if (!done)
        return false;
    assert(n == 20);
    EVP_EncodeBlock((unsigned char *)to, sum, (int)n);
    return true;
}

bool digest_sha256(struct sc_str text, char to[DIGEST_SHA256 + 1])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (EVP_Digest(text.p, text.n, sum, &n, EVP_sha256(), NULL) != 1)
        return false;
    assert(n == DIGEST_SHA256 / 2);
    for (unsigned i = 0; i < n; i++)
        snprintf(to + 2 * i, 3, "%02x", sum[i]);
    return true;
}
