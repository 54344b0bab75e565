/* sidecar/http/claims.h - fields with which somebody says who asked, and how: only some may.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Applications believe these fields, because a proxy in front of them is supposed to have written them. So a stranger's
 * are taken away before anything looks at them: before routes, before policies, before the target. Servers behind
 * CGI-like interfaces make one name of X-Real-IP, X_Real_IP and X.Real.IP: spellings with anything but letters, digits
 * and hyphens are nobody's, and always go. Any thread. */
#pragma once

#include "http/headers.h"

/* Who may say it: a bit each. */
enum claim {
    CLAIM_NONE = 0,             /* an ordinary field */
    CLAIM_PROXY = 1,            /* how the request came: proxies in front of us that are trusted to say so */
    CLAIM_TRUSTED = 2,          /* who the user is: also peers that are trusted */
    CLAIM_OURS = 4,             /* what our own policies set, and strange spellings of any of these: nobody */
    CLAIM_ALL = 7,
};

/* X(A, kind, name in lower case, its last letter). A is handed through. What has a number (HDR_...) is there for its
 * other spellings, and for claim_of(). */
#define CLAIMS(X, A)                                                                                                   \
    X(A, PROXY, "forwarded", 'd')                       /* RFC 7239 */                                                 \
    X(A, PROXY, "x-forwarded", 'd')                                                                                    \
    X(A, PROXY, "x-real-ip", 'p')                       /* addresses of the client */                                  \
    X(A, PROXY, "x-client-ip", 'p')                                                                                    \
    X(A, PROXY, "client-ip", 'p')                                                                                      \
    X(A, PROXY, "x-cluster-client-ip", 'p')                                                                            \
    X(A, PROXY, "true-client-ip", 'p')                                                                                 \
    X(A, PROXY, "cf-connecting-ip", 'p')                                                                               \
    X(A, PROXY, "fastly-client-ip", 'p')                                                                               \
    X(A, PROXY, "x-original-forwarded-for", 'r')                                                                       \
    X(A, PROXY, "x-original-host", 't')                 /* the name and scheme that were asked for */                  \
    X(A, PROXY, "x-original-proto", 'o')                                                                               \
    X(A, PROXY, "x-host", 't')                                                                                         \
    X(A, PROXY, "x-scheme", 'e')                                                                                       \
    X(A, PROXY, "x-url-scheme", 'e')                                                                                   \
    X(A, PROXY, "front-end-https", 's')                                                                                \
    X(A, PROXY, "x-original-url", 'l')                  /* the path: another one than routes and policies saw */       \
    X(A, PROXY, "x-original-uri", 'i')                                                                                 \
    X(A, PROXY, "x-rewrite-url", 'l')                                                                                  \
    X(A, PROXY, "x-replaced-path", 'h')                                                                                \
    X(A, TRUSTED, "remote-user", 'r')                   /* the user, as an authenticating proxy says it */             \
    X(A, TRUSTED, "x-webauth-user", 'r')                                                                               \
    X(A, TRUSTED, "client-cert", 't')                   /* RFC 9440 */                                                 \
    X(A, TRUSTED, "client-cert-chain", 'n')                                                                            \
    X(A, OURS, "x-anonymous-consumer", 'r')

/* X(kind, what names begin with, its third letter). */
#define CLAIM_PREFIXES(X)                                                                                              \
    X(PROXY, "x-forwarded-", 'f')                       /* -For, -Proto, ..., and -User, -Groups, -Email, -Client-Cert */ \
    X(TRUSTED, "x-remote-", 'r')                        /* -User, -Group, -Extra-, -Addr */                            \
    X(TRUSTED, "x-auth-request-", 'a')                  /* authenticating proxies */                                   \
    X(TRUSTED, "x-ssl-", 's')                           /* the client's certificate */                                 \
    X(TRUSTED, "ssl-client-", 'l')                                                                                     \
    X(TRUSTED, "x-client-cert", 'c')                                                                                   \
    X(TRUSTED, "x-client-dn", 'c')                                                                                     \
    X(TRUSTED, "x-envoy-", 'e')                         /* steers a mesh's proxies behind us */                        \
    X(TRUSTED, "x-amzn-oidc-", 'a')                     /* load balancers that authenticate */                         \
    X(TRUSTED, "x-goog-authenticated-user-", 'g')                                                                      \
    X(TRUSTED, "x-ms-client-principal", 'm')                                                                           \
    X(OURS, "x-consumer-", 'c')                         /* what authentication policies say to targets */              \
    X(OURS, "x-credential-", 'c')                                                                                      \
    X(OURS, "x-authenticated-", 'a')

/* Who may send a field of this name. */
enum claim claim_of(struct sc_str name);

/* Marks fields as gone whose claim is among `kinds`, a sum of enum claim. Strange spellings always go. */
void claims_strip(struct headers *h, unsigned kinds);
