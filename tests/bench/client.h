/* tests/bench/client.h - client connections of the load generator: one request at a time on each.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One thread, one epoll. Times are nanoseconds of the monotonic clock. */
#pragma once

#include "answer.h"
#include "hist.h"

#include <netinet/in.h>

/* What a connection asks, and what must come back. Lent; outlives the connections. */
struct plan {
    const char *request;
    size_t len;
    struct answer_expect expect;
    bool fresh;          /* a new connection for each request; the server is to close it */
    uint64_t timeout;    /* of one request; 0: none */
};

enum client_error {
    ERROR_CONNECT, ERROR_RESET, ERROR_CLOSED_EARLY, ERROR_TIMEOUT, ERROR_NOT_CLOSED, ERROR_HEAD, ERROR_STATUS,
    ERROR_LENGTH, ERROR_BODY, ERROR_TRAILING, CLIENT_ERRORS
};
extern const char *const client_error_names[CLIENT_ERRORS];

struct tally {
    uint64_t done, bytes, opened, idle_closed; /* idle_closed: by the server, between two requests */
    uint64_t status[600], error[CLIENT_ERRORS], errors;
    struct hist latency;
};

enum conn_state { CONN_CLOSED, CONN_SENDING, CONN_READING, CONN_IDLE, CONN_ENDING };

struct client;

struct conn {
    int fd;
    enum conn_state state;
    bool wants_write;
    size_t sent;
    uint64_t start;      /* of the request, or when it was due */
    const struct plan *plan;
    struct client *client;
    struct answer answer;
};

struct client {
    int epfd;
    struct sockaddr_in to;
    bool spread;         /* come from 127.0.0.2 to 127.0.0.9, in turn */
    unsigned next_source;
    size_t in_flight;
    struct tally *tally;
    /* The request of c is over, answered or failed; it may start the next one. */
    void (*on_over)(struct conn *c);
};

uint64_t client_now(void);
void conn_init(struct conn *c, struct client *client, const struct plan *plan);
/* Sends the request of the plan, on a new connection if there is none. */
void conn_start(struct conn *c, uint64_t when);
void conn_close(struct conn *c);
void conn_on_event(struct conn *c);
/* Fails the request if it has taken longer than the plan allows. */
void conn_check_timeout(struct conn *c, uint64_t now);
