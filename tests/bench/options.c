/* tests/bench/options.c - what the load generator was asked to do.
 * SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

struct options opt = {
    .address = "127.0.0.1", .path = "/small", .crowd_path = "/small", .connections = 1, .seconds = 1,
    .timeout = 10, .status = 200, .length = 128,
};

static void usage(void)
{
    fprintf(stderr, "%s",
            "usage: load -p PORT [options]\n"
            "  -a, --address A      target (127.0.0.1)\n"
            "  -u, --path P         what to ask for (/small)\n"
            "  -c, --connections N  busy connections (1); 0 with a crowd alone\n"
            "  -d, --seconds S      how long (1), or\n"
            "  -n, --count N        how many requests\n"
            "  -w, --warmup S       seconds before (0)\n"
            "  -H, --header 'K: V'  may be repeated\n"
            "  -b, --body BYTES     POST that many; --chunked without a length\n"
            "  -f, --fresh          a new connection for each request\n"
            "  -S, --spread         connect from 127.0.0.2 to 127.0.0.9 in turn\n"
            "  -r, --rate R         so many requests a second, whether or not they are answered\n"
            "  -L, --lockstep       all connections ask, then all wait\n"
            "  -i, --idle N         a crowd of connections that asked once and are idle\n"
            "  -k, --park N         a crowd of requests in flight, for --crowd-path P\n"
            "  -s, --status N, -l, --length N   what every answer must be (200, 128)\n"
            "  -t, --timeout S      of one request (10; 0: none)\n"
            "  -y, --sync           say ready, and wait for a line on standard input\n");
    exit(64);
}

static const struct option names[] = {
    { "address", 1, NULL, 'a' }, { "port", 1, NULL, 'p' }, { "path", 1, NULL, 'u' },
    { "connections", 1, NULL, 'c' }, { "seconds", 1, NULL, 'd' }, { "count", 1, NULL, 'n' },
    { "warmup", 1, NULL, 'w' }, { "header", 1, NULL, 'H' }, { "body", 1, NULL, 'b' },
    { "chunked", 0, NULL, 'C' }, { "fresh", 0, NULL, 'f' }, { "spread", 0, NULL, 'S' }, { "rate", 1, NULL, 'r' },
    { "lockstep", 0, NULL, 'L' }, { "idle", 1, NULL, 'i' }, { "park", 1, NULL, 'k' },
    { "crowd-path", 1, NULL, 'P' }, { "status", 1, NULL, 's' }, { "length", 1, NULL, 'l' },
    { "timeout", 1, NULL, 't' }, { "sync", 0, NULL, 'y' }, { NULL, 0, NULL, 0 },
};

static uint64_t number(const char *text)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0')
        usage();
    return n;
}

static void add_header(const char *header)
{
    if (opt.nheaders == MAX_HEADERS)
        usage();
    opt.header[opt.nheaders++] = header;
}

static void set_option(int ch, const char *arg)
{
    switch (ch) {
    case 'a': opt.address = arg; break;
    case 'p': opt.port = (unsigned)number(arg); break;
    case 'u': opt.path = arg; break;
    case 'c': opt.connections = number(arg); break;
    case 'd': opt.seconds = strtod(arg, NULL); break;
    case 'n': opt.count = number(arg); break;
    case 'w': opt.warmup = strtod(arg, NULL); break;
    case 'H': add_header(arg); break;
    case 'b': opt.body = number(arg); break;
    case 'C': opt.chunked = true; break;
    case 'f': opt.fresh = true; break;
    case 'S': opt.spread = true; break;
    case 'r': opt.rate = strtod(arg, NULL); break;
    case 'L': opt.lockstep = true; break;
    case 'i': opt.crowd = number(arg); break;
    case 'k': opt.crowd = number(arg); opt.parked = true; break;
    case 'P': opt.crowd_path = arg; break;
    case 's': opt.status = (int)number(arg); break;
    case 'l': opt.length = number(arg); break;
    case 't': opt.timeout = strtod(arg, NULL); break;
    case 'y': opt.sync = true; break;
    default: usage();
    }
}

void options_read(int argc, char **argv)
{
    for (int ch; (ch = getopt_long(argc, argv, "a:p:u:c:d:n:w:H:b:CfSr:Li:k:P:s:l:t:y", names, NULL)) != -1;)
        set_option(ch, optarg);
    if (optind != argc || opt.port == 0 || opt.port > 65535 || opt.seconds <= 0 || opt.connections + opt.crowd == 0)
        usage();
}
