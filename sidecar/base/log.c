/* sidecar/base/log.c - what the process says of itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static _Atomic(int) level_now = LOG_INFO_;
static void (*_Atomic sink_now)(enum log_level, const char *, size_t);

enum log_level log_level_now(void)
{
    return (enum log_level)atomic_load_explicit(&level_now, memory_order_relaxed);
}

void log_set_level(enum log_level level)
{
    atomic_store(&level_now, (int)level);
}

void log_set_sink(void (*sink)(enum log_level, const char *, size_t))
{
    atomic_store(&sink_now, sink);
}

/* systemd.exec(5): $JOURNAL_STREAM names the device and inode of a stderr that the journal reads. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long dev, ino;
    struct stat st;

    return stream != NULL && sscanf(stream, "%lu:%lu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == dev && st.st_ino == ino;
}

/* One call is one line, whatever the text holds. */
size_t log_format(char line[LOG_LINE_MAX], bool priority, enum log_level level, const char *text, size_t n)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };
    static const char numbers[] = { '3', '4', '6', '7' };
    int length;

    if (priority) {
        length = snprintf(line, LOG_LINE_MAX, "<%c>%.*s\n", numbers[level], (int)n, text);
    } else {
        int64_t now = clock_wall_ms();
        time_t seconds = now / 1000;
        struct tm tm;
        char stamp[32];

        gmtime_r(&seconds, &tm);
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
        length = snprintf(line, LOG_LINE_MAX, "%s.%03dZ %s %.*s\n", stamp, (int)(now % 1000), names[level], (int)n,
                          text);
    }
    if (length >= LOG_LINE_MAX) {
        length = LOG_LINE_MAX - 1;
        line[length - 1] = '\n';
    }
    for (int i = 0; i < length - 1; i++)
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    return length > 0 ? (size_t)length : 0;
}

void log_to_stderr(enum log_level level, const char *text, size_t n)
{
    static _Atomic(int) journal = -1;
    char line[LOG_LINE_MAX];
    size_t length;

    if (atomic_load(&journal) < 0)
        atomic_store(&journal, stderr_is_journal());
    length = log_format(line, atomic_load(&journal) == 1, level, text, n);
    while (length > 0 && write(STDERR_FILENO, line, length) < 0 && errno == EINTR)
        ;
}

__attribute__((format(printf, 2, 0)))
static void write_line(enum log_level level, const char *fmt, va_list ap)
{
    void (*sink)(enum log_level, const char *, size_t) = atomic_load(&sink_now);
    char text[2048];
    int n, saved = errno;

    n = vsnprintf(text, sizeof text, fmt, ap);
    if (n >= (int)sizeof text)
        n = sizeof text - 1;
    if (n >= 0)
        (sink != NULL ? sink : log_to_stderr)(level, text, (size_t)n);
    errno = saved;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if (level > log_level_now())
        return;
    va_start(ap, fmt);
    write_line(level, fmt, ap);
    va_end(ap);
}

void log_always(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    write_line(LOG_INFO_, fmt, ap);
    va_end(ap);
}

bool log_gate_open(struct log_gate *g)
{
    int64_t now = clock_mono_ms();

    if (now < g->next_ms) {
        g->dropped++;
        return false;
    }
    if (g->dropped > 0)
        log_line(LOG_INFO_, "%u lines like the next one were left out", g->dropped);
    g->dropped = 0;
    g->next_ms = now + 1000;
    return true;
}

const char *log_safe(struct sc_str s)
{
    static const char hex[] = "0123456789abcdef";
    static __thread char texts[4][200 * 4 + 4];
    static __thread unsigned turn;
    char *text = texts[turn++ % 4], *to = text;
    size_t n = s.n > 200 ? 200 : s.n;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c >= 0x20 && c < 0x7f && c != '\\') {
            *to++ = (char)c;
        } else {
            *to++ = '\\';
            *to++ = 'x';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    if (s.n > n)
        memcpy(to, "...", 3), to += 3;
    *to = '\0';
    return text;
}
