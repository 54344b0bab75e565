/* tests/bench/load.c - a load generator that checks every answer: closed loop, fixed rate, or a crowd that waits.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One thread. Prints one JSON object. With --sync it says "ready" when it has warmed up and nothing is in flight, and
 * measures after a line on standard input: whoever reads the clock of a proxy in between counts exactly the requests
 * of the report. See README.md. */
#include "client.h"
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS_PER_S 1000000000u
#define CROWD_AT_ONCE 64u /* of those that fill up a crowd */
#define MAX_ERRORS 1000u
#define REQUEST_SIZE 65536u

static struct client client, crowd;
static struct tally crowd_tally;
static struct conn *conns;   /* the busy ones, then the crowd */
static size_t nconns;
static bool running;         /* a busy connection that is done starts again */
static uint64_t end_at;      /* of running; 0: none */
static uint64_t remaining;   /* requests to start, when they are counted */

/* At a fixed rate: requests are due at start + i * interval, and wait for a free connection in that order. */
static struct {
    int timer;
    uint64_t start, due, taken; /* number that were due, and that found a connection */
    struct conn **free;
    size_t nfree;
} rate;

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(70);
}

/* ---- requests */

static size_t add_chunks(char *to, size_t room, uint64_t body)
{
    size_t at = 0;

    for (uint64_t left = body; left != 0;) {
        uint64_t n = left < 1000 ? left : 1000;

        if (at + n + 32 > room)
            exit(64);
        at += (size_t)sprintf(to + at, "%llx\r\n", (unsigned long long)n);
        memset(to + at, 'x', n);
        at += n;
        at += (size_t)sprintf(to + at, "\r\n");
        left -= n;
    }
    return at + (size_t)sprintf(to + at, "0\r\n\r\n");
}

static size_t add_body(char *to, size_t room)
{
    int n = 0;

    if (opt.chunked) {
        n = snprintf(to, room, "Transfer-Encoding: chunked\r\n\r\n");
        return (size_t)n + add_chunks(to + n, room - (size_t)n, opt.body);
    }
    if (opt.body != 0)
        n = snprintf(to, room, "Content-Length: %llu\r\n", (unsigned long long)opt.body);
    n += snprintf(to + n, room - (size_t)n, "\r\n");
    if ((size_t)n + opt.body > room) {
        fprintf(stderr, "load: the body is too long\n");
        exit(64);
    }
    memset(to + n, 'x', opt.body);
    return (size_t)n + opt.body;
}

static struct plan make_plan(const char *path, bool waits)
{
    bool has_body = !waits && (opt.body != 0 || opt.chunked);
    char *text = malloc(REQUEST_SIZE);
    size_t n;

    if (text == NULL)
        die("memory");
    n = (size_t)snprintf(text, REQUEST_SIZE, "%s %s HTTP/1.1\r\nHost: bench.test\r\n", has_body ? "POST" : "GET", path);
    for (size_t i = 0; i < opt.nheaders && !waits; i++)
        n += (size_t)snprintf(text + n, REQUEST_SIZE - n, "%.1000s\r\n", opt.header[i]);
    if (opt.fresh && !waits)
        n += (size_t)snprintf(text + n, REQUEST_SIZE - n, "Connection: close\r\n");
    if (has_body)
        n += add_body(text + n, REQUEST_SIZE - n);
    else
        n += (size_t)snprintf(text + n, REQUEST_SIZE - n, "\r\n");
    return (struct plan){ .request = text, .len = n, .fresh = opt.fresh && !waits,
                          .expect = { .status = waits ? 200 : opt.status, .length = waits ? 128 : opt.length,
                                      .counted = has_body, .number = opt.body },
                          .timeout = (uint64_t)(opt.timeout * NS_PER_S) };
}

/* ---- the loop */

static void on_timer(void);

static void turn(int timeout_ms)
{
    static uint64_t checked;
    struct epoll_event ev[256];
    int n = epoll_wait(client.epfd, ev, 256, timeout_ms);
    uint64_t now;

    for (int i = 0; i < n; i++) {
        if (ev[i].data.ptr == NULL)
            on_timer();
        else
            conn_on_event(ev[i].data.ptr);
    }
    now = client_now();
    if (now - checked > NS_PER_S / 4) {
        checked = now;
        for (size_t i = 0; i < nconns; i++)
            conn_check_timeout(&conns[i], now);
    }
}

/* True when the next request may be started: counts it. */
static bool take_turn(uint64_t now)
{
    if (!running || (end_at != 0 && now >= end_at) || client.tally->errors >= MAX_ERRORS)
        return false;
    if (opt.count == 0 || end_at != 0)
        return true;
    if (remaining == 0)
        return false;
    remaining--;
    return true;
}

static void start_wave(void)
{
    uint64_t now = client_now();

    for (size_t i = 0; i < opt.connections; i++)
        if (take_turn(now))
            conn_start(&conns[i], now);
}

static void start_due(struct conn *c)
{
    uint64_t at = rate.start + (uint64_t)((double)rate.taken * NS_PER_S / opt.rate);

    rate.taken++;
    conn_start(c, at);
}

static void on_busy_over(struct conn *c)
{
    uint64_t now;

    if (opt.rate > 0) {
        if (rate.taken < rate.due)
            start_due(c);
        else
            rate.free[rate.nfree++] = c;
        return;
    }
    if (opt.lockstep) {
        if (client.in_flight == 0)
            start_wave();
        return;
    }
    now = client_now();
    if (take_turn(now))
        conn_start(c, now);
}

static void on_timer(void)
{
    uint64_t ticks;

    if (read(rate.timer, &ticks, sizeof ticks) != sizeof ticks)
        return;
    if (client_now() < end_at && client.tally->errors < MAX_ERRORS)
        rate.due += ticks;
    while (rate.taken < rate.due && rate.nfree != 0)
        start_due(rate.free[--rate.nfree]);
}

static void drain(void)
{
    running = false;
    while (client.in_flight != 0)
        turn(100);
}

static void run_rate(uint64_t start)
{
    uint64_t interval = (uint64_t)(NS_PER_S / opt.rate);
    struct itimerspec spec = { .it_interval.tv_nsec = (long)(interval % NS_PER_S),
                               .it_interval.tv_sec = (time_t)(interval / NS_PER_S) };
    struct epoll_event ev = { .events = EPOLLIN };

    spec.it_value = spec.it_interval;
    rate.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    rate.start = start + interval;
    rate.due = rate.taken = rate.nfree = 0;
    for (size_t i = 0; i < opt.connections; i++)
        rate.free[rate.nfree++] = &conns[i];
    if (rate.timer < 0 || timerfd_settime(rate.timer, 0, &spec, NULL) != 0 ||
        epoll_ctl(client.epfd, EPOLL_CTL_ADD, rate.timer, &ev) != 0)
        die("timer");
    while (client_now() < end_at || rate.taken < rate.due)
        turn(100);
    close(rate.timer);
}

/* Keeps the busy connections busy for so long, or for so many requests; nothing is in flight afterwards. */
static void run_busy(double seconds, uint64_t count)
{
    uint64_t now = client_now();

    running = true;
    end_at = count != 0 ? 0 : now + (uint64_t)(seconds * NS_PER_S);
    remaining = count;
    if (opt.rate > 0 && count == 0) {
        run_rate(now);
    } else {
        start_wave();
        while (client.in_flight != 0 && (count != 0 || client_now() < end_at))
            turn(100);
    }
    drain();
}

/* ---- the crowd: connections that have asked once, and are idle or wait for their answer */

static void on_crowd_over(struct conn *c)
{
    (void)c;
}

static void fill_crowd(void)
{
    for (size_t i = 0; i < opt.crowd; i++) {
        conn_start(&conns[opt.connections + i], client_now());
        while (!opt.parked && crowd.in_flight >= CROWD_AT_ONCE)
            turn(100);
    }
    while (!opt.parked && crowd.in_flight != 0)
        turn(100);
}

static size_t count_crowd(enum conn_state state)
{
    size_t n = 0;

    for (size_t i = 0; i < opt.crowd; i++)
        n += conns[opt.connections + i].state == state;
    return n;
}

/* ---- the report */

static void print_latency(const struct hist *h)
{
    static const struct { const char *name; double share; } rows[] = {
        { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 },
    };

    printf("\"latency_us\": {");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        printf("\"%s\": %.1f, ", rows[i].name, (double)hist_quantile(h, rows[i].share) / 1000);
    printf("\"mean\": %.1f, \"max\": %.1f}", h->count != 0 ? (double)h->sum / (double)h->count / 1000 : 0.0,
           (double)h->max / 1000);
}

static void print_counts(const struct tally *t)
{
    const char *comma = "";

    printf("\"errors\": %llu, \"error\": {", (unsigned long long)t->errors);
    for (size_t i = 0; i < CLIENT_ERRORS; i++) {
        if (t->error[i] != 0) {
            printf("%s\"%s\": %llu", comma, client_error_names[i], (unsigned long long)t->error[i]);
            comma = ", ";
        }
    }
    printf("}, \"status\": {");
    comma = "";
    for (size_t i = 0; i < 600; i++) {
        if (t->status[i] != 0) {
            printf("%s\"%zu\": %llu", comma, i, (unsigned long long)t->status[i]);
            comma = ", ";
        }
    }
    printf("}, ");
}

static void print_report(const struct tally *t, uint64_t warmed, double seconds)
{
    printf("{\"done\": %llu, \"seconds\": %.6f, \"rps\": %.1f, \"bytes\": %llu, "
           "\"opened\": %llu, \"idle_closed\": %llu, \"warmed\": %llu, ",
           (unsigned long long)t->done, seconds, (double)t->done / seconds, (unsigned long long)t->bytes,
           (unsigned long long)t->opened, (unsigned long long)t->idle_closed, (unsigned long long)warmed);
    print_counts(t);
    print_latency(&t->latency);
    if (opt.crowd != 0)
        printf(", \"crowd\": %zu", count_crowd(opt.parked ? CONN_READING : CONN_IDLE));
    printf("}\n");
    fflush(stdout);
}

/* ---- the phases */

static void wait_for_line(const char *say)
{
    char line[64];

    if (!opt.sync)
        return;
    printf("%s\n", say);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        exit(65);
}

/* What happened before the measurement must have gone well, and is not in the report. */
static void require_good_start(const struct tally *t)
{
    if (t->errors == 0)
        return;
    print_report(t, 0, 1);
    fprintf(stderr, "load: errors before the measurement\n");
    exit(1);
}

/* After a parked crowd was let go: every one of them must get its answer. */
static void collect_crowd(void)
{
    uint64_t end = client_now() + 20ull * NS_PER_S;

    if (!opt.parked || !opt.sync)
        return;
    wait_for_line("release");
    while (crowd.in_flight != 0 && client_now() < end)
        turn(100);
    printf("{\"answered\": %llu, \"errors\": %llu}\n", (unsigned long long)crowd_tally.done,
           (unsigned long long)crowd_tally.errors);
}

static int run(const struct plan *busy, const struct plan *waiting)
{
    static struct tally before, measured;
    bool complete;
    uint64_t start;

    for (size_t i = 0; i < opt.connections; i++)
        conn_init(&conns[i], &client, busy);
    for (size_t i = opt.connections; i < nconns; i++)
        conn_init(&conns[i], &crowd, waiting);
    client.tally = &before;
    fill_crowd();
    if (opt.warmup > 0 && opt.connections != 0)
        run_busy(opt.warmup, 0);
    require_good_start(&before);
    require_good_start(&crowd_tally);
    wait_for_line("ready");
    client.tally = &measured;
    start = client_now();
    if (opt.connections != 0)
        run_busy(opt.seconds, opt.count);
    else
        turn(100);
    print_report(&measured, before.done + crowd_tally.done, (double)(client_now() - start) / NS_PER_S);
    complete = count_crowd(opt.parked ? CONN_READING : CONN_IDLE) == opt.crowd;
    collect_crowd();
    return measured.errors != 0 || !complete;
}

int main(int argc, char **argv)
{
    static struct plan busy, waiting;      /* as long as the process: nothing is freed */

    options_read(argc, argv);
    client.to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port) };
    if (inet_pton(AF_INET, opt.address, &client.to.sin_addr) != 1)
        die(opt.address);
    client.spread = opt.spread;
    client.epfd = epoll_create1(EPOLL_CLOEXEC);
    client.on_over = on_busy_over;
    crowd = client;
    crowd.tally = &crowd_tally;
    crowd.on_over = on_crowd_over;
    nconns = opt.connections + opt.crowd;
    conns = calloc(nconns, sizeof *conns);
    rate.free = calloc(opt.connections + 1, sizeof *rate.free);
    if (client.epfd < 0 || conns == NULL || rate.free == NULL)
        die("start");
    busy = make_plan(opt.path, false);
    waiting = make_plan(opt.crowd_path, true);
    if (opt.parked)
        waiting.timeout = 0;
    return run(&busy, &waiting);
}
