/* sidecar/telemetry/sink.h - one place where log lines go.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The writer thread's, except what is atomic. A sink gathers lines and writes them in large pieces. It waits for nothing
 * but a disk: what a pipe, a terminal or the journal does not take stays in the batch, and when that is full (1 MiB)
 * whole lines are dropped and counted. */
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/str.h"
#include "telemetry/writer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum sink_kind {
    SINK_FILE,              /* a regular file: writes come to an end */
    SINK_STREAM,            /* a pipe or terminal, not blocking, its open file description ours alone */
    SINK_SOCKET,            /* MSG_DONTWAIT */
    SINK_SHARED,            /* a pipe or terminal whose blocking mode belongs to others too */
};

struct writer_sink {
    struct link link;               /* the writer's, under its lock */
    unsigned refs;                  /* under the writer's lock */
    atomic_bool closing;            /* no line will come any more */
    char *output;                   /* "file:/var/log/x" */
    enum writer_style style;
    enum sink_kind kind;
    int fd;
    char *batch;                    /* what was gathered: [from, n) is still to be written */
    size_t from, n, cap;
    bool blocked;                   /* EAGAIN: wait for POLLOUT */
    bool leaving;                   /* was closing when this pass began */
    bool cut;                       /* the system took the first part of the line at `from` */
    sc_msec retry_at;               /* not before: opening again after a failure */
    atomic_uint_fast64_t lines, bytes, dropped;
    atomic_bool failing;
};

/* NULL with *e. Any thread; may block. */
struct writer_sink *sink_new(const char *output, struct sc_error *e);
void sink_free(struct writer_sink **s);

/* One whole line in up to two pieces. Writes when the batch is large; drops when the sink does not keep up. */
void sink_add(struct writer_sink *s, const struct sc_str part[2]);
/* Writes until nothing is left, the sink is full, or it fails. */
void sink_flush(struct writer_sink *s);
/* Files only: writes what is there, then opens the path again; keeps the old file if that fails. */
void sink_reopen(struct writer_sink *s);
/* Lines that could not be handed over. Any thread. */
void sink_drop(struct writer_sink *s, uint64_t lines);
/* Gives memory back when there is nothing to write. */
void sink_rest(struct writer_sink *s);

static inline bool sink_pending(const struct writer_sink *s)
{
    return s->from < s->n;
}
