/* sidecar/proxy/upstream_body.c - the body of a target's answer, without its framing.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Read when the client's side wants bytes: first what came with the head, then from the connection. */
#include "proxy/upstream.h"

#include <errno.h>
#include <string.h>

/* From what came with the head, else from the socket. 0 with errno EAGAIN, or the end. */
static ssize_t raw_read(struct sc_exchange *x, char *to, size_t n)
{
    struct upconn *c = x->up.conn;
    size_t have = x->up.in_n - x->up.in_at;

    if (have > 0) {
        if (have > n)
            have = n;
        memcpy(to, x->up.in + x->up.in_at, have);
        x->up.in_at += have;
        return (ssize_t)have;
    }
    if (c == NULL)
        return -1;
    if (!c->readable) {
        errno = EAGAIN;
        return -1;
    }
    return upconn_recv(c, to, n);
}

static ssize_t wait_or_broken(struct sc_exchange *x, ssize_t n)
{
    return n < 0 && x->up.conn != NULL && errno == EAGAIN ? UPSTREAM_WAIT : UPSTREAM_BROKEN;
}

static ssize_t end_of_body(struct sc_exchange *x)
{
    x->up.body_done = true;
    return UPSTREAM_END;
}

static ssize_t read_counted(struct sc_exchange *x, char *to, size_t n)
{
    ssize_t got;

    if (x->up.left == 0)
        return end_of_body(x);
    got = raw_read(x, to, n < x->up.left ? n : (size_t)x->up.left);
    if (got <= 0)
        return wait_or_broken(x, got);
    x->up.left -= (uint64_t)got;
    if (x->up.left == 0)
        x->up.body_done = true;
    return got;
}

/* Decodes in place: payload moves down over the framing. */
static ssize_t read_chunked(struct sc_exchange *x, char *to, size_t n)
{
    static const struct chunked_limits limits = CHUNKED_LIMITS_DEFAULT;

    for (;;) {
        ssize_t got = x->up.body_done ? 0 : raw_read(x, to, n);
        size_t at = 0, out = 0;

        if (x->up.body_done)
            return UPSTREAM_END;
        if (got <= 0)
            return wait_or_broken(x, got);
        while (at < (size_t)got) {
            struct sc_str data = STR_NONE;
            size_t used;
            enum chunked_result r = chunked_decode(&x->up.chunked, to + at, (size_t)got - at, &used, &data, &limits);

            at += used;
            if (r == CHUNKED_BAD)
                return UPSTREAM_BROKEN;
            if (r == CHUNKED_DATA) {
                memmove(to + out, data.p, data.n);
                out += data.n;
            }
            if (r == CHUNKED_END) {
                x->up.body_done = true;
                if (at < (size_t)got)
                    x->response.keep_alive = false;     /* bytes behind it: nobody else may see them */
                break;
            }
        }
        if (out > 0)
            return (ssize_t)out;
    }
}

static ssize_t read_to_close(struct sc_exchange *x, char *to, size_t n)
{
    ssize_t got = raw_read(x, to, n);

    return got > 0 ? got : got == 0 ? end_of_body(x) : wait_or_broken(x, got);
}

ssize_t upstream_read(struct sc_exchange *x, char *to, size_t n)
{
    switch (x->response.body) {
    case BODY_LENGTH:
        return read_counted(x, to, n);
    case BODY_CHUNKED:
        return read_chunked(x, to, n);
    case BODY_CLOSE:
        return read_to_close(x, to, n);
    default:
        return end_of_body(x);
    }
}

bool upstream_body_whole(struct sc_exchange *x, struct sc_str *body)
{
    size_t have = x->up.in_n - x->up.in_at;

    if (x->response.body == BODY_NONE) {
        *body = STR_NONE;
        return true;
    }
    if (x->response.body != BODY_LENGTH || have < x->up.left)
        return false;
    *body = (struct sc_str){ x->up.in + x->up.in_at, have };
    x->up.in_at = x->up.in_n;
    x->up.left = 0;
    x->up.body_done = true;
    return true;
}
