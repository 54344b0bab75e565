/* sidecar/loop/pump_priv.h - the pump from inside: only for mhdpump.c, client.c, accept.c and seam.c.
 * SPDX-License-Identifier: Apache-2.0
 *
 * mhdpump.c has the library, client.c what one connection does and may, accept.c where connections come from. Everything
 * on the loop's thread, but for `listener`, whose counters and pumps all workers share. */
#pragma once

#include "loop/mhdpump.h"
#include "loop/seam.h"

struct MHD_Daemon;

struct shard {
    struct seam_queue queue;
    struct MHD_Daemon *daemon;
    struct pump *pump;
    struct task run;
    struct io io;                   /* without the seam: the library's epoll descriptor */
    unsigned clients;
    size_t pool_size;               /* of its connections, as long as it lives; so it is with what a head may have */
    struct framing_limits framing;
};

struct pump {
    struct loop *loop;
    struct listener *listener;
    unsigned index;
    struct pump_limits limits;      /* a copy: connections outlive the plan that it came from */
    sc_msec grace;                  /* of connections without a request, while draining */
    const struct pump_ops *ops;
    void *arg, *tag;
    struct shard **shards;
    unsigned nshards;
    struct shard *current;          /* where the next connection goes, as long as there is room */
    struct io accept;
    bool accepting, watching, last_answers, draining;
    struct timer pause;
    struct link clients;
    unsigned nclients, most_clients;    /* now; the most since memory was given back */
    struct timer slack;
};

/* ---- mhdpump.c ---- */

/* The daemon that the next connection goes to. NULL: none could be started. */
struct shard *shard_pick(struct pump *p);
/* The library takes the client over; if it does not, the client is closed. */
void library_add(struct client *c);
void library_suspend(struct client *c);
/* The client's daemon has to run afterwards. */
void library_resume(struct client *c);
/* Of a taken client: likewise. */
void library_drop(struct client *c);
/* Its socket was shut down: also a library that does not read any more closes it, within two seconds. */
void library_let_go(struct client *c);

/* ---- client.c ---- */

/* Ready to be given to the library. NULL: the descriptor is too high; it stays open. */
struct client *client_new(struct shard *s, int fd, const struct sockaddr *from, socklen_t n);
/* The socket is about to be closed, or just was: frees the client after this turn. */
void client_closed(struct client *c);
/* Bytes came and were checked. */
void client_heard(struct client *c);
/* A request is over. */
void client_idles(struct client *c);
/* The end of the stream, while the library does not look. */
void client_hangup(struct client *c, uint32_t events);
/* Writes the answer to a violation into to[0..room); how long it is. */
size_t client_refusal(struct client *c, char *to, size_t room);
/* Takes up to n of the stashed bytes, of which there are some. */
size_t client_unstash(struct client *c, char *to, size_t n);
/* The pump drains: from now on a client without a request has pump.grace to begin one. */
void client_drain(struct client *c);
/* Its deadlines may be nearer than its timer thinks. */
void client_review(struct client *c);

/* ---- slack.c ---- */

void slack_init(struct pump *p);
/* After nclients has grown; after it has shrunk. */
void slack_more(struct pump *p);
void slack_less(struct pump *p);
void slack_stop(struct pump *p);

/* ---- accept.c ---- */

/* Once in the process, when its limit of descriptors is final. */
void accept_setup(void);
void accept_init(struct pump *p);
/* A connection of this pump is over: there is room for another. */
void accept_uncount(struct pump *p);
