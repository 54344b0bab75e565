/* sidecar/proxy/pool.h - connections to targets: opened by libcurl, kept for the next request.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One pool per worker. libcurl opens and secures (name, TCP, TLS, unix sockets); what a connection does afterwards is in
 * upconn.h. An idle one owns no buffers; a byte or an end on it closes it. Worker's thread. */
#pragma once

#include "http/problem.h"
#include "proxy/plan.h"
#include "proxy/upconn.h"

#include <stdbool.h>

struct curlmux;

struct pool_ops {
    void (*connected)(struct upconn *c);                            /* c->user asked for it */
    void (*failed)(struct upconn *c, enum err e, const char *detail);  /* c goes away after this; static text */
    void (*readable)(struct upconn *c);
    void (*writable)(struct upconn *c);                             /* and c->out is empty */
};

/* worker: whose pool it is. */
struct pool *pool_new(struct loop *loop, struct curlmux *curl, unsigned worker, const struct pool_ops *ops);
/* Closes everything; nothing may be in use. */
void pool_free(struct pool **p);

/* What is asked of a kept connection. SURE is for requests that cannot be sent again: nothing has come on it to this moment
 * (which costs a call, unless it was used a moment ago), and it is younger than those that the target ended of its own.
 * FRESH: kept ones are not wanted. */
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
