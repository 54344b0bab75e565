/* tests/mutate/mutate.c - mutated requests and answers through a sidecar: both sides of it, in one process.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Prints where its targets listen. Then reads lines: "to ADDRESS" is a listener of the sidecar, "round N" sends N
 * mutated requests and prints what came of them, as JSON. Ends with its input. What a connection sends and what it is
 * answered comes from the seed and the connection's number alone: --first N --connections 1 begins with that one. */
#include "board.h"
#include "client.h"
#include "corpus.h"
#include "origin.h"
#include "turn.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static size_t connections = 32;
static uint32_t first = 1;
static bool started, ended;

static void usage(void)
{
    fputs("usage: mutate [--seed N] [--connections N] [--first N] [--seeds DIR] [--loose] --unix PATH\n", stderr);
    exit(64);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0')
        usage();
    return n;
}

/* ---- a round */

static void report(const struct counts *before, double seconds)
{
    struct rusage u;
    const char *comma = "";

    getrusage(RUSAGE_SELF, &u);
    printf("{\"seconds\": %.3f, \"rss_kib\": %ld, ", seconds, u.ru_maxrss);
#define COUNT(name) printf("\"" #name "\": %" PRIu64 ", ", counts.name - before->name)
    COUNT(connections);
    COUNT(good_connections);
    COUNT(requests);
    COUNT(mutated);
    COUNT(answers);
    COUNT(own_errors);
    COUNT(good_answers);
    COUNT(switched);
    COUNT(reached);
    COUNT(reached_untagged);
    COUNT(origin_connections);
    COUNT(mutated_answers);
    COUNT(surplus);
    COUNT(cut_answers);
    COUNT(bytes_in);
    COUNT(excused);
    COUNT(failures);
#undef COUNT
    printf("\"status\": {");
    for (size_t i = 0; i < 1000; i++) {
        if (counts.status[i] != before->status[i]) {
            printf("%s\"%zu\": %" PRIu64, comma, i, counts.status[i] - before->status[i]);
            comma = ", ";
        }
    }
    printf("}}\n");
    fflush(stdout);
}

static void turn(int most_ms)
{
    turn_once(most_ms);
    origin_sweep();
}

static void run_round(uint64_t n)
{
    struct counts before = counts;
    uint64_t began = turn_now();

    if (!started)
        clients_init(connections, first);
    started = true;
    clients_start(n);
    while (clients_busy() != 0)
        turn(100);
    report(&before, (double)(turn_now() - began) / 1e6);
}

/* ---- orders */

static void obey(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "to ", 3) == 0) {
        if (!client_add_listener(line + 3))
            usage();
    } else if (strncmp(line, "round ", 6) == 0) {
        run_round(number(line + 6));
    } else if (strcmp(line, "close") == 0) {        /* what the sidecar keeps open towards the targets */
        origin_close_all();
        printf("{}\n");
        fflush(stdout);
    } else {
        usage();
    }
}

static char orders_in[4096];
static size_t orders_len;

static void on_order(struct watch *w)
{
    ssize_t n = read(w->fd, orders_in + orders_len, sizeof orders_in - 1 - orders_len);

    if (n <= 0)
        ended = true;
    else
        orders_len += (size_t)n;
}

/* Outside of the loop's own events: a round turns it. */
static void obey_all(void)
{
    for (const char *lf; (lf = memchr(orders_in, '\n', orders_len)) != NULL;) {
        char line[sizeof orders_in];
        size_t len = (size_t)(lf - orders_in) + 1;

        memcpy(line, orders_in, len);
        line[len] = '\0';
        orders_len -= len;
        memmove(orders_in, orders_in + len, orders_len);
        obey(line);
    }
}

static const char *read_options(int argc, char **argv, const char **seeds)
{
    static const struct option names[] = {
        { "seed", 1, NULL, 's' }, { "connections", 1, NULL, 'c' }, { "first", 1, NULL, 'f' }, { "seeds", 1, NULL, 'd' },
        { "unix", 1, NULL, 'u' }, { "loose", 0, NULL, 'l' }, { NULL, 0, NULL, 0 },
    };
    const char *unix_path = NULL;

    for (int ch; (ch = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (ch) {
        case 's': the_seed = number(optarg); break;
        case 'c': connections = number(optarg); break;
        case 'f': first = (uint32_t)number(optarg); break;
        case 'd': *seeds = optarg; break;
        case 'l': loose = true; break;
        case 'u': unix_path = optarg; break;
        default: usage();
        }
    }
    if (unix_path == NULL || optind != argc || connections == 0)
        usage();
    return unix_path;
}

int main(int argc, char **argv)
{
    const char *seeds = NULL;
    struct origin_addresses at = { .unix_path = read_options(argc, argv, &seeds) };
    struct watch orders = { .fd = STDIN_FILENO, .on_event = on_order };

    tag_init(the_seed);
    if (seeds != NULL)
        corpus_load(seeds);
    turn_init();
    origin_start(&at);
    turn_watch(&orders, EPOLLIN);
    printf("{\"steady\": %u, \"hostile\": %u}\n", at.steady, at.hostile);
    fflush(stdout);
    while (!ended) {
        turn(1000);
        obey_all();
    }
    origin_stop();
    clients_free();
    corpus_free();
    return counts.failures != 0;
}
