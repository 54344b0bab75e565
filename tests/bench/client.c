/* tests/bench/client.c - client connections of the load generator: one request at a time on each.
 * SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE 262144u

const char *const client_error_names[CLIENT_ERRORS] = {
    [ERROR_CONNECT] = "connect", [ERROR_RESET] = "reset", [ERROR_CLOSED_EARLY] = "closed_early",
    [ERROR_TIMEOUT] = "timeout", [ERROR_NOT_CLOSED] = "not_closed", [ERROR_HEAD] = "head",
    [ERROR_STATUS] = "status", [ERROR_LENGTH] = "length", [ERROR_BODY] = "body", [ERROR_TRAILING] = "trailing",
};

static const enum client_error error_of[] = {
    [ANSWER_BAD_HEAD] = ERROR_HEAD, [ANSWER_BAD_STATUS] = ERROR_STATUS, [ANSWER_BAD_LENGTH] = ERROR_LENGTH,
    [ANSWER_BAD_BODY] = ERROR_BODY, [ANSWER_TRAILING] = ERROR_TRAILING,
};

static char buffer[BUFFER_SIZE];

uint64_t client_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void conn_init(struct conn *c, struct client *client, const struct plan *plan)
{
    *c = (struct conn){ .fd = -1, .state = CONN_CLOSED, .client = client, .plan = plan };
}

void conn_close(struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->state = CONN_CLOSED;
    answer_reset(&c->answer);
}

static void over(struct conn *c)
{
    c->client->in_flight--;
    c->client->on_over(c);
}

static void fail(struct conn *c, enum client_error error)
{
    struct tally *t = c->client->tally;

    if (c->answer.status != 0)
        t->status[c->answer.status]++;
    t->error[error]++;
    t->errors++;
    conn_close(c);
    over(c);
}

/* ---- opening */

static bool bind_source(struct conn *c)
{
    struct sockaddr_in from = { .sin_family = AF_INET };
    int one = 1;

    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + c->client->next_source++ % 8);
    return setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) == 0 &&
           bind(c->fd, (struct sockaddr *)&from, sizeof from) == 0;
}

static bool open_socket(struct conn *c)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
    int one = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    c->wants_write = false;
    c->client->tally->opened++;
    return c->fd >= 0 && (!c->client->spread || bind_source(c)) &&
           setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
           (connect(c->fd, (struct sockaddr *)&c->client->to, sizeof c->client->to) == 0 || errno == EINPROGRESS) &&
           epoll_ctl(c->client->epfd, EPOLL_CTL_ADD, c->fd, &ev) == 0;
}

static void want_write(struct conn *c, bool wanted)
{
    struct epoll_event ev = { .events = EPOLLIN | (wanted ? EPOLLOUT : 0), .data.ptr = c };

    if (c->wants_write == wanted)
        return;
    c->wants_write = wanted;
    epoll_ctl(c->client->epfd, EPOLL_CTL_MOD, c->fd, &ev);
}

static bool is_refused(int error)
{
    return error == ECONNREFUSED || error == EADDRNOTAVAIL || error == ETIMEDOUT;
}

/* A connection that is not yet there answers EAGAIN, like one without room. */
static void send_rest(struct conn *c)
{
    ssize_t n = send(c->fd, c->plan->request + c->sent, c->plan->len - c->sent, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN) {
        fail(c, is_refused(errno) ? ERROR_CONNECT : ERROR_RESET);
        return;
    }
    c->sent += n > 0 ? (size_t)n : 0;
    c->state = c->sent == c->plan->len ? CONN_READING : CONN_SENDING;
    want_write(c, c->state == CONN_SENDING);
}

void conn_start(struct conn *c, uint64_t when)
{
    c->start = when;
    c->sent = 0;
    c->client->in_flight++;
    if (c->fd < 0 && !open_socket(c))
        fail(c, ERROR_CONNECT);
    else
        send_rest(c);
}

/* ---- answers */

static void complete(struct conn *c)
{
    struct tally *t = c->client->tally;
    bool closing = c->answer.closing;

    t->done++;
    t->bytes += c->answer.seen;
    t->status[c->answer.status]++;
    hist_add(&t->latency, client_now() - c->start);
    answer_reset(&c->answer);
    c->state = CONN_IDLE;
    if (c->plan->fresh) {
        c->state = CONN_ENDING;
        return;
    }
    if (closing)
        conn_close(c);
    over(c);
}

static void on_bytes(struct conn *c, size_t n)
{
    enum answer_result r = answer_feed(&c->answer, &c->plan->expect, buffer, n);

    if (r == ANSWER_DONE && c->state == CONN_READING)
        complete(c);
    else if (r == ANSWER_DONE)
        fail(c, ERROR_TRAILING); /* answered before the request was there */
    else if (r != ANSWER_MORE)
        fail(c, error_of[r]);
}

/* The end of the connection, or bytes nobody asked for. */
static void on_unasked(struct conn *c, ssize_t n)
{
    enum conn_state state = c->state;

    if (n > 0) {
        c->client->tally->error[ERROR_TRAILING]++;
        c->client->tally->errors++;
    } else if (state == CONN_IDLE) {
        c->client->tally->idle_closed++;
    }
    conn_close(c);
    if (state == CONN_ENDING)
        over(c);
}

static void on_readable(struct conn *c)
{
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    int error = errno;

    if (n < 0 && error == EAGAIN)
        return;
    if (c->state == CONN_IDLE || c->state == CONN_ENDING)
        on_unasked(c, n);
    else if (n < 0)
        fail(c, is_refused(error) ? ERROR_CONNECT : ERROR_RESET);
    else if (n == 0)
        fail(c, ERROR_CLOSED_EARLY);
    else
        on_bytes(c, (size_t)n);
}

void conn_on_event(struct conn *c)
{
    if (c->state == CONN_SENDING)
        send_rest(c);
    if (c->state != CONN_CLOSED)
        on_readable(c);
}

void conn_check_timeout(struct conn *c, uint64_t now)
{
    if (c->state == CONN_CLOSED || c->state == CONN_IDLE || c->plan->timeout == 0)
        return;
    if (now > c->start && now - c->start > c->plan->timeout)
        fail(c, c->state == CONN_ENDING ? ERROR_NOT_CLOSED : ERROR_TIMEOUT);
}
