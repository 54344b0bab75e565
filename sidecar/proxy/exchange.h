/* sidecar/proxy/exchange.h - one request and its answer, from birth to log line.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Owned by one worker; nobody else may touch it. Knows neither of the two libraries: downstream.c and upstream.c stand
 * between. What came from the client (`req`) is never changed; what goes to the target (`out`) is a list of its own.
 * Everything it points to lives in its arena, in the client's connection, or in its view. An exchange ends when nobody
 * holds it any more (`holds`); it is then used again for the next request. */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "http/body.h"
#include "http/headers.h"
#include "http/hop.h"
#include "http/method.h"
#include "http/problem.h"
#include "http/uri.h"
#include "http1/chunked.h"
#include "http1/response.h"
#include "loop/client.h"
#include "loop/loop.h"
#include "policy/chain.h"
#include "proxy/naming.h"
#include "proxy/plan.h"
#include "proxy/route.h"

#include <stdbool.h>
#include <stdint.h>

struct sc_worker;
struct view;
struct upconn;
struct read_buffer;
struct target_set;
struct target;
struct sc_timer;
struct early;
struct reserved_ask;
struct tunnel;
struct MHD_Response;

/* The life of a request. `run` is in flow.c; the picture is its opening comment. */
#define FLOW_STEPS(X)                                                                    \
    X(ROUTE,   route,   "head parsed: find the route, build the chain")                  \
    X(RESERVED, reserved, "a path of our own: parked until the admin pages answer")      \
    X(ADMIT,   admit,   "request hooks in order; may park")                              \
    X(NAME,    name,    "the path names the service: parked until it is known")          \
    X(ATTEMPT, attempt, "pick a target, attempt hooks, send")                            \
    X(AWAIT,   await,   "parked until head, failure, deadline or client gone")           \
    X(RESPOND, respond, "response hooks in reverse order; may park")                     \
    X(DELIVER, deliver, "queue the response, let the body flow")                         \
    X(TUNNEL,  tunnel,  "the protocol has changed: bytes pass both ways")                \
    X(FINISH,  finish,  "done hooks, log, counters, let go")

enum flow_step {
#define FLOW_ENUM(id, fn, doc) FLOW_##id,
    FLOW_STEPS(FLOW_ENUM)
#undef FLOW_ENUM
};

/* Who still holds the exchange: a core dump says it. */
enum { HOLD_DOWN = 1, HOLD_UP = 2 };

/* What callbacks recorded and flow.c has not dealt with yet. */
enum {
    FACT_HEAD = 1,              /* the head of the target's answer is in `res` */
    FACT_FAILED = 2,            /* the try failed: `up.error`, `up.failure` */
    FACT_GONE = 4,              /* the client is gone */
    FACT_DEADLINE = 8,          /* a deadline before the head: `deadline` */
    FACT_RESUMED = 16,          /* a policy said how to go on: `resumed` */
    FACT_OVER = 32,             /* the library is done with the request */
    FACT_ENDED = 64,            /* the tunnel has come to its end */
};

/* UNSENT: the connection broke before a byte of the request had left. KEPT: one that had served before ended without a byte
 * of an answer; perhaps it was closed before it got the request, and perhaps not. */
enum failure { FAIL_NONE, FAIL_CONNECT, FAIL_UNSENT, FAIL_KEPT, FAIL_RESET, FAIL_TIMEOUT, FAIL_PROTOCOL };

enum deadline { DEADLINE_NONE, DEADLINE_TOTAL, DEADLINE_RESPONSE, DEADLINE_TRY, DEADLINE_IDLE };

enum { EXCHANGE_FIELDS = 24, EXCHANGE_TRIED = 4 };

struct sc_exchange {
    /* --- zeroed for every request, from here ... --- */
    enum flow_step step;
    unsigned holds, facts;
    bool running;                       /* flow_run is on the stack */
    bool started;                       /* the chain was started: done hooks and the log are due */
    bool aborted;                       /* SC_ABORT */
    struct client *client;
    struct view *view;
    struct view *served;                /* where its service stands: the same, or a later one and a reference (naming.c) */
    const struct plan_listener *listener;
    const struct plan_route *route;     /* NULL: none */
    const struct plan_service *service;
    struct chain_run chain;
    enum sc_verdict resumed;
    sc_msec began_wall;
    int64_t began_us;                   /* monotonic, when the head was complete */

    struct {                            /* as the client sent it */
        enum method method;
        uint8_t minor;                  /* HTTP/1.minor */
        bool has_body, chunked, expects;
        bool trusted;                   /* what the peer says of others may be believed */
        bool last_hop;                  /* OPTIONS with Max-Forwards: 0: we answer in the target's place */
        unsigned max_forwards;          /* of OPTIONS, as it came; 0: none, or last_hop */
        uint64_t length;                /* Content-Length, when has_body and not chunked */
        uint64_t received;              /* body bytes so far */
        struct sc_str method_name, target, host, id;
        struct sc_str client_ip;
        struct sc_str last;             /* of a chunked body: its last chunk with the trailers; empty: without any */
        struct sc_str upgrade;          /* protocols asked for and passed on, a list; empty: none */
        struct uri uri;
        struct hop hop;
    } req;

    struct {                            /* the client's side, for downstream.c */
        bool first;                     /* the handler's first call was seen */
        bool in_handler;                /* on the stack */
        bool held_first;                /* parked in the first call: it will come again */
        bool asking;                    /* it waits for 100 Continue, and the target has not said that yet */
        bool blocked;                   /* parked with body bytes that nobody takes yet */
        bool starved;                   /* parked in the middle of the answer: no bytes to send */
        bool whole;                     /* the request is complete */
        bool queued;                    /* the answer was given to the library */
        bool discard;                   /* what comes of the body is dropped */
        bool close;                     /* the connection ends with this answer */
        bool finished;                  /* every byte of the answer was given */
        bool broken;                    /* the answer was cut off */
        bool apart;                     /* it goes past the library: early.c, tunnel.c */
        uint64_t discarded, sent;       /* bytes */
        struct MHD_Response *response;
        struct timer patience;          /* how long we wait for the target to say so */
    } down;

    struct {                            /* the try that is under way, for upstream.c */
        struct upconn *conn;            /* NULL: none */
        struct target *target;          /* counted in inflight while not NULL */
        struct sc_str target_text;      /* of the last one, for the log */
        bool reused, sent_head, sent_any, request_done, got_bytes, blocked;
        int room;                       /* enum pool_room: promised, and not used yet */
        bool body_done;                 /* the answer's body was read whole */
        char *head;                     /* request head that waits for the connection or the first piece of the body */
        size_t head_n;
        struct read_buffer *buffer;     /* that `in` points into, or NULL: it is in the arena */
        char *in;                       /* what was read of the answer: head, and behind it the first of the body */
        size_t in_n, in_at;             /* in_at: consumed, or where the head ended */
        size_t in_cap;                  /* room at `in` */
        uint64_t left;                  /* of a counted body, not yet read from the socket or `in` */
        struct chunked chunked;
        enum failure failure;
        enum err error;
        const char *detail;             /* static */
        int64_t sent_us, head_us, connect_us;
        struct task flush;              /* sends a head that no body came to go with */
    } up;

    struct {
        unsigned n;                     /* tries begun */
        unsigned uncounted;             /* of them, those that met the end of a kept connection */
        bool fresh;                     /* kept connections are not used any more */
        bool at_once;                   /* the next one begins without a pause */
        const struct target_set *set;
        uint64_t few[EXCHANGE_TRIED];   /* positions tried, in sets of up to 256 targets */
        uint64_t *bits;
        bool block;                     /* the fields that say who asked come from the connection's block */
        bool lost;                      /* body bytes went out that are not kept */
        bool open;                      /* the last one was begun and is not counted yet */
        struct timer backoff;
    } tries;

    struct {                            /* a place among the service's requests, for limit.c */
        bool place, waits;
        struct link link;
        struct timer timer;
    } queued;

    struct {                            /* of a route whose path names the service, for naming.c */
        struct sc_str name;
        struct link link;
        bool waits;
        const struct plan *asked;       /* the plan that did not have it when control was asked; not to be followed */
        enum naming refused;            /* NAMING_KNOWN: it is not */
    } naming;

    char *kept;                         /* request body so far, for another try */
    size_t kept_n, kept_cap;

    enum deadline deadline;
    sc_msec total_at, response_at, try_at, stamp;
    sc_msec paused_since;               /* the total does not run while the client is still sending */
    struct timer timer;

    struct {                            /* the answer, the target's or our own */
        bool ready, own, head_only;
        enum err error;                 /* of our own ones */
        unsigned status;
        const char *detail;
        struct sc_str content_type, body;
        bool custom;                    /* content_type and body were given by a policy */
        const char *code;               /* of a policy's reply; else the error's */
        struct sc_str upgrade;          /* of a 101: the protocol it changes to */
        struct sc_str allow;            /* Allow; empty: none, or of a 405 what the router found */
    } res;

    struct sc_timer *timers;            /* of policies */
    struct body *req_queue, *res_queue; /* between body hooks and the sockets */
    bool res_hooked, req_hooked;
    struct early *early;                /* an answer before the end of the request */
    struct reserved_ask *reserved;      /* what the admin pages are asked, and their answer */
    struct tunnel *tunnel;              /* once the protocol has changed */
    /* --- ... to here --- */

    struct sc_worker *worker;              /* stays */
    struct sc_exchange *next_free;
    struct arena arena;
    struct headers headers, out;        /* of the request: as sent, and as it goes to the target */
    struct response response;           /* of the target; of our own: only its headers are used */
    struct headers trailers;
    struct route_found found;
    struct header req_fields[EXCHANGE_FIELDS], out_fields[EXCHANGE_FIELDS], res_fields[EXCHANGE_FIELDS];
};

struct sc_exchange *exchange_new(struct sc_worker *w);
/* Back to the worker's free list. */
void exchange_free(struct sc_exchange *x);
