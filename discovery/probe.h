/* discovery/probe.h - one check of one address: a TCP connection, or a request over HTTP.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Only so many at once for the process, the others wait their turn. Always on a new connection. Discovery thread. */
#pragma once

#include "base/list.h"
#include "discovery/address.h"
#include "discovery/check.h"
#include "loop/loop.h"

struct curlmux;
struct fetch;
struct fetch_tls;
struct prober;

/* What to do; asked for when the turn has come. Whatever it points to has to live for the moment of the call only. */
struct probe_how {
    const char *path;               /* of a GET whose answer must be 2xx; NULL: connecting is enough */
    bool secure;                    /* over TLS */
    const char *server_name;        /* of the certificate; NULL: the host */
    const struct fetch_tls *tls;    /* NULL: the defaults */
    sc_msec timeout;
};

/* Embedded in its owner, zero-initialised, and these filled in before each start. */
struct probe {
    const char *host;               /* as stated; lives until the end of the probe */
    struct address at;
    void (*how)(struct probe *p, struct probe_how *how);
    void (*done)(struct probe *p, struct check_result r);       /* may start it again, or free it */
    /* From here on the prober's. */
    struct prober *prober;
    struct link link;               /* among those that wait */
    struct io io;
    struct timer timer;
    struct fetch *fetch;
    bool busy, begun;
};

enum { PROBES_AT_ONCE = 256 };

struct prober *prober_new(struct loop *loop, struct curlmux *curl);
/* Nobody probes any more. */
void prober_free(struct prober **p);

/* `done` comes later, never from inside. Not while it is busy. */
void probe_start(struct prober *prober, struct probe *p);
/* Without a `done`; harmless when it is not busy. The memory must stay until the end of the turn (loop_free_later). */
void probe_stop(struct probe *p);
