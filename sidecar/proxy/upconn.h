/* sidecar/proxy/upconn.h - one connection to a target: bytes out, bytes in, its end.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Opened by dial.c, kept by pool.c, owned by an exchange while `user` is set. A plain socket is ours alone, registered
 * once, edge-triggered; TLS is read and written through libcurl. Worker's thread. */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct limit_counts;
struct pool;
struct pool_home;
struct sc_exchange;
struct target;

struct upconn {
    struct io io;
    struct pool *pool;
    struct pool_home *home;
    struct target *target;              /* a reference */
    struct limit_counts *counts;        /* of its service; a reference */
    uint64_t transport;                 /* of its service, when it was opened */
    struct link idle, age;              /* of its home, newest first; of the pool, oldest first */
    void *easy;                         /* libcurl's handle: while connecting, and for TLS */
    struct sc_exchange *user;           /* NULL while idle */
    bool connected, tls;
    bool readable, writable;            /* until a call says otherwise (edge-triggered) */
    bool hup;                           /* the end was reported */
    bool broken;                        /* it takes no more bytes; what came before may still have to be read */
    bool ending;                        /* no more bytes but those of `out`, which are TLS records already */
    bool sent_any;                      /* bytes have left since it was taken or opened */
    unsigned served;                    /* answers so far */
    struct buf out;                     /* bytes that the socket did not take */
    sc_msec idle_since, idle_until;
};

/* Sends it all; what the socket does not take now is kept and goes out by itself (then ops->writable). iov is used up.
 * False: the connection is broken. */
bool upconn_send(struct upconn *c, struct iovec *iov, unsigned n);
/* Keeps it for the next upconn_send (perhaps of nothing), which must come in this turn of the loop or the next. */
void upconn_gather(struct upconn *c, const struct iovec *iov, unsigned n);
/* As recv: bytes, or -1 with errno (EAGAIN clears readable). */
ssize_t upconn_recv(struct upconn *c, void *to, size_t n);
/* No more bytes for the target, which goes on sending (over TLS with a close_notify, RFC 8446 6.1). Nothing may wait to be
 * sent. */
void upconn_end(struct upconn *c);
/* The close that follows will be a reset. Harmless with NULL. */
void upconn_reset(struct upconn *c);
/* A look at what has come, for connections on which data is an error: > 0: data, 0: nothing, < 0: the end. */
int upconn_look(struct upconn *c);
