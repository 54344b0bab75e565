/* sidecar/base/jsonw.c - JSON written piece by piece.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/jsonw.h"

#include <assert.h>
#include <inttypes.h>
#include <time.h>

#define LEVELS 60

static void comma(struct jsonw *j)
{
    if (j->comma)
        buf_putc(j->out, ',');
    j->comma = true;
}

static void before(struct jsonw *j, const char *key)
{
    comma(j);
    if (key != NULL) {
        buf_json(j->out, str_of(key));
        buf_putc(j->out, ':');
    }
}

static void descend(struct jsonw *j, bool array)
{
    assert(j->depth < LEVELS);
    j->depth++;
    j->arrays = (j->arrays << 1) | array;
    j->comma = false;
    buf_putc(j->out, array ? '[' : '{');
}

void jsonw_object(struct jsonw *j, const char *key)
{
    before(j, key);
    descend(j, false);
}

void jsonw_object_at(struct jsonw *j, struct sc_str key)
{
    comma(j);
    buf_json(j->out, key);
    buf_putc(j->out, ':');
    descend(j, false);
}

void jsonw_array(struct jsonw *j, const char *key)
{
    before(j, key);
    descend(j, true);
}

void jsonw_close(struct jsonw *j)
{
    assert(j->depth > 0);
    buf_putc(j->out, j->arrays & 1 ? ']' : '}');
    j->arrays >>= 1;
    j->depth--;
    j->comma = true;
}

void jsonw_str(struct jsonw *j, const char *key, struct sc_str value)
{
    before(j, key);
    buf_json(j->out, value);
}

void jsonw_text(struct jsonw *j, const char *key, const char *value)
{
    if (value == NULL)
        jsonw_null(j, key);
    else
        jsonw_str(j, key, str_of(value));
}

void jsonw_int(struct jsonw *j, const char *key, int64_t value)
{
    before(j, key);
    buf_printf(j->out, "%" PRId64, value);
}

void jsonw_uint(struct jsonw *j, const char *key, uint64_t value)
{
    before(j, key);
    buf_printf(j->out, "%" PRIu64, value);
}

void jsonw_milli(struct jsonw *j, const char *key, int64_t thousandths)
{
    uint64_t v = thousandths < 0 ? -(uint64_t)thousandths : (uint64_t)thousandths;

    before(j, key);
    buf_printf(j->out, "%s%" PRIu64 ".%03u", thousandths < 0 ? "-" : "", v / 1000, (unsigned)(v % 1000));
}

void jsonw_time(struct jsonw *j, const char *key, int64_t wall_ms)
{
    time_t seconds = wall_ms / 1000;
    struct tm tm;
    char text[40];
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    before(j, key);
    buf_printf(j->out, "\"%.*s.%03uZ\"", (int)n, text, (unsigned)(wall_ms % 1000));
}

void jsonw_bool(struct jsonw *j, const char *key, bool value)
{
    before(j, key);
    buf_puts(j->out, value ? "true" : "false");
}

void jsonw_null(struct jsonw *j, const char *key)
{
    before(j, key);
    buf_puts(j->out, "null");
}

struct buf *jsonw_value(struct jsonw *j, const char *key)
{
    before(j, key);
    return j->out;
}
