/* sidecar/loop/seam.h - the transport seam: the library's socket calls, served by us.
 * SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd has no transport interface. Where the build links its archive, the linker's --wrap leads its socket calls
 * to seam.c: sockets are registered once, edge-triggered, in the loop's own epoll set; no read is tried that would find
 * nothing; and every byte passes the strict check (http/framing.h) before the library's parser sees it. Descriptors that
 * are not a client's go straight through. Used by mhdpump.c alone. Loop's thread. */
#pragma once

#include "loop/client.h"

#include <stdbool.h>

/* One of the library's daemons as the seam sees it: who of its clients has something for it. */
struct seam_queue {
    struct loop *loop;
    struct link ready;                  /* of struct client */
    int epoll;                          /* the library's descriptor, never waited on */
    void (*poke)(struct seam_queue *q); /* something is ready: run the daemon in this turn */
};

#ifdef HAVE_SEAM

/* Makes the table of descriptors; once, before any thread. False with errno. */
bool seam_init(void);
/* The daemon that this thread starts between these two belongs to q. seam_bound() is false if its calls did not arrive
 * here (a shared library): then nothing would be checked, and the caller must not go on. */
void seam_bind(struct seam_queue *q);
bool seam_bound(struct seam_queue *q);
/* Before the library is told of it. False when the descriptor is too high. */
bool seam_add(struct client *c);
struct client *seam_client(int fd);
/* Registers the socket if the library has not done it yet (it reads a new connection first): so that its end is seen. */
void seam_watch(struct client *c);
/* A request was answered: what was held back behind it is looked at again. */
void seam_answered(struct client *c);
/* The library is to read again. */
void seam_again(struct client *c);
/* An event of the client's socket. */
void seam_event(struct io *io, uint32_t events);

#endif
