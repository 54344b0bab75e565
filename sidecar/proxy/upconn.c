/* sidecar/proxy/upconn.c - one connection to a target.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/upconn.h"

#include "loop/sys.h"
#include "loop/tls.h"
#include "proxy/pool_priv.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>

/* ---- bytes out ---- */

static ssize_t send_some(struct upconn *c, const struct iovec *iov, unsigned n)
{
    ssize_t sent;

    if (c->tls && !c->ending) {
        size_t k = 0;
        CURLcode r = curl_easy_send(c->easy, iov[0].iov_base, iov[0].iov_len, &k);

        errno = r == CURLE_AGAIN ? EAGAIN : EPIPE;
        sent = r == CURLE_OK ? (ssize_t)k : -1;
    } else if (n == 1) {
        sent = sys_send(c->io.fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL);
    } else {
        struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };

        sent = sys_sendmsg(c->io.fd, &m, MSG_NOSIGNAL);
    }
    if (sent > 0)
        c->sent_any = true;
    else if (sent < 0 && errno == EAGAIN)
        c->writable = false;
    else if (sent < 0)
        c->broken = true;
    return sent;
}

static bool flush(struct upconn *c)
{
    while (c->out.n > 0 && c->writable) {
        struct iovec iov = { c->out.p, c->out.n };
        ssize_t n = send_some(c, &iov, 1);

        if (n < 0)
            return errno == EAGAIN;
        buf_drop(&c->out, (size_t)n);
    }
    if (c->ending && c->out.n == 0)
        sys_shutdown(c->io.fd, SHUT_WR);
    return true;
}

void upconn_gather(struct upconn *c, const struct iovec *iov, unsigned n)
{
    for (; n > 0; n--, iov++)
        buf_add(&c->out, iov->iov_base, iov->iov_len);
}

bool upconn_send(struct upconn *c, struct iovec *iov, unsigned n)
{
    while (n > 0 && c->out.n == 0 && c->writable && !c->tls) {
        ssize_t sent = send_some(c, iov, n);

        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0)
            return false;
        while (n > 0 && (size_t)sent >= iov->iov_len) {
            sent -= (ssize_t)iov->iov_len;
            iov++;
            n--;
        }
        if (n > 0) {
            iov->iov_base = (char *)iov->iov_base + sent;
            iov->iov_len -= (size_t)sent;
        }
    }
    /* What was gathered goes first. A TLS write that was put off has to be done again with the same bytes: so those always
     * go from ours. */
    upconn_gather(c, iov, n);
    return c->writable ? flush(c) : true;
}

/* OpenSSL's connection, if it is the OpenSSL that we know. */
static void *ssl_of(const struct upconn *c)
{
    const struct curl_tlssessioninfo *info = NULL;

    return c->pool->openssl && curl_easy_getinfo((CURL *)c->easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK
               ? info->internals : NULL;
}

void upconn_end(struct upconn *c)
{
    char goodbye[TLS_GOODBYE_MAX];
    void *ssl = c->tls ? ssl_of(c) : NULL;

    assert(c->out.n == 0 && !c->ending);
    if (ssl != NULL)
        buf_add(&c->out, goodbye, tls_goodbye(ssl, goodbye));
    c->ending = true;
    if (!flush(c))
        c->hup = c->readable = true;
}

void upconn_reset(struct upconn *c)
{
    static const struct linger at_once = { 1, 0 };

    if (c != NULL)
        setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* ---- bytes in ---- */

/* What libcurl takes for the end of the stream is one only if the peer said so; else somebody cut the connection. */
static bool is_cut(const struct upconn *c)
{
    void *ssl = ssl_of(c);

    return ssl != NULL && !tls_peer_closed(ssl);
}

/* libcurl may hold bytes of which the socket tells nothing: so c->readable stays until libcurl has no more. */
static ssize_t recv_tls(struct upconn *c, void *to, size_t n)
{
    size_t got = 0;
    CURLcode r = curl_easy_recv(c->easy, to, n, &got);

    if (r == CURLE_OK && (got > 0 || !is_cut(c)))
        return (ssize_t)got;
    if (r == CURLE_AGAIN && !c->hup) {
        c->readable = false;
        errno = EAGAIN;
    } else {
        errno = ECONNRESET;             /* after the end there is nothing to wait for */
    }
    return -1;
}

ssize_t upconn_recv(struct upconn *c, void *to, size_t n)
{
    ssize_t got;

    if (c->tls)
        return recv_tls(c, to, n);
    got = sys_recv(c->io.fd, to, n, 0);
    if (got > 0 && (size_t)got < n && !c->hup)
        c->readable = false;            /* that was all: the next byte brings an event */
    if (got < 0 && errno == EAGAIN)
        c->readable = false;
    return got;
}

int upconn_look(struct upconn *c)
{
    char byte;
    ssize_t n = c->tls ? upconn_recv(c, &byte, 1) : sys_recv(c->io.fd, &byte, 1, MSG_PEEK);

    return n > 0 ? 1 : n < 0 && errno == EAGAIN ? 0 : -1;
}

/* ---- events ---- */

/* What made an idle connection readable was TLS's own (a session ticket comes after the handshake) and no data. Of plain
 * TCP never. A byte of data is taken away: the connection is not used again. */
static bool is_quiet(struct upconn *c)
{
    char byte;

    return c->tls && upconn_recv(c, &byte, 1) < 0 && errno == EAGAIN;
}

void upconn_event(struct io *io, uint32_t events)
{
    struct upconn *c = list_entry(io, struct upconn, io);

    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        c->hup = true;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        c->readable = true;
    if (c->user == NULL) {
        if (c->readable && !is_quiet(c))    /* idle: whatever it is, nobody asked for it */
            pool_lost(c);
        return;
    }
    if ((events & EPOLLOUT) != 0 && !c->writable) {
        c->writable = true;
        if (!flush(c)) {
            c->readable = true;         /* the reader finds out why */
            c->hup = true;
        } else if (c->out.n == 0) {
            c->pool->ops->writable(c);
        }
    }
    if (c->readable && c->user != NULL)
        c->pool->ops->readable(c);
}

/* TLS has messages of its own (tickets, new keys): so a read may wait for room to write, and a write for bytes. Each event
 * lets both go on. */
void upconn_tls_event(struct io *io, uint32_t events)
{
    upconn_event(io, events | EPOLLIN | EPOLLOUT);
}
