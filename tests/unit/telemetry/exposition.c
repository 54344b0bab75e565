/* tests/unit/telemetry/exposition.c - what metrics look like as text, and which of the two forms a client gets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "telemetry/exposition.h"

#include <stdio.h>

static struct buf text;

static struct exposition begin(enum exposition_format f)
{
    buf_clear(&text);
    return (struct exposition){ .to = &text, .format = f };
}

static int tear_down(void **state)
{
    (void)state;
    buf_fini(&text);
    return 0;
}

/* ---- which of the two ---- */

static void choosing(void **state)
{
    static const struct { const char *accept; enum exposition_format format; } known[] = {
        { NULL, EXPOSITION_PROMETHEUS },
        { "", EXPOSITION_PROMETHEUS },
        { "*/*", EXPOSITION_PROMETHEUS },
        { "text/html, application/json", EXPOSITION_PROMETHEUS },
        { "application/openmetrics-text", EXPOSITION_OPENMETRICS },
        { "Application/OpenMetrics-Text; version=1.0.0", EXPOSITION_OPENMETRICS },
        { "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
          "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", EXPOSITION_OPENMETRICS },
        { "text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.8", EXPOSITION_OPENMETRICS },
        { "text/plain, application/openmetrics-text;q=0.9", EXPOSITION_PROMETHEUS },
        { "text/plain;q=0.2, */*;q=0.9, application/openmetrics-text;q=0.3", EXPOSITION_OPENMETRICS },
        { "application/openmetrics-text;q=0", EXPOSITION_PROMETHEUS },
        { "application/openmetrics-text;q=0.000", EXPOSITION_PROMETHEUS },
        { "application/openmetrics-text;q=nonsense", EXPOSITION_PROMETHEUS },
        { "application/openmetrics-text;q=1.5", EXPOSITION_PROMETHEUS },
        { "application/openmetrics-text;version=2.0.0", EXPOSITION_PROMETHEUS },
        { "application/openmetrics-text;version=0.0.1", EXPOSITION_PROMETHEUS },
        { ",,;,;q=", EXPOSITION_PROMETHEUS },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_int_equal(exposition_choose(str_of(known[i].accept)), known[i].format);
}

/* ---- families and samples ---- */

static void a_counter(void **state)
{
    static const char labels[] = "x_total{code=\"a\",other=\"\"} 18446744073709551615\nx_total 0\n";

    (void)state;
    for (unsigned f = EXPOSITION_PROMETHEUS; f <= EXPOSITION_OPENMETRICS; f++) {
        struct exposition e = begin((enum exposition_format)f);

        exposition_family(&e, "x_total", METRIC_COUNTER, "What \"it\" is.");
        exposition_sample(&e, "");
        exposition_label(&e, "code", STR("a"));
        exposition_label(&e, "other", STR_NONE);
        exposition_uint(&e, UINT64_MAX);
        exposition_sample(&e, "");
        exposition_uint(&e, 0);
        exposition_end(&e);
        assert_non_null(strstr(text.p, labels));
        if (f == EXPOSITION_PROMETHEUS)
            assert_non_null(strstr(text.p, "# HELP x_total What \"it\" is.\n# TYPE x_total counter\nx_total{"));
        else
            assert_non_null(strstr(text.p, "# HELP x What \\\"it\\\" is.\n# TYPE x counter\nx_total{"));
        assert_int_equal(str_ends(buf_view(&text), STR("# EOF\n")), f == EXPOSITION_OPENMETRICS);
    }
}

static void untyped(void **state)
{
    struct exposition e = begin(EXPOSITION_PROMETHEUS);

    (void)state;
    exposition_family(&e, "x", METRIC_UNTYPED, "X.");
    assert_string_equal(text.p, "# HELP x X.\n# TYPE x untyped\n");
    e = begin(EXPOSITION_OPENMETRICS);
    exposition_family(&e, "x", METRIC_UNTYPED, "X.");
    assert_string_equal(text.p, "# HELP x X.\n# TYPE x unknown\n");
}

static void escaping(void **state)
{
    static const char bytes[] = "a\\b\"c\nd\xff\xc3\xa9\xc3{}";
    struct exposition e = begin(EXPOSITION_PROMETHEUS);

    (void)state;
    exposition_family(&e, "x", METRIC_GAUGE, "one\\two\nthree");
    exposition_sample(&e, "");
    exposition_label(&e, "l", str_of(bytes));
    exposition_uint(&e, 1);
    assert_string_equal(text.p, "# HELP x one\\\\two\\nthree\n# TYPE x gauge\n"
                                "x{l=\"a\\\\b\\\"c\\nd\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd{}\"} 1\n");
}

static void fractions(void **state)
{
    struct exposition e = begin(EXPOSITION_PROMETHEUS);

    (void)state;
    e.name = "x";
    exposition_sample(&e, "_sum");
    exposition_micro(&e, 1000042);
    exposition_sample(&e, "");
    exposition_milli(&e, 12005);
    exposition_sample(&e, "");
    exposition_milli(&e, -5);
    assert_string_equal(text.p, "x_sum 1.000042\nx 12.005\nx -0.005\n");
}

static void numbers(void **state)
{
    static const uint64_t all[] = { 0, 7, 10, 999, 1000, 999999, 1000000, 1234567890123, UINT64_MAX };
    char line[80];

    (void)state;
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct exposition e = begin(EXPOSITION_PROMETHEUS);

        e.name = "x";
        exposition_sample(&e, "");
        exposition_uint(&e, all[i]);
        exposition_sample(&e, "");
        exposition_micro(&e, all[i]);
        snprintf(line, sizeof line, "x %llu\nx %llu.%06llu\n", (unsigned long long)all[i],
                 (unsigned long long)all[i] / 1000000, (unsigned long long)all[i] % 1000000);
        assert_string_equal(text.p, line);
    }
}

/* ---- metrics made of cells ---- */

enum { TABLE, PLAIN, TABLES };
static const struct metrics_table tables[TABLES] = { { 2, METRICS_HISTOGRAM + 3, 0 }, { 0, 1, 0 } };

static struct metrics_row *row_of(struct metrics *m, const char *a, const char *b)
{
    return metrics_row(m, TABLE, (struct sc_str[]){ str_of(a), str_of(b) });
}

static void show(const struct metrics *m, const struct metric *what)
{
    struct exposition e = begin(EXPOSITION_PROMETHEUS);

    exposition_metric(&e, m, what);
}

static void cells_with_names(void **state)
{
    static const char *const names[] = { "good", NULL, "bad" };
    static const struct metric what = { "x_total", "X.", METRIC_COUNTER, TABLE, METRICS_HISTOGRAM, "outcome", names, 3,
                                        { { "first", 0 }, { "second", 1 } } };
    struct metrics *m = metrics_new(tables, TABLES, 2, 10);

    (void)state;
    metrics_add(row_of(m, "a", "1"), 0, METRICS_HISTOGRAM, 2);
    metrics_add(row_of(m, "a", "1"), 1, METRICS_HISTOGRAM + 2, 5);
    row_of(m, "a", "2");
    show(m, &what);
    assert_string_equal(text.p, "# HELP x_total X.\n# TYPE x_total counter\n"
                                "x_total{first=\"a\",second=\"1\",outcome=\"good\"} 2\n"
                                "x_total{first=\"a\",second=\"1\",outcome=\"bad\"} 5\n"
                                "x_total{first=\"a\",second=\"2\",outcome=\"good\"} 0\n"
                                "x_total{first=\"a\",second=\"2\",outcome=\"bad\"} 0\n");
    metrics_free(&m);
}

/* With fewer labels than the table has, what looks the same is one sample: twice the same one would spoil the page. */
static void fewer_labels(void **state)
{
    static const struct metric by_second = { "x_total", "X.", METRIC_COUNTER, TABLE, METRICS_HISTOGRAM, NULL, NULL, 0,
                                             { { "s", 1 } } };
    static const struct metric by_none = { "y_total", "Y.", METRIC_COUNTER, TABLE, METRICS_HISTOGRAM, NULL, NULL, 0,
                                           { { NULL, 0 } } };
    struct metrics *m = metrics_new(tables, TABLES, 1, 10);

    (void)state;
    metrics_add(row_of(m, "a", "1"), 0, METRICS_HISTOGRAM, 1);
    metrics_add(row_of(m, "a", "2"), 0, METRICS_HISTOGRAM, 10);
    metrics_add(row_of(m, "b", "1"), 0, METRICS_HISTOGRAM, 100);
    show(m, &by_second);
    assert_non_null(strstr(text.p, "counter\nx_total{s=\"1\"} 101\nx_total{s=\"2\"} 10\n"));
    show(m, &by_none);
    assert_non_null(strstr(text.p, "counter\ny_total 111\n"));
    metrics_free(&m);
}

static void no_labels_at_all(void **state)
{
    static const struct metric what = { "z_total", "Z.", METRIC_COUNTER, PLAIN, 0, NULL, NULL, 0, { { NULL, 0 } } };
    struct metrics *m = metrics_new(tables, TABLES, 1, 10);

    (void)state;
    metrics_add(metrics_row(m, PLAIN, NULL), 0, 0, 7);
    show(m, &what);
    assert_string_equal(text.p, "# HELP z_total Z.\n# TYPE z_total counter\nz_total 7\n");
    metrics_free(&m);
}

static void a_histogram(void **state)
{
    static const struct metric what = { "d_seconds", "D.", METRIC_HISTOGRAM, TABLE, 0, NULL, NULL, 0, { { "f", 0 } } };
    struct metrics *m = metrics_new(tables, TABLES, 2, 10);

    (void)state;
    metrics_observe(row_of(m, "a", "1")->cells[0], 3000);
    metrics_observe(row_of(m, "a", "1")->cells[1], 3000);
    metrics_observe(row_of(m, "a", "2")->cells[0], 600000);
    metrics_observe(row_of(m, "a", "2")->cells[1], 60000000);
    show(m, &what);
    assert_string_equal(text.p, "# HELP d_seconds D.\n# TYPE d_seconds histogram\n"
                                "d_seconds_bucket{f=\"a\",le=\"0.005\"} 2\nd_seconds_bucket{f=\"a\",le=\"0.01\"} 2\n"
                                "d_seconds_bucket{f=\"a\",le=\"0.025\"} 2\nd_seconds_bucket{f=\"a\",le=\"0.05\"} 2\n"
                                "d_seconds_bucket{f=\"a\",le=\"0.075\"} 2\nd_seconds_bucket{f=\"a\",le=\"0.1\"} 2\n"
                                "d_seconds_bucket{f=\"a\",le=\"0.25\"} 2\nd_seconds_bucket{f=\"a\",le=\"0.5\"} 2\n"
                                "d_seconds_bucket{f=\"a\",le=\"0.75\"} 3\nd_seconds_bucket{f=\"a\",le=\"1.0\"} 3\n"
                                "d_seconds_bucket{f=\"a\",le=\"2.5\"} 3\nd_seconds_bucket{f=\"a\",le=\"5.0\"} 3\n"
                                "d_seconds_bucket{f=\"a\",le=\"7.5\"} 3\nd_seconds_bucket{f=\"a\",le=\"10.0\"} 3\n"
                                "d_seconds_bucket{f=\"a\",le=\"+Inf\"} 4\n"
                                "d_seconds_sum{f=\"a\"} 60.606000\nd_seconds_count{f=\"a\"} 4\n");
    metrics_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choosing),
        cmocka_unit_test(a_counter),
        cmocka_unit_test(untyped),
        cmocka_unit_test(escaping),
        cmocka_unit_test(fractions),
        cmocka_unit_test(numbers),
        cmocka_unit_test(cells_with_names),
        cmocka_unit_test(fewer_labels),
        cmocka_unit_test(no_labels_at_all),
        cmocka_unit_test(a_histogram),
    };

    return cmocka_run_group_tests(tests, NULL, tear_down);
}
