/* sidecar/telemetry/exposition.c - metrics as text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "telemetry/exposition.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"

#include <stdlib.h>

/* ---- which of the two ---- */

const char *exposition_type(enum exposition_format f)
{
    return f == EXPOSITION_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                       : "text/plain; version=0.0.4; charset=utf-8";
}

/* RFC 9110 12.4.2, in thousandths; what is no such value is 0. */
static unsigned quality(struct sc_str q)
{
    unsigned value, scale = 100;

    if (q.n == 0 || q.n > 5 || (q.p[0] != '0' && q.p[0] != '1') || (q.n > 1 && q.p[1] != '.'))
        return 0;
    value = q.p[0] == '1' ? 1000 : 0;
    for (size_t i = 2; i < q.n; i++, scale /= 10) {
        if (q.p[i] < '0' || q.p[i] > '9')
            return 0;
        value += (unsigned)(q.p[i] - '0') * scale;
    }
    return value > 1000 ? 0 : value;
}

/* One member of Accept: its type, q, and whether we have its version. */
static struct sc_str read_range(struct sc_str member, unsigned *q, bool *ours)
{
    struct sc_str type, part;

    *q = 1000;
    *ours = true;
    str_split(&member, ';', &type);
    type = str_trim(type);
    while (str_split(&member, ';', &part)) {
        part = str_trim(part);
        if (part.n >= 2 && (part.p[0] | 0x20) == 'q' && part.p[1] == '=')
            *q = quality(str_skip(part, 2));
        else if (str_ieq(type, STR("application/openmetrics-text")) && part.n > 8 &&
                 strncasecmp(part.p, "version=", 8) == 0)
            *ours = str_eq(str_skip(part, 8), STR("1.0.0"));
    }
    return type;
}

enum exposition_format exposition_choose(struct sc_str accept)
{
    unsigned open = 0, plain = 0, plain_rank = 0, q;
    struct sc_str rest = accept, member;
    bool ours;

    while (rest.n > 0 && str_split(&rest, ',', &member)) {
        struct sc_str type = read_range(member, &q, &ours);
        unsigned rank = str_ieq(type, STR("text/plain")) ? 3 : str_ieq(type, STR("text/*")) ? 2
                      : str_eq(type, STR("*/*")) ? 1 : 0;

        if (ours && q > open && str_ieq(type, STR("application/openmetrics-text")))
            open = q;
        if (rank > plain_rank) {                        /* the most exact one counts */
            plain_rank = rank;
            plain = q;
        }
    }
    return open > 0 && open >= plain ? EXPOSITION_OPENMETRICS : EXPOSITION_PROMETHEUS;
}

/* ---- families and samples ---- */

/* What stands for itself; most of all there is. */
static bool is_plain(unsigned char c, bool quotes)
{
    return c < 0x80 && c != '\n' && c != '\\' && (c != '"' || !quotes);
}

static void put_special(struct buf *to, const unsigned char *p, size_t n)
{
    if (*p == '\\' || *p == '"')
        buf_putc(to, '\\');
    buf_add(to, p, n);
}

/* Both formats agree: backslash and line feed everywhere, quotes in label values, and in OpenMetrics in the
 * help as well. */
static void put_escaped(struct buf *to, struct sc_str s, bool quotes)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;

    while (p < end) {
        const unsigned char *from = p;
        size_t n;

        while (p < end && is_plain(*p, quotes))
            p++;
        buf_add(to, from, (size_t)(p - from));
        if (p == end)
            return;
        n = utf8_len(p, end);
        if (n == 0)
            buf_puts(to, "\xef\xbf\xbd");
        else if (*p == '\n')
            buf_puts(to, "\\n");
        else
            put_special(to, p, n);
        p += n == 0 ? 1 : n;
    }
}

static const char *type_name(const struct exposition *e, enum metric_type t)
{
    static const char *const names[] = { "counter", "gauge", "histogram" };

    if (t == METRIC_UNTYPED)
        return e->format == EXPOSITION_OPENMETRICS ? "unknown" : "untyped";
    return names[t];
}

void exposition_family(struct exposition *e, const char *name, enum metric_type type, const char *help)
{
    struct sc_str family = str_of(name);

    e->name = name;
    if (e->format == EXPOSITION_OPENMETRICS && type == METRIC_COUNTER && str_ends(family, STR("_total")))
        family.n -= sizeof "_total" - 1;
    buf_printf(e->to, "# HELP %.*s ", STR_ARG(family));
    put_escaped(e->to, str_of(help), e->format == EXPOSITION_OPENMETRICS);
    buf_printf(e->to, "\n# TYPE %.*s %s\n", STR_ARG(family), type_name(e, type));
}

void exposition_sample(struct exposition *e, const char *suffix)
{
    buf_puts(e->to, e->name);
    buf_puts(e->to, suffix);
    e->labelled = false;
}

void exposition_label(struct exposition *e, const char *name, struct sc_str value)
{
    buf_putc(e->to, e->labelled ? ',' : '{');
    e->labelled = true;
    buf_puts(e->to, name);
    buf_puts(e->to, "=\"");
    put_escaped(e->to, value, true);
    buf_putc(e->to, '"');
}

static void begin_value(struct exposition *e)
{
    buf_puts(e->to, e->labelled ? "} " : " ");
}

/* As printf does with %llu, or with a point before the last `places` digits, at a tenth of its price: a page may have a
 * hundred thousand of them. */
static void put_number(struct buf *to, uint64_t value, unsigned places)
{
    char text[32], *at = text + sizeof text;
    unsigned digits = 0;

    *--at = '\n';
    do {
        if (places > 0 && digits == places)
            *--at = '.';
        *--at = (char)('0' + value % 10);
        value /= 10;
        digits++;
    } while (value > 0 || digits <= places);
    buf_add(to, at, (size_t)(text + sizeof text - at));
}

void exposition_uint(struct exposition *e, uint64_t value)
{
    begin_value(e);
    put_number(e->to, value, 0);
}

void exposition_milli(struct exposition *e, int64_t value)
{
    begin_value(e);
    if (value < 0)
        buf_putc(e->to, '-');
    put_number(e->to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 3);
}

void exposition_micro(struct exposition *e, uint64_t value)
{
    begin_value(e);
    put_number(e->to, value, 6);
}

void exposition_end(struct exposition *e)
{
    if (e->format == EXPOSITION_OPENMETRICS)
        buf_puts(e->to, "# EOF\n");
}

/* ---- metrics made of cells ---- */

static unsigned cells_of(const struct metric *what)
{
    return what->type == METRIC_HISTOGRAM ? METRICS_HISTOGRAM : what->cell_label == NULL ? 1 : what->n;
}

static void put_labels(struct exposition *e, const struct metric *what, const struct metrics_row *row)
{
    for (unsigned i = 0; what->labels[i].name != NULL; i++)
        exposition_label(e, what->labels[i].name, row->values[what->labels[i].value]);
}

/* Not the number that was counted, but how it is written: one form for both formats. */
static const char *const bounds[METRICS_BUCKETS] = {
    "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5", "5.0", "7.5", "10.0",
};

static void put_histogram(struct exposition *e, const struct metric *what, const struct metrics_row *row,
                          const uint64_t *cells)
{
    uint64_t count = 0;

    for (unsigned i = 0; i <= METRICS_BUCKETS; i++) {
        count += cells[i];
        exposition_sample(e, "_bucket");
        put_labels(e, what, row);
        exposition_label(e, "le", i < METRICS_BUCKETS ? str_of(bounds[i]) : STR("+Inf"));
        exposition_uint(e, count);
    }
    exposition_sample(e, "_sum");
    put_labels(e, what, row);
    exposition_micro(e, cells[METRICS_SUM]);
    exposition_sample(e, "_count");
    put_labels(e, what, row);
    exposition_uint(e, count);
}

static void put_row(struct exposition *e, const struct metric *what, const struct metrics_row *row, const uint64_t *cells)
{
    if (what->type == METRIC_HISTOGRAM) {
        put_histogram(e, what, row, cells);
        return;
    }
    for (unsigned i = 0; i < cells_of(what); i++) {
        if (what->cell_label != NULL && what->cell_names[i] == NULL)
            continue;
        exposition_sample(e, "");
        put_labels(e, what, row);
        if (what->cell_label != NULL)
            exposition_label(e, what->cell_label, str_of(what->cell_names[i]));
        exposition_uint(e, cells[i]);
    }
}

/* Rows that look the same with these labels, added up. */
struct group {
    const struct metrics_row *row;
    uint64_t cells[];
};

static void group_key(struct buf *key, const struct metric *what, const struct metrics_row *row)
{
    buf_clear(key);
    buf_putc(key, '\0');               /* a key without labels is a key, too */
    for (unsigned i = 0; what->labels[i].name != NULL; i++) {
        struct sc_str v = row->values[what->labels[i].value];

        buf_add(key, &v.n, sizeof v.n);
        buf_str(key, v);
    }
}

static void add_to_group(struct map *groups, struct buf *key, const struct metrics *m, const struct metric *what,
                         const struct metrics_row *row)
{
    unsigned n = cells_of(what);
    struct group *g;

    group_key(key, what, row);
    g = map_get(groups, buf_view(key));
    if (g == NULL) {
        g = xcalloc(1, sizeof *g + n * sizeof(uint64_t));
        g->row = row;
        map_put(groups, buf_view(key), g);
    }
    for (unsigned i = 0; i < n; i++)
        g->cells[i] += metrics_sum(m, row, what->first + i);
}

static void put_groups(struct exposition *e, const struct metrics *m, const struct metric *what)
{
    struct map groups = MAP_INIT;
    struct buf key = BUF_INIT;
    struct map_item *item;

    for (const struct metrics_row *r = NULL; (r = metrics_next(m, what->table, r)) != NULL;)
        add_to_group(&groups, &key, m, what, r);
    for (unsigned i = 0; (item = map_next(&groups, &i)) != NULL;) {
        struct group *g = item->value;

        put_row(e, what, g->row, g->cells);
        free(g);
    }
    map_fini(&groups);
    buf_fini(&key);
}

enum { CELLS_MAX = 64 };

static void put_rows(struct exposition *e, const struct metrics *m, const struct metric *what)
{
    uint64_t cells[CELLS_MAX];

    for (const struct metrics_row *r = NULL; (r = metrics_next(m, what->table, r)) != NULL;) {
        for (unsigned i = 0; i < cells_of(what); i++)
            cells[i] = metrics_sum(m, r, what->first + i);
        put_row(e, what, r, cells);
    }
}

void exposition_metric(struct exposition *e, const struct metrics *m, const struct metric *what)
{
    unsigned labels = 0;

    while (what->labels[labels].name != NULL)
        labels++;
    exposition_family(e, what->name, what->type, what->help);
    if (labels < metrics_table(m, what->table)->labels || cells_of(what) > CELLS_MAX)
        put_groups(e, m, what);
    else
        put_rows(e, m, what);
}
