/* sidecar/telemetry/sink.c - one place where log lines go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "telemetry/sink.h"

#include "base/alloc.h"
#include "base/log.h"
#include "telemetry/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH_MIN   (16 * 1024)
#define BATCH_WRITE (256 * 1024)        /* write as soon as so much is there */
#define BATCH_MAX   (1024 * 1024)
#define PIPE_SIZE   (1024 * 1024)       /* fewer turns with a reader that wakes up late */

/* A FIFO is opened for reading too: that needs no reader to be there, and a reader may come and go. */
static int open_path(const char *path)
{
    int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat st;
    bool fifo = stat(path, &st) == 0 && S_ISFIFO(st.st_mode);

    return open(path, flags | (fifo ? O_RDWR : O_WRONLY), 0640);
}

/* An open file description of our own, so that O_NONBLOCK is not forced on whoever shares this one. Not possible for a
 * pipe made by another user. */
static int reopen_descriptor(int fd)
{
    char path[40];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static bool open_descriptor(struct writer_sink *s, int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return false;
    if (journal_reads(&st))
        s->style = WRITER_PRIORITY;
    if (S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode)) {
        s->kind = S_ISSOCK(st.st_mode) ? SINK_SOCKET : SINK_FILE;
        s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return s->fd >= 0;
    }
    s->kind = SINK_STREAM;
    s->fd = reopen_descriptor(fd);
    if (s->fd < 0) {
        s->kind = SINK_SHARED;
        s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }
    return s->fd >= 0;
}

static bool open_file(struct writer_sink *s)
{
    struct stat st;
    int fd = open_path(s->output + strlen("file:"));

    if (fd < 0)
        return false;
    s->kind = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? SINK_FILE : SINK_STREAM;
    s->fd = fd;
    return true;
}

static bool open_journal(struct writer_sink *s)
{
    int fd = journal_stream();

    if (fd < 0)
        return false;
    s->kind = SINK_SOCKET;
    s->fd = fd;
    return true;
}

/* Sets fd and kind; with errno, and as it was, when false. */
static bool open_output(struct writer_sink *s)
{
    struct sc_str output = str_of(s->output);
    bool ok;

    if (str_eq(output, STR("journal")))
        ok = open_journal(s);
    else if (str_starts(output, STR("file:")))
        ok = open_file(s);
    else
        ok = open_descriptor(s, str_eq(output, STR("stderr")) ? STDERR_FILENO : STDOUT_FILENO);
    if (ok && s->kind == SINK_STREAM)
        fcntl(s->fd, F_SETPIPE_SZ, PIPE_SIZE);      /* no pipe, or beyond our share: as it is, then */
    return ok;
}

struct writer_sink *sink_new(const char *output, struct sc_error *e)
{
    struct writer_sink *s = xnew(struct writer_sink);

    list_init(&s->link);
    s->refs = 1;
    s->output = xstrdup(output);
    s->fd = -1;
    s->style = strcmp(output, "journal") == 0 ? WRITER_PRIORITY : WRITER_PLAIN;
    if (open_output(s))
        return s;
    sc_error_set(e, "cannot log to %s: %s", output, strerror(errno));
    sink_free(&s);
    return NULL;
}

void sink_free(struct writer_sink **sp)
{
    struct writer_sink *s = *sp;

    *sp = NULL;
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s->batch);
    free(s->output);
    free(s);
}

void sink_drop(struct writer_sink *s, uint64_t lines)
{
    atomic_fetch_add_explicit(&s->dropped, lines, memory_order_relaxed);
}

static uint64_t count_lines(const char *p, const char *end)
{
    uint64_t lines = 0;

    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        lines++;
        p++;
    }
    return lines;
}

/* Said when it starts and when it is over, not for every line: the log itself may be what fails. */
static void set_failing(struct writer_sink *s, bool failing, int error)
{
    if (failing == atomic_load_explicit(&s->failing, memory_order_relaxed))
        return;
    atomic_store_explicit(&s->failing, failing, memory_order_relaxed);
    if (failing)
        log_warn("writing to %s fails: %s; lines are dropped until it works again", s->output, strerror(error));
    else
        log_warn("writing to %s works again; %" PRIuFAST64 " lines were dropped so far", s->output,
                 atomic_load_explicit(&s->dropped, memory_order_relaxed));
}

/* Forgets the batch, but for the rest of a line whose start was written: it completes that line when the disk has room
 * again. */
static void fail(struct writer_sink *s, int error)
{
    size_t keep = s->from;

    if (s->cut) {
        const char *end = memchr(s->batch + s->from, '\n', s->n - s->from);

        keep = end == NULL ? s->n : (size_t)(end - s->batch) + 1;
    }
    sink_drop(s, count_lines(s->batch + keep, s->batch + s->n));
    s->n = keep;
    set_failing(s, true, error);
}

static ssize_t write_shared(struct writer_sink *s, const char *p, size_t n)
{
    struct pollfd ready = { .fd = s->fd, .events = POLLOUT };

    /* A pipe that is writable has room for PIPE_BUF bytes, so this does not block unless another writer is faster. */
    if (poll(&ready, 1, 0) <= 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(s->fd, p, n < PIPE_BUF ? n : PIPE_BUF);
}

static ssize_t write_some(struct writer_sink *s)
{
    const char *p = s->batch + s->from;
    size_t n = s->n - s->from;

    switch (s->kind) {
    case SINK_SOCKET:
        return send(s->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    case SINK_SHARED:
        return write_shared(s, p, n);
    case SINK_FILE:
    case SINK_STREAM:
        break;
    }
    return write(s->fd, p, n);
}

static void wrote(struct writer_sink *s, size_t n)
{
    const char *p = s->batch + s->from;

    atomic_fetch_add_explicit(&s->lines, count_lines(p, p + n), memory_order_relaxed);
    atomic_fetch_add_explicit(&s->bytes, n, memory_order_relaxed);
    s->cut = p[n - 1] != '\n';
    s->from += n;
    if (s->from == s->n)
        s->from = s->n = 0;
    set_failing(s, false, 0);
}

/* The start of this line went to where the rest cannot go. */
static void drop_cut(struct writer_sink *s)
{
    const char *end;

    if (s->cut && sink_pending(s)) {
        end = memchr(s->batch + s->from, '\n', s->n - s->from);
        s->from = end == NULL ? s->n : (size_t)(end - s->batch) + 1;
        sink_drop(s, 1);
    }
    s->cut = false;
}

/* The journal was restarted: its old stream is gone. */
static bool connect_again(struct writer_sink *s)
{
    int old = s->fd;

    if (strcmp(s->output, "journal") != 0 || clock_mono_ms() < s->retry_at)
        return false;
    s->retry_at = clock_mono_ms() + 1000;
    if (!open_output(s))
        return false;
    close(old);
    drop_cut(s);
    return true;
}

/* False: no more is written in this pass. */
static bool write_failed(struct writer_sink *s, int error)
{
    if (error == EINTR)
        return true;
    if (error == EAGAIN) {
        s->blocked = true;
        return false;
    }
    if ((error == EPIPE || error == ECONNRESET || error == ENOTCONN) && connect_again(s))
        return true;
    fail(s, error);
    return false;
}

void sink_flush(struct writer_sink *s)
{
    while (sink_pending(s) && !s->blocked) {
        ssize_t n = write_some(s);

        if (n > 0)
            wrote(s, (size_t)n);
        else if (!write_failed(s, n == 0 ? EIO : errno))
            return;
    }
}

static bool make_room(struct writer_sink *s, size_t n)
{
    if (s->n - s->from >= BATCH_WRITE)
        sink_flush(s);
    if (s->from > 0 && s->n + n > s->cap) {
        memmove(s->batch, s->batch + s->from, s->n - s->from);
        s->n -= s->from;
        s->from = 0;
    }
    if (s->n + n > BATCH_MAX)
        return false;
    while (s->cap < s->n + n) {
        s->cap = s->cap == 0 ? BATCH_MIN : s->cap * 2;
        s->batch = xrealloc(s->batch, s->cap);
    }
    return true;
}

void sink_add(struct writer_sink *s, const struct sc_str part[2])
{
    if (!make_room(s, part[0].n + part[1].n)) {
        sink_drop(s, 1);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        memcpy(s->batch + s->n, part[i].p, part[i].n);
        s->n += part[i].n;
    }
}

void sink_reopen(struct writer_sink *s)
{
    int old = s->fd;

    if (!str_starts(str_of(s->output), STR("file:")))
        return;
    sink_flush(s);
    if (!open_output(s)) {
        log_warn("cannot open %s again: %s; the old file stays in use", s->output, strerror(errno));
        return;
    }
    close(old);
    s->blocked = false;
    drop_cut(s);
}

void sink_rest(struct writer_sink *s)
{
    if (sink_pending(s) || s->cap <= BATCH_MIN)
        return;
    free(s->batch);
    s->batch = NULL;
    s->from = s->n = s->cap = 0;
}
