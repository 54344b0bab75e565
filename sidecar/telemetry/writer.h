/* sidecar/telemetry/writer.h - the thread that writes every log.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Threads hand whole lines to ports, one port per thread; the writer thread gathers them and writes them to sinks in
 * large pieces. A producer never waits, never fails and never sees an error of a sink: what does not fit is dropped and
 * counted at the sink. A line is written within 50 ms while its sink takes bytes. Lines of one port stay in order. */
#pragma once

#include "base/clock.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer;
struct writer_port;
struct writer_sink;

#define WRITER_PORT_SIZE (512 * 1024)       /* the usual size of a port */
#define WRITER_LINE_MAX  (64 * 1024 - 1)    /* longer lines are dropped */

/* How a log line for this sink begins. */
enum writer_style {
    WRITER_PLAIN,           /* with a time of its own */
    WRITER_PRIORITY,        /* "<N>": the journal reads it and knows the time */
};

/* Starts the thread. Aborts only when the system has no threads or descriptors left at start. Control thread. */
struct writer *writer_start(void);
/* Writes what the ports hold, for `limit` ms at most, ends the thread and frees everything, ports and sinks still open
 * included. Their producers must have ended. Control thread. */
void writer_stop(struct writer **w, sc_msec limit);
/* Opens the files again (after a rotation); no line is lost. Any thread, also from a signal handler. */
void writer_reopen(struct writer *w);

/* `output`: "stdout", "stderr", "journal", "file:/path". Two opens of one output share it (counted). NULL with *e set
 * when it cannot be opened. Control thread; may block. */
struct writer_sink *writer_open(struct writer *w, const char *output, struct sc_error *e);
/* After the last line for this sink was put. Takes NULL. Control thread (or whoever frees the configuration). */
void writer_close(struct writer *w, struct writer_sink **s);
enum writer_style writer_style(const struct writer_sink *s);

/* A port for one producer thread; size is a power of two. Control thread. */
struct writer_port *writer_port_new(struct writer *w, size_t size);
/* What it holds is still written. The producer has ended or calls this itself. Takes NULL. */
void writer_port_free(struct writer_port **p);
/* A copy of the line, which ends with its '\n'. False when it was dropped (and counted). The port's thread. */
bool writer_put(struct writer_port *p, struct writer_sink *s, const char *line, size_t n);

struct writer_stats {
    const char *output;                     /* as given to writer_open; valid during the call */
    uint64_t lines, bytes, dropped;         /* since the sink was opened; lines: handed to the system */
    bool failing;                           /* the last write failed */
};
/* Calls fn for each sink that is open, of which no two have the same output. Any thread; fn must not call back into the
 * writer. */
void writer_each(struct writer *w, void (*fn)(void *arg, const struct writer_stats *s), void *arg);
