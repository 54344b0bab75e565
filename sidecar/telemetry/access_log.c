/* sidecar/telemetry/access_log.c - one line of JSON for every request.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Written by hand: this runs for every request, and printf would cost more than the rest of it together. */
#include "telemetry/access_log.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <time.h>

/* How much of a string is logged, in bytes as they came; JSON may make six of one. */
enum {
    NAME_MAX_ = 128,        /* what we or the configuration named, and addresses */
    WORD_MAX = 64,          /* method, scheme, protocol, codes */
    HOST_MAX_ = 255,
    PATH_MAX_ = 2048,
    AGENT_MAX = 512,
    REFERER_MAX = 1024,
};
_Static_assert(6 * (6 * NAME_MAX_ + 5 * WORD_MAX + HOST_MAX_ + 2 * PATH_MAX_ + AGENT_MAX + REFERER_MAX) + 1024 <
               ACCESS_LINE_MAX, "a line fits");
_Static_assert(ACCESS_LINE_MAX <= WRITER_LINE_MAX, "the writer takes it");

struct access_log {
    struct writer *writer;
    struct writer_sink *sink;
};

struct access_port {
    struct writer_port *port;
    struct access_date date;
    char line[ACCESS_LINE_MAX];
};

#define ADD(to, lit) ((to) = add((to), lit, sizeof(lit) - 1))
#define TEXT(to, key, value, max) ((to) = text((to), ",\"" key "\":", sizeof(",\"" key "\":") - 1, (value), (max)))
#define NUMBER(to, key, value) ((to) = number(add((to), ",\"" key "\":", sizeof(",\"" key "\":") - 1), (value)))
#define MILLI(to, key, us) ((to) = milli(add((to), ",\"" key "\":", sizeof(",\"" key "\":") - 1), (us)))

static inline char *add(char *to, const char *p, size_t n)
{
    memcpy(to, p, n);
    return to + n;
}

static inline char *text(char *to, const char *key, size_t nkey, struct sc_str value, size_t max)
{
    if (value.p == NULL)
        return to;
    if (value.n > max)
        value.n = max;
    to = add(to, key, nkey);
    return to + utf8_json(to, value);
}

static char *number(char *to, uint64_t v)
{
    char digits[20], *p = digits + sizeof digits;

    do {
        *--p = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    return add(to, p, (size_t)(digits + sizeof digits - p));
}

static char *three(char *to, unsigned v)
{
    to[0] = (char)('0' + v / 100);
    to[1] = (char)('0' + v / 10 % 10);
    to[2] = (char)('0' + v % 10);
    return to + 3;
}

/* Microseconds as milliseconds with three decimals. */
static char *milli(char *to, int64_t us)
{
    uint64_t v = us < 0 ? 0 : (uint64_t)us;

    to = number(to, v / 1000);
    *to++ = '.';
    return three(to, (unsigned)(v % 1000));
}

static char *when(char *to, struct access_date *date, int64_t wall_ms)
{
    int64_t second = wall_ms / 1000;

    if (second != date->second || date->text[0] == '\0') {
        time_t t = second;
        struct tm tm;

        gmtime_r(&t, &tm);
        strftime(date->text, sizeof date->text, "%Y-%m-%dT%H:%M:%S", &tm);
        date->second = second;
    }
    to = add(to, date->text, sizeof date->text - 1);
    *to++ = '.';
    to = three(to, (unsigned)(wall_ms % 1000));
    return add(to, "Z\"", 2);
}

static char *upstream(char *to, const struct access_entry *e)
{
    NUMBER(to, "tries", e->tries);
    if (e->tries == 0)
        return to;
    TEXT(to, "target", e->target, NAME_MAX_);
    if (e->upstream_status != 0)
        NUMBER(to, "upstream_status", e->upstream_status);
    if (e->connect_us >= 0)
        MILLI(to, "connect_ms", e->connect_us);
    if (e->first_byte_us >= 0)
        MILLI(to, "first_byte_ms", e->first_byte_us);
    if (e->reused)
        ADD(to, ",\"reused\":true");
    else
        ADD(to, ",\"reused\":false");
    return to;
}

size_t access_log_format(char *line, struct access_date *date, const struct access_entry *e)
{
    char *to = line;

    ADD(to, "{\"time\":\"");
    to = when(to, date, e->wall_ms);
    TEXT(to, "id", e->id, NAME_MAX_);
    TEXT(to, "listener", e->listener, NAME_MAX_);
    TEXT(to, "client", e->client, NAME_MAX_);
    TEXT(to, "method", e->method, WORD_MAX);
    TEXT(to, "scheme", e->scheme, WORD_MAX);
    TEXT(to, "host", e->host, HOST_MAX_);
    TEXT(to, "path", e->path, PATH_MAX_);
    TEXT(to, "query", e->query, PATH_MAX_);
    TEXT(to, "protocol", e->protocol, WORD_MAX);
    if (e->status != 0)
        NUMBER(to, "status", e->status);
    TEXT(to, "error", e->error, WORD_MAX);
    TEXT(to, "end", e->end, WORD_MAX);
    NUMBER(to, "bytes_in", e->bytes_in);
    NUMBER(to, "bytes_out", e->bytes_out);
    MILLI(to, "duration_ms", e->duration_us);
    TEXT(to, "route", e->route, NAME_MAX_);
    TEXT(to, "service", e->service, NAME_MAX_);
    to = upstream(to, e);
    TEXT(to, "user_agent", e->user_agent, AGENT_MAX);
    TEXT(to, "referer", e->referer, REFERER_MAX);
    ADD(to, "}\n");
    return (size_t)(to - line);
}

bool access_log_open(struct writer *w, const struct access_log_conf *conf, struct access_log **log, struct sc_error *e)
{
    const char *output = conf->output != NULL ? conf->output : "stdout";
    struct writer_sink *sink;

    *log = NULL;
    if (strcmp(output, "none") == 0)
        return true;
    sink = writer_open(w, output, e);
    if (sink == NULL)
        return false;
    *log = xnew(struct access_log);
    (*log)->writer = w;
    (*log)->sink = sink;
    return true;
}

void access_log_close(struct access_log **lp)
{
    struct access_log *log = *lp;

    *lp = NULL;
    if (log == NULL)
        return;
    writer_close(log->writer, &log->sink);
    free(log);
}

struct access_port *access_port_new(struct writer *w)
{
    struct access_port *p = xnew(struct access_port);

    p->port = writer_port_new(w, WRITER_PORT_SIZE);
    return p;
}

void access_port_free(struct access_port **pp)
{
    struct access_port *p = *pp;

    *pp = NULL;
    if (p == NULL)
        return;
    writer_port_free(&p->port);
    free(p);
}

void access_log_write(const struct access_log *log, struct access_port *p, const struct access_entry *e)
{
    if (log == NULL)
        return;
    writer_put(p->port, log->sink, p->line, access_log_format(p->line, &p->date, e));
}
