/* sidecar/loop/mhdpump.h - libmicrohttpd's daemons on a loop: accepting, running, deadlines, limits.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A pump carries the clients of one listener on one loop. It accepts by itself and spreads its connections over as many
 * daemons (shards) as keep each small: a daemon that resumes one request walks all its parked ones. The library's own
 * header is needed only by those who fill in the callbacks. Everything on the loop's thread unless said otherwise. */
#pragma once

#include "http/framing.h"
#include "loop/client.h"
#include "loop/listen.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;
struct pump;

struct pump_limits {
    struct framing_limits framing;
    size_t pool_size;                   /* memory of one connection, bytes */
    unsigned max_connections;           /* of the listener, for the process */
    bool shares;                        /* and one of those that may take half of the process's descriptors together */
    sc_msec header_timeout, body_timeout, idle_timeout;
};

struct pump_ops {
    /* A request line was read. target: raw, NUL-terminated, valid during this call. Returns the request: what the
     * others get. Never NULL. */
    void *(*begin)(void *arg, struct client *c, const char *target);
    /* The library's access handler: see its documentation for *size and the order of calls. 1 = MHD_YES. */
    int (*handle)(void *arg, struct client *c, void *request, const char *method, const char *version, const char *data,
                  size_t *size);
    /* The request is over: answered (clean) or torn. Its memory in the library goes after this call. */
    void (*completed)(void *arg, struct client *c, void *request, bool clean);
    /* The client of a parked request is gone. */
    void (*gone)(void *arg, struct client *c, void *request);
    /* A muted client takes bytes again, or is gone. */
    void (*room)(void *arg, struct client *c, void *request);
    /* The pump is aborted, and the client was taken or muted: its owner ends it soon (client_drop, client_end). */
    void (*cut)(void *arg, struct client *c, void *request);
    /* After client_listen(): the parked client sends its body unasked. With the seam only. */
    void (*ahead)(void *arg, struct client *c, void *request);
    /* No byte of a body for body_timeout. */
    void (*body_late)(void *arg, struct client *c, void *request);
    /* Writes the answer to a request that the strict check refused, or whose head came too slowly, as it goes onto the
     * wire; at most room bytes; 0: none. status: 400, 408, 414, 431, 501, 505 ... */
    size_t (*refuse)(void *arg, struct client *c, int status, char *to, size_t room);
    /* The connection is over: what c->user holds goes. May be NULL. */
    void (*closed)(void *arg, struct client *c);
    /* A client waits because max_connections are here. Called once; again after there was room. May be NULL. */
    void (*full)(void *arg);
};

/* The strict check stands before the library's parser: "seam", or "first handler call". Any thread. */
static inline bool pump_has_seam(void)
{
#ifdef HAVE_SEAM
    return true;
#else
    return false;
#endif
}

/* The library's version at run time. Any thread. */
const char *mhdpump_version(void);
/* Whether this version of the library takes extensions on chunks that are not the last one. Any thread. */
bool mhdpump_reads_extensions(void);
/* What this version of the library or the build cannot do as well as others; one sentence, or NULL. Any thread. */
const char *mhdpump_degraded(void);

/* Once in the process, before the first pump. False: said in the log. */
bool pump_init(void);

/* ops must outlive the pump; limits are copied; it takes a reference to the listener. `index`: which of the listener's
 * pumps this is. */
struct pump *pump_new(struct loop *loop, struct listener *listener, unsigned index, const struct pump_limits *limits,
                      const struct pump_ops *ops, void *arg);
/* Starts the library's first daemon now rather than with the first client. False: said in the log. */
bool pump_ready(struct pump *p);
/* Every connection must be gone, or at least not parked. */
void pump_free(struct pump **p);
/* Other limits (a reload): timeouts count at once, also for those who have begun to wait; how long a head may be, for new
 * connections, since the memory of the others is what it is. */
void pump_set_limits(struct pump *p, const struct pump_limits *limits);

void pump_start(struct pump *p);        /* begins to accept */
void pump_stop(struct pump *p);         /* no longer accepts; the listening socket stays open */
/* Accepts what waits in the queue of the kernel. Returns how many. */
unsigned pump_accept_rest(struct pump *p);
/* From now on every answer ends its connection. */
void pump_last_answers(struct pump *p);
/* And connections without a request end: each when nothing has come from it for `grace` ms, so that nobody loses the
 * request that is on its way to us. */
void pump_drain(struct pump *p, sc_msec grace);
bool pump_draining(const struct pump *p);
/* Its listener is shut and its last connection gone, also those that other threads had for it: it can be freed. */
bool pump_is_over(const struct pump *p);
/* Closes what is left, roughly. Parked requests must be resumed by their owner (their clients are `gone`), and taken
 * clients dropped (`cut`). */
void pump_abort(struct pump *p);
unsigned pump_connections(const struct pump *p);
struct listener *pump_listener(const struct pump *p);
/* Whatever the owner keeps with it; NULL at first. */
void *pump_tag(const struct pump *p);
void pump_set_tag(struct pump *p, void *tag);
