/* sidecar/telemetry/telemetry.c - the `telemetry` section of the configuration, and the process log.
 * SPDX-License-Identifier: Apache-2.0 */
#include "telemetry/telemetry.h"

#include "base/arena.h"
#include "base/log.h"
#include "conf/load.h"
#include "telemetry/writer.h"

#include <pthread.h>

#define LOG_PORT_SIZE (128 * 1024)

/* ---- configuration ---- */

static bool is_output(struct sc_str s)
{
    return str_eq(s, STR("none")) || str_eq(s, STR("stdout")) || str_eq(s, STR("stderr")) ||
           str_eq(s, STR("journal"));
}

static bool load_output(struct conf_load *load, const struct node *at, void *to)
{
    static const char *const words[] = { "none", "stdout", "stderr", "journal", "file:/path", NULL };

    if (at->kind != NODE_STRING)
        return load_error(load, at, "expected where the lines go (stdout, stderr, journal, file:/path or none), not %s",
                          node_kind_name(at));
    if (!is_output(at->text)) {
        if (!str_starts(at->text, STR("file:")))
            return load_unknown(load, at, "output", words);
        if (!str_starts(at->text, STR("file:/")) || str_ends(at->text, STR("/")))
            return load_error(load, at, "expected an absolute path after \"file:\"");
    }
    *(const char **)to = arena_dupz(load->arena, at->text);
    return true;
}

static void print_output(const void *value, struct buf *out)
{
    const char *output = *(const char *const *)value;

    buf_json(out, output == NULL ? STR("none") : str_of(output));
}

#define OUTPUT_SCHEMA "{\"type\":\"string\",\"pattern\":\"^(none|stdout|stderr|journal|file:/.*[^/])$\"}"

const struct sc_enum process_log_levels[] = {
    { "error", LOG_ERROR_ }, { "warn", LOG_WARN_ }, { "info", LOG_INFO_ }, { "debug", LOG_DEBUG_ }, { NULL, 0 },
};

static const struct sc_field log_fields[] = {
    SC_ENUM(struct log_conf, level, .names = process_log_levels, .dflt = "info",
        .doc = "The least important lines that are still written."),
    SC_CUSTOM(struct log_conf, output, const char *, load_output, .dflt = "stderr", .schema = OUTPUT_SCHEMA,
        .print = print_output,
        .doc = "Where the sidecar says what happens to it: stderr, stdout, journal, file:/path, or none. A file is "
               "opened again on SIGUSR1."),
    SC_END
};

static const struct sc_enum formats[] = { { "json", ACCESS_JSON }, { NULL, 0 } };

static const struct sc_field access_log_fields[] = {
    SC_ENUM(struct access_log_conf, format, .names = formats, .dflt = "json",
        .doc = "The form of a line: json is one JSON object with the time, the request, the route and target it was "
               "given, its status, sizes and durations."),
    SC_CUSTOM(struct access_log_conf, output, const char *, load_output, .dflt = "stdout", .schema = OUTPUT_SCHEMA,
        .print = print_output,
        .doc = "Where a line about every request goes: stdout, stderr, journal, file:/path, or none. Requests never "
               "wait for it: lines that cannot be written are dropped and counted. A file is opened again on SIGUSR1."),
    SC_END
};

static const struct sc_field metrics_fields[] = {
    SC_INT(struct metrics_conf, max_series, .dflt = "10000", .min = 1, .max = 1000000,
        .doc = "How many combinations of labels are counted apart, all metrics together. What comes past that is counted as "
               "`other`, and outrider_metrics_overflow_total says how much. A reload may change it; what is there stays."),
    SC_BOOL(struct metrics_conf, compat, .dflt = "true",
        .doc = "Shows the predecessors' names (gateway_*) beside ours."),
    SC_END
};

const struct sc_field telemetry_fields[] = {
    SC_OBJECT(struct telemetry_conf, log, struct log_conf, log_fields, .brief = "output",
        .doc = "What the sidecar says of itself."),
    SC_OBJECT(struct telemetry_conf, access_log, struct access_log_conf, access_log_fields, .brief = "output",
        .doc = "A line about every request."),
    SC_OBJECT(struct telemetry_conf, metrics, struct metrics_conf, metrics_fields,
        .doc = "What is counted and shown at /metrics of the admin listeners."),
    SC_END
};

/* ---- the process log ---- */

/* Lines are few, and come from any thread: one port for all of them, behind a lock that is held for a copy. */
static struct {
    pthread_mutex_t lock;
    struct writer *writer;
    struct writer_port *port;               /* NULL: straight to standard error */
    struct writer_sink *sink;               /* NULL: output none */
    bool on_stderr, started;
} process_log = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void to_writer(enum log_level level, const char *text, size_t n)
{
    char line[LOG_LINE_MAX];

    pthread_mutex_lock(&process_log.lock);
    if (process_log.port == NULL ||
        (level == LOG_ERROR_ && !process_log.started && !process_log.on_stderr))
        log_to_stderr(level, text, n);
    if (process_log.port != NULL && process_log.sink != NULL) {
        bool priority = writer_style(process_log.sink) == WRITER_PRIORITY;

        writer_put(process_log.port, process_log.sink, line, log_format(line, priority, level, text, n));
    }
    pthread_mutex_unlock(&process_log.lock);
}

bool process_log_apply(struct writer *w, const struct log_conf *conf, struct sc_error *e)
{
    const char *output = conf->output != NULL ? conf->output : "stderr";
    struct writer_sink *fresh = NULL, *old;

    if (strcmp(output, "none") != 0 && (fresh = writer_open(w, output, e)) == NULL)
        return false;
    pthread_mutex_lock(&process_log.lock);
    process_log.writer = w;
    if (process_log.port == NULL)
        process_log.port = writer_port_new(w, LOG_PORT_SIZE);
    old = process_log.sink;
    process_log.sink = fresh;
    process_log.on_stderr = strcmp(output, "stderr") == 0;
    pthread_mutex_unlock(&process_log.lock);
    writer_close(w, &old);
    log_set_level((enum log_level)conf->level);
    log_set_sink(to_writer);
    return true;
}

void process_log_started(void)
{
    pthread_mutex_lock(&process_log.lock);
    process_log.started = true;
    pthread_mutex_unlock(&process_log.lock);
}

void process_log_stop(void)
{
    log_set_sink(NULL);
    pthread_mutex_lock(&process_log.lock);
    writer_port_free(&process_log.port);
    if (process_log.writer != NULL)
        writer_close(process_log.writer, &process_log.sink);
    process_log.writer = NULL;
    process_log.started = false;
    pthread_mutex_unlock(&process_log.lock);
}
