/* sidecar/telemetry/exposition.h - metrics as text: Prometheus 0.0.4 and OpenMetrics 1.0.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A family is begun once, then come all of its samples. Label values may hold any bytes: they are escaped, and what is not
 * UTF-8 becomes U+FFFD (one such byte would spoil the whole page for its reader). One thread. */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "telemetry/metrics.h"

enum exposition_format { EXPOSITION_PROMETHEUS, EXPOSITION_OPENMETRICS };

/* UNTYPED: a name that has to stay although it breaks the rules for its kind. */
enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_UNTYPED };

struct exposition {
    struct buf *to;
    enum exposition_format format;
    const char *name;                       /* of the family */
    bool labelled;                          /* the sample has a label already */
};

/* The Content-Type. */
const char *exposition_type(enum exposition_format f);
/* What a client that sends this Accept is given: OpenMetrics if it says that it takes it, and not less than the other. */
enum exposition_format exposition_choose(struct sc_str accept);

/* name: a counter's ends with _total. All static or alive until the next family. */
void exposition_family(struct exposition *e, const char *name, enum metric_type type, const char *help);
/* A sample: sample, label..., value. suffix: "_bucket" and the like, or "". */
void exposition_sample(struct exposition *e, const char *suffix);
void exposition_label(struct exposition *e, const char *name, struct sc_str value);
void exposition_uint(struct exposition *e, uint64_t value);
/* `value` in parts: a thousandth, a millionth. */
void exposition_milli(struct exposition *e, int64_t value);
void exposition_micro(struct exposition *e, uint64_t value);
/* The end of the page. */
void exposition_end(struct exposition *e);

/* Which cells of a table are shown as one metric. */
struct metric {
    const char *name, *help;
    enum metric_type type;
    unsigned table, first;                  /* the first cell; a histogram's the first of METRICS_HISTOGRAM */
    const char *cell_label;                 /* NULL: one cell; else each of `n` is a sample, told apart by this label, */
    const char *const *cell_names;          /* which says this; NULL among them: not shown */
    unsigned n;
    /* Labels, in order, and which of the row's values they show; name NULL ends. Rows that are the same in all of them are
     * added up. */
    struct { const char *name; unsigned value; } labels[METRICS_LABELS + 1];
};

void exposition_metric(struct exposition *e, const struct metrics *m, const struct metric *what);
