/* sidecar/loop/listen.h - listening sockets: made once, shared by all workers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Addresses: "host:port", "[v6]:port", ":port" and "*:port" (all addresses), "unix:/path", "systemd:NAME" (a socket
 * handed over by systemd, sd_listen_fds_with_names(3)). Counted, because connections outlive their listener: control, the
 * plans and the pumps have references. Control thread, unless said otherwise. */
#pragma once

#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

struct pump;

struct listener {
    atomic_uint refs;
    char *address;                      /* as configured */
    int fd;                             /* -1 once it is shut */
    atomic_bool shut;
    bool local;                         /* a unix socket */
    bool owned;                         /* the path of a unix socket is ours, and removed when it is shut */
    dev_t device;                       /* of that path when we made it: another one there is somebody else's */
    ino_t inode;
    bool handed;                        /* systemd keeps the socket: whoever comes next gets what waits in it */
    atomic_uint connections;            /* open, all workers */
    unsigned n;                         /* workers */
    _Atomic(struct pump *) *pumps;      /* by worker; NULL until it accepts */
    atomic_uint *held;                  /* open connections by worker */
    char text[80];                      /* the address bound, with its real port: "127.0.0.1:8080", "unix:/path" */
};

/* Binds and listens (backlog 4096, SO_REUSEADDR). mode: permissions of a unix socket, 0 = by the umask. NULL with an
 * error that says address and reason. */
struct listener *listener_open(const char *address, unsigned workers, unsigned mode, struct sc_error *e);
/* Any thread. The last reference shuts it. */
struct listener *listener_ref(struct listener *l);
void listener_unref(struct listener **l);
/* From now on nobody joins the queue, so that it can be accepted to its end: what would come between the last accept and
 * the close would be reset. New clients are not heard (and ask again, and are refused, once the socket is closed). Any
 * thread, when nobody else uses the listener. */
void listener_refuse_new(struct listener *l);
/* Closes the socket; one of systemd's stays open, and free for the next listener_open() or the next process. Any thread,
 * when no pump of the listener is accepting. */
void listener_shut(struct listener *l);
static inline bool listener_is_shut(const struct listener *l)
{
    return atomic_load_explicit(&l->shut, memory_order_acquire);
}
/* Whether `address` can be one; says why not. */
bool listener_check(const char *address, struct sc_error *e);
/* Loopback or a unix socket (a systemd socket: what it is bound to; false while that is unknown). */
bool listener_is_local(const char *address);
/* Sockets handed over by systemd that no listener took: closed, and said in the log. */
void listener_close_unused(void);
