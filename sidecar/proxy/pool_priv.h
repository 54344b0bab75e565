/* sidecar/proxy/pool_priv.h - the pool from inside: only for pool.c, dial.c and upconn.c.
 * SPDX-License-Identifier: Apache-2.0
 *
 * pool.c has what is kept and counted, dial.c how a connection is opened, upconn.c what it does. */
#pragma once

#include "proxy/pool.h"

/* All connections of this worker to one target; found by the target's slot. */
struct pool_home {
    uint64_t id;                        /* of the target; another one in the slot means a new home */
    uint64_t transport;                 /* of the service, as whoever came last knows it */
    struct link idle;                   /* the loop has looked at them since they were put back */
    struct link resting;                /* put back in turn `since` */
    uint32_t since;
    unsigned nidle;                     /* of both */
    sc_msec patience;                   /* how long the target seems to keep an idle connection; 0: not known */
};

struct pool {
    struct loop *loop;
    struct curlmux *curl;
    const struct pool_ops *ops;
    unsigned worker;
    bool openssl;                       /* is what libcurl speaks TLS with, the one we know */
    struct pool_home **homes;           /* by slot */
    unsigned nhomes;
    struct link age;
    struct timer aging;
};

/* ---- pool.c ---- */

/* An idle connection has ended, or something came on it: it is closed. */
void pool_lost(struct upconn *c);

/* ---- dial.c ---- */

/* libcurl begins to open c, whose pool, target and tls are set. */
void dial_start(struct upconn *c, const struct plan_service *s, sc_msec timeout);
/* Gives libcurl's handle back, and with it the socket, if c still has one. */
void dial_drop(struct upconn *c);

/* ---- upconn.c ---- */

/* Of c->io, once connected. */
void upconn_event(struct io *io, uint32_t events);
void upconn_tls_event(struct io *io, uint32_t events);
