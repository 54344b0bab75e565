/* sidecar/proxy/dial.c - how a connection to a target is opened and secured: by libcurl.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "discovery/target.h"
#include "loop/curlmux.h"
#include "loop/sys.h"
#include "loop/tls.h"
#include "proxy/pool_priv.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define TLS_READ 16384L                 /* the most that one record holds */
#define AUTHORITIES_AGE 5L              /* seconds that their file is not read again; libcurl's own choice is a day */

struct connecting {                     /* what libcurl is busy with */
    struct curlmux_job job;
    struct upconn *conn;
    struct curl_slist *connect_to;
    int stolen;                         /* the socket that libcurl must not close; -1: none */
};

static int on_curl_close(void *arg, curl_socket_t fd)
{
    struct connecting *k = arg;

    if (k->stolen == (int)fd)
        return 0;
    curlmux_closing(k->conn->pool->curl, (int)fd);
    return sys_close((int)fd);
}

static enum err error_of(CURL *easy, CURLcode r, const char **detail)
{
    long verified = 0;

    *detail = curl_easy_strerror(r);
    switch (r) {
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_CONNECT_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
        return ERR_TLS_CERTIFICATE;
    case CURLE_SSL_CONNECT_ERROR:           /* newer versions check the name within the handshake */
        curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verified);
        return verified > 1 ? ERR_TLS_CERTIFICATE : ERR_TLS_FAILED;     /* 1: it did not come to that */
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
        return ERR_TLS_FAILED;
    default:
        return ERR_CONNECT_REFUSED;
    }
}

static void free_connecting(struct connecting *k)
{
    curl_slist_free_all(k->connect_to);
    free(k);
}

/* A write that waits moves and grows in c->out. */
static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
    (void)easy;
    (void)arg;
    tls_allow_moving(ssl_ctx);
    return CURLE_OK;
}

/* Plain: the socket becomes ours and libcurl's handle goes. TLS: the handle stays, and with it its session. */
static bool settle(struct upconn *c, struct connecting *k)
{
    static const int one = 1;
    curl_socket_t fd = CURL_SOCKET_BAD;

    curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd == CURL_SOCKET_BAD)
        return false;
    c->io.fd = fd;
    curlmux_release(c->pool->curl, fd);
    if (!c->tls) {
        k->stolen = fd;
        curlmux_remove(c->pool->curl, c->easy);
        curl_easy_cleanup(c->easy);
        c->easy = NULL;
        free_connecting(k);
        if (c->target->sa.ss_family != AF_UNIX)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    } else {
        c->io.fn = upconn_tls_event;
        curl_easy_setopt(c->easy, CURLOPT_BUFFERSIZE, TLS_READ);
    }
    c->connected = c->writable = true;
    return io_add(c->pool->loop, &c->io, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

static void on_connect_done(struct curlmux_job *job, void *easy, int result)
{
    struct connecting *k = list_entry(job, struct connecting, job);
    struct upconn *c = k->conn;
    const char *detail = "no descriptor for the connection";
    enum err e = ERR_INTERNAL;

    if (result == CURLE_OK && settle(c, k)) {
        c->pool->ops->connected(c);
        return;
    }
    if (result != CURLE_OK)
        e = error_of(easy, (CURLcode)result, &detail);
    c->pool->ops->failed(c, e, detail);
    pool_close(c);
}

static void set_tls(CURL *easy, const struct pool *p, const struct upstream_tls_conf *t)
{
    if (p->openssl)
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    if (t->ca != NULL) {                /* in place of the system's, of which there are a file and a directory */
        curl_easy_setopt(easy, CURLOPT_CAINFO, t->ca);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, AUTHORITIES_AGE);
#endif
    if (t->certificate != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, t->certificate);
    if (t->key != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, t->key);
    if (!t->verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

/* The URL carries what TLS is to check; where to connect is said apart from it, as a number. */
static void set_address(CURL *easy, struct connecting *k, const struct upconn *c, const struct plan_service *s)
{
    const char *name = s->conf->tls.server_name != NULL ? s->conf->tls.server_name : c->target->host;
    char text[512];

    if (c->target->sa.ss_family == AF_UNIX) {
        const struct sockaddr_un *local = (const struct sockaddr_un *)&c->target->sa;

        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, local->sun_path);
        curl_easy_setopt(easy, CURLOPT_URL, c->tls ? "https://localhost/" : "http://localhost/");
        return;
    }
    if (!c->tls) {
        snprintf(text, sizeof text, "http://%s/", c->target->address);
        curl_easy_setopt(easy, CURLOPT_URL, text);
        return;
    }
    snprintf(text, sizeof text, strchr(name, ':') != NULL ? "https://[%s]:%u/" : "https://%s:%u/", name,
             c->target->port);
    curl_easy_setopt(easy, CURLOPT_URL, text);
    snprintf(text, sizeof text, "::%s", c->target->address);
    k->connect_to = curl_slist_append(NULL, text);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, k->connect_to);
}

void dial_start(struct upconn *c, const struct plan_service *s, sc_msec timeout)
{
    struct pool *p = c->pool;
    struct connecting *k = xnew(struct connecting);
    CURL *easy = curlmux_easy(&k->job);

    c->easy = easy;
    k->job.done = on_connect_done;
    k->conn = c;
    k->stolen = -1;
    set_address(easy, k, c, s);
    if (c->tls)
        set_tls(easy, p, &s->conf->tls);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 1024L);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_curl_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, k);
    if (!curlmux_add(p->curl, easy, &k->job))
        abort();
}

void dial_drop(struct upconn *c)
{
    struct connecting *k = NULL;

    if (c->easy == NULL)
        return;
    curl_easy_getinfo((CURL *)c->easy, CURLINFO_PRIVATE, (char **)&k);
    curlmux_remove(c->pool->curl, c->easy);
    curl_easy_cleanup(c->easy);
    free_connecting(k);
}
