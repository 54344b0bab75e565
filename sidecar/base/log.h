/* sidecar/base/log.h - what the process says of itself.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One line a call, whole, to the sink (standard error until telemetry takes over). Any thread; from workers only what
 * cannot be provoked by strangers, or through log_limited. Text from outside is printed escaped (log_safe). */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR_, LOG_WARN_, LOG_INFO_, LOG_DEBUG_ };

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same as information, whatever the level is: who has changed what. */
void log_always(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define log_error(...) log_line(LOG_ERROR_, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN_, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO_, __VA_ARGS__)
#define log_debug(...) (log_level_now() >= LOG_DEBUG_ ? log_line(LOG_DEBUG_, __VA_ARGS__) : (void)0)

enum log_level log_level_now(void);
void log_set_level(enum log_level level);
/* Where lines go: called with the level and the text without a line end. NULL: standard error, with "<N>" priority
 * prefixes when the journal reads it, else with a time. */
void log_set_sink(void (*sink)(enum log_level level, const char *text, size_t n));


/* What sinks are made of. The line for `text` with its '\n', cut at LOG_LINE_MAX; priority: "<N>" in front (for the
 * journal), else a time and the level. */
#define LOG_LINE_MAX 2200
size_t log_format(char line[LOG_LINE_MAX], bool priority, enum log_level level, const char *text, size_t n);
void log_to_stderr(enum log_level level, const char *text, size_t n);

/* At most one line a second for one place in the code; says how many were left out. */
struct log_gate {
    int64_t next_ms;
    unsigned dropped;
};
bool log_gate_open(struct log_gate *g);
#define log_limited(level, ...)                                                          \
    do {                                                                                 \
        static __thread struct log_gate gate_;                                           \
        if (log_gate_open(&gate_))                                                       \
            log_line(level, __VA_ARGS__);                                                \
    } while (0)

/* s with everything but printable ASCII as \xNN, cut at 200 bytes; valid until the next four calls of this thread. */
const char *log_safe(struct sc_str s);
