/* sidecar/loop/client.h - the connection of one client.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Made by the pump when it accepts, freed when the socket is closed. Belongs to the thread of its loop. Users read
 * `text`, `pump`, `user`; the rest is the seam's and the pump's. */
#pragma once

#include "base/list.h"
#include "base/str.h"
#include "http/framing.h"
#include "loop/loop.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

struct pump;
struct shard;
struct MHD_Connection;

/* Longest: an IPv6 address with a scope, in brackets, with a port. */
#define CLIENT_TEXT 72

/* With the seam, the library reads this in place of the last letter of the name Cookie: it would parse a Cookie, keep a copy
 * of it, and refuse the request where it does not like what it finds. */
#define CLIENT_VEIL '^'

struct client {
    struct io io;                       /* events of the socket; io.fd is the socket */
    struct loop *loop;
    struct pump *pump;
    struct shard *shard;
    struct MHD_Connection *mhd;         /* NULL before the library knows it, and after */
    void *user;                         /* whatever the pump's user keeps with it; NULL at first */
    void *request;                      /* the request in progress, NULL between requests */
    struct link all;                    /* of the pump */

    /* What the library was told, and was not yet told (seam). */
    struct link ready;                  /* in the shard's queue while `queued` */
    void *library;                      /* what the library wants back with an event */
    uint32_t pending;                   /* EPOLLIN ... */
    bool queued, active, registered;
    bool drained;                       /* the last read took all there was */
    bool hup;                           /* the end of the stream was reported, which happens once */
    bool parked;                        /* suspended: the library neither reads nor notices the end */
    bool probed;                        /* half-closed while parked: an interim answer was sent to see if it lives */
    const char *head;                   /* goes out instead of the library's head (client_set_head) */
    size_t head_n, head_at;
    uint32_t begun;                     /* requests that the library began to read */
    bool minor;                         /* the request in progress is HTTP/1.1, set by the pump's user */
    bool answering;                     /* the answer has begun */
    bool asking;                        /* parked in a head: ops->ahead is called when more comes (client_listen) */
    bool by_close;                      /* it is whole when the connection ends: only a reset says that it was cut */
    bool late;                          /* a head came too slowly */
    bool full;                          /* without the seam: a body that the library cannot read on */
    bool closing;                       /* no more requests on this connection */
    bool taken;                         /* its socket is the user's: client_take */
    bool mute;                          /* its answers are the user's: client_mute */
    bool ended;                         /* while it was mute it ended its sending side, in the middle of a request */
    uint8_t refused;                    /* 1: a violation waits for its answer, 2: answered, 3: taken */
    void *upgraded;                     /* without the seam: what the library wants to have back */

    struct framing framing;             /* the strict check of what it sends */
    enum framing_phase phase;           /* of it, after the last bytes */
    char *stash;                        /* bytes behind a request that may end the protocol (Upgrade) */
    size_t stash_n, stash_at;

    struct timer timer;                 /* one lazy timer for all of the client's deadlines */
    sc_msec stamp;                      /* when it last did something */
    sc_msec full_at;                    /* the stamp of the client when the library left bytes unread; 0: it did not */
    sc_msec head_since;                 /* when the head now coming in began; 0: none */

    socklen_t address_n;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } address;
    uint8_t text_n;
    char text[CLIENT_TEXT];             /* the address without a port: "192.0.2.7", "2001:db8::1", "unix" */
};

static inline struct sc_str client_text(const struct client *c)
{
    return (struct sc_str){ c->text, c->text_n };
}

/* Suspends the request: the library does nothing for it until client_resume. The handler's rules are the library's. */
void client_park(struct client *c);
/* And runs its daemon in this turn. */
void client_resume(struct client *c);
/* In the first call of the handler: nothing of the request's body has come, as far as can be seen. With the seam ops->ahead
 * will be called when something comes while the client is parked; not so without it. */
bool client_listen(struct client *c);
/* Sends an interim answer (RFC 9110 15.2) to a parked HTTP/1.1 client that no answer has begun to go to. False: it was
 * not sent, which does no harm. */
bool client_interim(struct client *c, const char *text, size_t n);
/* The client's daemon has something to do that no event tells of. */
void client_poke(struct client *c);
/* The user has seen the last call of the handler: no deadline of the client's runs any more. */
void client_request_whole(struct client *c);
/* With the seam: a whole response head that goes out in place of the library's for the answer now queued. It must frame
 * the body as the library does, and live until the request is completed. */
void client_set_head(struct client *c, struct sc_str head);
/* With the seam: until the request is completed, what the library says goes nowhere, and the user writes to the socket
 * himself; pump_ops.room tells when there is room again. The library goes on reading. */
void client_mute(struct client *c);
/* The end of a client that is muted, before its request is: as client_drop. */
void client_end(struct client *c, bool reset);
/* The answer that begins has no other end than the connection's. From here to client_whole() whatever ends the connection,
 * even the end of the process, resets it. */
void client_by_close(struct client *c);
void client_whole(struct client *c);
/* Ends the connection at once, as far as the client can see. */
void client_cut(struct client *c);
/* The same; the library notices in this turn. */
void client_kill(struct client *c);

/* The socket becomes the user's, with its events (edge-triggered: at first both directions count as ready); io is
 * c->io. The library sees nothing of it any more. It must stand in the last call of the handler or be parked there,
 * and stays parked until client_drop; without the seam it must have upgraded. No deadline of the client's runs, but it
 * is counted as before. False: no room in the epoll set; drop it. */
bool client_take(struct client *c, void (*fn)(struct io *io, uint32_t events));
/* As recv, of a taken client: first what it had sent behind its request. */
ssize_t client_recv(struct client *c, void *to, size_t n);
/* The end of a taken client: the library closes the socket in this turn, and says that the request is completed. With
 * `reset` the client sees a reset. */
void client_drop(struct client *c, bool reset);
