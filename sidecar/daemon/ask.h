/* sidecar/daemon/ask.h - one question to the admin listener of a sidecar that runs.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Blocks, for seconds at most. Main thread of a command, never of `run`. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

struct ask_options {
    const char *address;        /* "unix:/path" or "host:port"; NULL: $OUTRIDER_ADMIN, or the default ones */
    const char *token_file;     /* its first line is sent as a bearer token; NULL: none */
    struct sc_str body;         /* JSON, with a method other than GET; empty: none */
};

struct reply {
    unsigned status;
    struct buf body;            /* the caller's to free */
};

/* False: nobody could be asked, or the answer was not whole; said in e. `path` is sent as it is. */
bool ask(const struct ask_options *options, const char *method, const char *path, struct reply *r, struct sc_error *e);
/* Appends a name as one segment of a path (RFC 3986 2.1). */
void ask_segment(struct buf *path, const char *name);
