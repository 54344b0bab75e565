/* sidecar/proxy/pool.h - connections to targets: opened by libcurl, kept for the next request.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One pool per worker. libcurl opens and secures (name, TCP, TLS, unix sockets); afterwards plain sockets are ours alone,
 * registered once, edge-triggered, and TLS ones are read and written through libcurl. An idle connection owns no buffers;
 * a byte or an end on it closes it. Worker's thread. */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "http/problem.h"
#include "loop/loop.h"
#include "proxy/plan.h"

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

struct pool;
struct pool_home;
struct curlmux;
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

struct pool_ops {
    void (*connected)(struct upconn *c);                            /* c->user asked for it */
    void (*failed)(struct upconn *c, enum err e, const char *detail);  /* c goes away after this; static text */
    void (*readable)(struct upconn *c);
    void (*writable)(struct upconn *c);                             /* and c->out is empty */
};

struct pool *pool_new(struct loop *loop, struct curlmux *curl, const struct pool_ops *ops);
/* Closes everything; nothing may be in use. */
void pool_free(struct pool **p);

/* What is asked of a kept connection. SURE is for requests that cannot be sent again: nothing has come on it to this moment
 * (which costs a call), and it is younger than those that the target ended of its own. FRESH: kept ones are not wanted. */
enum pool_wish { POOL_ANY, POOL_SURE, POOL_FRESH };

/* A kept connection to the target, or NULL. What came on it before this turn has been seen: so not one that was put back in
 * this turn, unless tired is given. */
struct upconn *pool_take(struct pool *p, const struct plan_service *s, struct target *t, enum pool_wish wish, bool tired,
                         struct sc_exchange *user);
/* Whether a connection to the target may be had: one is kept, or one more was counted for the service, so that either
 * pool_connect or pool_uncount must follow. An idle one to another target of the service gives way. */
enum pool_room { POOL_FULL, POOL_KEPT, POOL_COUNTED };
enum pool_room pool_reserve(struct pool *p, const struct plan_service *s, struct target *t, enum pool_wish wish);
void pool_count(const struct plan_service *s);
void pool_uncount(const struct plan_service *s);
/* Closes this pool's idle connections of a service. */
void pool_evict(struct pool *p, const struct limit_counts *counts);
/* Begins to open one; ops->connected or ops->failed follows, never from inside. */
struct upconn *pool_connect(struct pool *p, const struct plan_service *s, struct target *t, sc_msec timeout,
                            struct sc_exchange *user);
/* The answer is complete and both sides may go on: kept, as far as the limits allow. */
void pool_keep(struct upconn *c, const struct plan_service *s);
void pool_close(struct upconn *c);

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
/* True when what made the connection readable was TLS's own (a session ticket comes after the handshake) and no data.
 * Of plain TCP never. Takes a byte of data away if there is one: for connections on which data is an error. */
bool upconn_quiet(struct upconn *c);
/* A look at what has come, for connections on which data is an error: > 0: data, 0: nothing, < 0: the end. */
int upconn_look(struct upconn *c);
