/* tests/bench/origin.c - an HTTP/1.1 origin that costs next to nothing: one thread, one epoll, prebuilt answers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * /small 128 bytes, /headers the same behind 12 header fields, /10k, /1m; /sink reads a body, counted or chunked, and
 * answers 128 bytes that start with its length; /slow?ms=N answers after N ms; /hold answers when somebody asks for
 * /release (which says how many it let go). Everything else is 404: a proxy that rewrites a path is found out. */
#include "heap.h"
#include "pattern.h"
#include "request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_SIZE 65536u
#define OUT_SIZE 65536u
#define COPY_LIMIT 4096u /* longer answers go out of the place where they were built */
#define SLOW_LIMIT 600000u

enum state { READING, WAITING, SENDING };
enum kind { FIXED, SINK, SLOW, HOLD, RELEASE, MISSING };

struct answer {
    const char *path;
    enum kind kind;
    size_t body;
    const char *fields;
    char *bytes;
    size_t len;
};

struct conn {
    int fd;
    enum state state;
    bool closing;      /* after what is queued */
    bool dead;         /* on the list of those to free */
    struct request request;
    const struct answer *answer;
    const char *rest;  /* what the socket did not take: inside an answer, or copy */
    size_t rest_len;
    char *copy;
    char *carry;       /* input behind the request that is being worked on */
    size_t carry_len;
    struct heap_node due; /* on /slow, ms */
    struct conn *prev, *next; /* held, or dead */
};

static int epfd;
static char in[IN_SIZE], out[OUT_SIZE];
static size_t out_len;
static struct heap slow;
static struct conn *held, *graveyard;
static char date[64];
static time_t date_of;

static const char many_fields[] =
    "Server: origin\r\nCache-Control: public, max-age=300\r\nETag: \"5d8c72a5edda8d6a\"\r\n"
    "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nVary: Accept-Encoding\r\nX-Frame-Options: DENY\r\n"
    "X-Content-Type-Options: nosniff\r\nStrict-Transport-Security: max-age=63072000\r\n"
    "Set-Cookie: session=3f1c9a7be2d94c0b; Path=/; HttpOnly\r\n";

static struct answer answers[] = {
    { "/small", FIXED, PATTERN_SMALL, "", NULL, 0 },
    { "/headers", FIXED, PATTERN_SMALL, many_fields, NULL, 0 },
    { "/10k", FIXED, 10240, "", NULL, 0 },
    { "/1m", FIXED, 1048576, "", NULL, 0 },
    { "/sink", SINK, PATTERN_SMALL, "", NULL, 0 },
    { "/slow", SLOW, PATTERN_SMALL, "", NULL, 0 },
    { "/hold", HOLD, PATTERN_SMALL, "", NULL, 0 },
    { "/release", RELEASE, PATTERN_SMALL, "", NULL, 0 },
    { "", MISSING, PATTERN_SMALL, "", NULL, 0 },
};
#define NANSWERS (sizeof answers / sizeof answers[0])
#define NO_SUCH (&answers[NANSWERS - 1])

static void *must(void *p)
{
    if (p == NULL) {
        perror("origin");
        exit(70);
    }
    return p;
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* ---- the answers */

/* All answers have the same first two lines, so the date stands at the same place in each. */
#define STATUS_OK "HTTP/1.1 200 OK\r\n"
#define STATUS_NO "HTTP/1.1 404 NO\r\n"
#define DATE_AT (sizeof STATUS_OK - 1 + sizeof "Date: " - 1)

static void build(struct answer *a)
{
    char head[1024];
    int n = snprintf(head, sizeof head, "%sDate: %s\r\nContent-Type: text/plain\r\n%sContent-Length: %zu\r\n\r\n",
                     a->kind == MISSING ? STATUS_NO : STATUS_OK, date, a->fields, a->body);

    a->len = (size_t)n + a->body;
    a->bytes = must(malloc(a->len));
    memcpy(a->bytes, head, (size_t)n);
    pattern_fill(a->bytes + n, a->body, 0);
}

static void refresh_date(void)
{
    time_t now = time(NULL);
    struct tm tm;

    if (now == date_of)
        return;
    date_of = now;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    for (size_t i = 0; i < NANSWERS && answers[i].bytes != NULL; i++)
        memcpy(answers[i].bytes + DATE_AT, date, strlen(date));
}

static const struct answer *find(const char *path, size_t n)
{
    const char *query = memchr(path, '?', n);
    size_t len = query != NULL ? (size_t)(query - path) : n;

    for (size_t i = 0; i + 1 < NANSWERS; i++)
        if (strlen(answers[i].path) == len && memcmp(answers[i].path, path, len) == 0)
            return &answers[i];
    return NO_SUCH;
}

/* ---- connections */

static void held_del(struct conn *c)
{
    if (c->prev != NULL)
        c->prev->next = c->next;
    else if (held == c)
        held = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    c->prev = c->next = NULL;
}

/* Memory goes at the end of the turn: a later event of this turn may still name the connection. */
static void bury(struct conn *c)
{
    if (c->dead)
        return;
    heap_del(&slow, &c->due);
    held_del(c);
    close(c->fd);
    c->dead = true;
    c->next = graveyard;
    graveyard = c;
}

static void free_buried(void)
{
    while (graveyard != NULL) {
        struct conn *c = graveyard;

        graveyard = c->next;
        free(c->copy);
        free(c->carry);
        free(c);
    }
}

static void watch(struct conn *c, uint32_t events)
{
    struct epoll_event ev = { .events = events, .data.ptr = c };

    epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &ev);
}

/* Puts the bytes on the wire; what does not fit waits for room (the connection is then SENDING). lasting: the bytes
 * stay where they are. */
static void put(struct conn *c, const char *p, size_t n, bool lasting)
{
    ssize_t k = send(c->fd, p, n, MSG_NOSIGNAL);
    size_t rest = n - (k > 0 ? (size_t)k : 0);

    if (k < 0 && errno != EAGAIN) {
        bury(c);
        return;
    }
    if (rest == 0)
        return;
    if (!lasting)
        c->copy = memcpy(must(malloc(rest)), p + n - rest, rest);
    c->rest = lasting ? p + n - rest : c->copy;
    c->rest_len = rest;
    c->state = SENDING;
    watch(c, EPOLLOUT);
}

static void flush(struct conn *c)
{
    size_t n = out_len;

    out_len = 0;
    if (n != 0)
        put(c, out, n, false);
}

static void queue(struct conn *c, const char *p, size_t n)
{
    if (n <= COPY_LIMIT) {
        if (out_len + n > OUT_SIZE)
            flush(c);
        if (c->state == SENDING || c->dead)
            return;
        memcpy(out + out_len, p, n);
        out_len += n;
        return;
    }
    flush(c);
    if (c->state != SENDING && !c->dead)
        put(c, p, n, true);
}

/* The answer to a body, or to /release: the number stands in the first bytes. */
static void queue_number(struct conn *c, const struct answer *a, uint64_t number)
{
    char text[COPY_LIMIT], digits[PATTERN_DIGITS + 1];

    memcpy(text, a->bytes, a->len);
    snprintf(digits, sizeof digits, "%0*llu", PATTERN_DIGITS, (unsigned long long)number);
    memcpy(text + a->len - a->body, digits, PATTERN_DIGITS);
    queue(c, text, a->len);
}

static void consume(struct conn *c, const char *p, size_t n);

/* An answer that was late: what came behind its request is read now. */
static void answer_late(struct conn *c)
{
    char *carry = c->carry;
    size_t n = c->carry_len;

    c->carry = NULL;
    c->carry_len = 0;
    c->state = READING;
    watch(c, EPOLLIN);
    queue(c, answers[0].bytes, answers[0].len);
    consume(c, carry, n);
    free(carry);
}

static uint64_t release_all(void)
{
    char saved[OUT_SIZE];
    size_t saved_len = out_len;
    uint64_t n = 0;

    memcpy(saved, out, saved_len);
    out_len = 0;
    for (; held != NULL; n++) {
        struct conn *c = held;

        held_del(c);
        answer_late(c);
    }
    memcpy(out, saved, saved_len);
    out_len = saved_len;
    return n;
}

static void hold(struct conn *c)
{
    c->next = held;
    c->prev = NULL;
    if (held != NULL)
        held->prev = c;
    held = c;
}

static void answer_now(struct conn *c)
{
    const struct answer *a = c->answer;

    if (a->kind == SLOW || a->kind == HOLD) {
        c->state = WAITING;
        watch(c, EPOLLRDHUP);
        if (a->kind == HOLD)
            hold(c);
        else
            heap_add(&slow, &c->due);
    } else if (a->kind == SINK || a->kind == RELEASE) {
        queue_number(c, a, a->kind == SINK ? c->request.seen : release_all());
    } else {
        queue(c, a->bytes, a->len);
    }
}

/* ---- reading requests */

static uint64_t slow_until(const struct request *r)
{
    const char *ms = memmem(r->target, r->target_len, "ms=", 3);
    uint64_t wait = ms != NULL ? strtoull(ms + 3, NULL, 10) : 0;

    return now_ms() + (wait < SLOW_LIMIT ? wait : SLOW_LIMIT);
}

static void refuse(struct conn *c)
{
    static const char bad[] = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    queue(c, bad, sizeof bad - 1);
    c->closing = true;
}

static bool is_stopped(const struct conn *c)
{
    return c->dead || c->closing || c->state != READING;
}

/* Takes some of the bytes, and answers if that was the end of a request. */
static size_t take(struct conn *c, const char *p, size_t n)
{
    size_t k = request_take(&c->request, p, n);

    if (c->request.phase == REQUEST_BAD) {
        refuse(c);
        return k;
    }
    if (c->request.target != NULL) {
        c->answer = find(c->request.target, c->request.target_len);
        c->due.at = c->answer->kind == SLOW ? slow_until(&c->request) : 0;
        c->request.target = NULL;
    }
    if (c->request.phase == REQUEST_DONE) {
        c->closing = c->request.closing;
        answer_now(c);
        c->request.phase = REQUEST_HEAD;
    }
    return k;
}

static void keep(struct conn *c, const char *p, size_t n)
{
    if (n == 0 || c->dead)
        return;
    c->carry = memcpy(must(malloc(n)), p, n);
    c->carry_len = n;
}

/* Works on what came; what cannot be worked on yet is kept. */
static void consume(struct conn *c, const char *p, size_t n)
{
    while (n != 0 && !is_stopped(c)) {
        size_t k = take(c, p, n);

        p += k;
        n -= k;
        if (k == 0)
            break;
    }
    flush(c);
    if (c->closing && c->state == READING)
        bury(c);
    keep(c, p, n);
}

static void on_readable(struct conn *c)
{
    size_t had = c->carry_len;
    ssize_t n;

    if (had != 0)
        memcpy(in, c->carry, had);
    n = recv(c->fd, in + had, IN_SIZE - had, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        bury(c);
        return;
    }
    free(c->carry);
    c->carry = NULL;
    c->carry_len = 0;
    consume(c, in, had + (size_t)n);
}

static void on_writable(struct conn *c)
{
    ssize_t n = send(c->fd, c->rest, c->rest_len, MSG_NOSIGNAL);
    char *carry = c->carry;
    size_t carry_len = c->carry_len;

    if (n < 0 && errno != EAGAIN) {
        bury(c);
        return;
    }
    c->rest += n > 0 ? n : 0;
    c->rest_len -= n > 0 ? (size_t)n : 0;
    if (c->rest_len != 0)
        return;
    free(c->copy);
    c->copy = c->carry = NULL;
    c->carry_len = 0;
    c->state = READING;
    watch(c, EPOLLIN);
    consume(c, carry, carry_len);
    free(carry);
}

static void on_event(struct conn *c, uint32_t events)
{
    if (c->dead)
        return;
    if (c->state == WAITING)
        bury(c);
    else if (c->state == SENDING)
        on_writable(c);
    else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(c);
}

static void on_accept(int listener)
{
    int one = 1;

    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct conn *c = must(calloc(1, sizeof *c));
        struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) != 0)
            bury(c);
    }
}

static void answer_due(void)
{
    uint64_t now = heap_first(&slow) != NULL ? now_ms() : 0;

    for (struct heap_node *n; (n = heap_first(&slow)) != NULL && n->at <= now;) {
        heap_del(&slow, n);
        answer_late((struct conn *)((char *)n - offsetof(struct conn, due)));
    }
}

static int wait_ms(void)
{
    const struct heap_node *n = heap_first(&slow);
    uint64_t now = n != NULL ? now_ms() : 0;

    if (n == NULL || n->at > now + 1000)
        return 1000;
    return n->at <= now ? 0 : (int)(n->at - now);
}

static int listen_on(const char *address, unsigned port)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    socklen_t len = sizeof sa;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (inet_pton(AF_INET, address, &sa.sin_addr) != 1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&sa, &len) != 0) {
        perror("origin: listen");
        exit(69);
    }
    printf("%u\n", ntohs(sa.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    const char *address = "127.0.0.1";
    unsigned port = 0;
    struct epoll_event ev = { .events = EPOLLIN }, events[256];
    int listener;

    for (int opt; (opt = getopt(argc, argv, "a:p:")) != -1;) {
        if (opt == 'a') {
            address = optarg;
        } else if (opt == 'p') {
            port = (unsigned)strtoul(optarg, NULL, 10);
        } else {
            fprintf(stderr, "usage: origin [-a ADDRESS] [-p PORT]   prints the port it listens on\n");
            return 64;
        }
    }
    refresh_date();
    for (size_t i = 0; i < NANSWERS; i++)
        build(&answers[i]);
    epfd = epoll_create1(EPOLL_CLOEXEC);
    listener = listen_on(address, port);
    epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        int n = epoll_wait(epfd, events, 256, wait_ms());

        refresh_date();
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                on_accept(listener);
            else
                on_event(events[i].data.ptr, events[i].events);
        }
        answer_due();
        free_buried();
    }
}
