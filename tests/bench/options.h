/* tests/bench/options.h - what the load generator was asked to do.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_HEADERS 32

struct options {
    const char *address, *path, *crowd_path;
    unsigned port;
    size_t connections, crowd;
    double seconds, warmup, rate, timeout; /* seconds; requests a second */
    uint64_t count, body, length;          /* requests; bytes; bytes of every answer */
    int status;
    bool parked, fresh, spread, chunked, sync, lockstep;
    const char *header[MAX_HEADERS];
    size_t nheaders;
};
extern struct options opt;

/* Fills opt; prints the usage and ends the process when it cannot. */
void options_read(int argc, char **argv);
