/* tests/unit/telemetry/access_log.c - strict JSON on one line, whatever the bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "telemetry/access_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct access_entry usual = {
    .wall_ms = 1795166165007, .id = STR_INIT("0123456789abcdef"), .listener = STR_INIT("outbound"),
    .route = STR_INIT("users"), .service = STR_INIT("users"), .target = STR_INIT("10.0.0.1:8080"),
    .client = STR_INIT("127.0.0.1"), .method = STR_INIT("GET"), .scheme = STR_INIT("http"),
    .host = STR_INIT("api.example.com"), .path = STR_INIT("/api/users/42"), .protocol = STR_INIT("HTTP/1.1"),
    .status = 200, .bytes_in = 0, .bytes_out = 18446744073709551615u, .duration_us = 1234567, .first_byte_us = 980,
    .connect_us = -1, .tries = 1, .upstream_status = 200, .reused = true,
    .user_agent = STR_INIT("curl/7.88.1"), .end = STR_INIT("complete"),
};

static char line[ACCESS_LINE_MAX];

static size_t format(const struct access_entry *e)
{
    struct access_date date = { 0 };
    size_t n = access_log_format(line, &date, e);

    assert_in_range(n, 1, sizeof line - 1);
    line[n] = '\0';
    return n;
}

static void the_usual_line(void **state)
{
    (void)state;
    format(&usual);
    assert_string_equal(line,
        "{\"time\":\"2026-11-20T09:16:05.007Z\",\"id\":\"0123456789abcdef\",\"listener\":\"outbound\","
        "\"client\":\"127.0.0.1\",\"method\":\"GET\",\"scheme\":\"http\",\"host\":\"api.example.com\","
        "\"path\":\"/api/users/42\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"end\":\"complete\",\"bytes_in\":0,"
        "\"bytes_out\":18446744073709551615,\"duration_ms\":1234.567,\"route\":\"users\",\"service\":\"users\","
        "\"tries\":1,\"target\":\"10.0.0.1:8080\",\"upstream_status\":200,\"first_byte_ms\":0.980,\"reused\":true,"
        "\"user_agent\":\"curl/7.88.1\"}\n");
}

static void what_is_not_known_is_left_out(void **state)
{
    struct access_entry e = { .wall_ms = 0, .error = STR("no-route"), .end = STR("complete"), .status = 404 };

    (void)state;
    format(&e);
    assert_string_equal(line, "{\"time\":\"1970-01-01T00:00:00.000Z\",\"status\":404,\"error\":\"no-route\","
                              "\"end\":\"complete\",\"bytes_in\":0,\"bytes_out\":0,\"duration_ms\":0.000,\"tries\":0}\n");
}

static void dates(void **state)
{
    static const struct { int64_t ms; const char *text; } cases[] = {
        { 1795166165007, "2026-11-20T09:16:05.007Z" }, { 1795166165999, "2026-11-20T09:16:05.999Z" },
        { 1795166166000, "2026-11-20T09:16:06.000Z" }, { 1795166165007, "2026-11-20T09:16:05.007Z" },
        { 1709164799999, "2024-02-28T23:59:59.999Z" }, { 1709164800000, "2024-02-29T00:00:00.000Z" },
    };
    struct access_date date = { 0 };
    struct access_entry e = usual;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        e.wall_ms = cases[i].ms;
        access_log_format(line, &date, &e);
        assert_memory_equal(line + 9, cases[i].text, 24);
    }
}

/* RFC 8259, checked by hand and not with the library that reads our configuration: one object of strings, numbers and
 * booleans, UTF-8, no control character but the line end. */
static const char *skip_string(const char *p)
{
    assert_int_equal(*p++, '"');
    while (*p != '"') {
        unsigned char c = (unsigned char)*p;

        assert_true(c >= 0x20 && c != 0x7f);
        if (c == '\\') {
            p++;
            assert_non_null(strchr("\"\\/bfnrtu", *p));
            if (*p == 'u') {
                assert_int_equal(strspn(p + 1, "0123456789abcdef") >= 4, 1);
                p += 4;
            }
            p++;
        } else if (c < 0x80) {
            p++;
        } else {
            unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
            uint32_t code = c & (0x3f >> more);

            assert_in_range(c, 0xc2, 0xf4);
            while (more-- > 0) {
                assert_int_equal((unsigned char)*++p & 0xc0, 0x80);
                code = code << 6 | ((unsigned char)*p & 0x3f);
            }
            assert_true(code < 0xd800 || (code > 0xdfff && code <= 0x10ffff));
            p++;
        }
    }
    return p + 1;
}

static void check_json(size_t n)
{
    const char *p = line;

    assert_int_equal(strlen(line), n);
    assert_int_equal(*p++, '{');
    for (;;) {
        p = skip_string(p);
        assert_int_equal(*p++, ':');
        if (*p == '"')
            p = skip_string(p);
        else
            p += strspn(p, "0123456789.truefals");
        if (*p != ',')
            break;
        p++;
    }
    assert_string_equal(p, "}\n");
}

static void check_with_every_string(struct sc_str s)
{
    struct access_entry e = usual;

    e.id = e.listener = e.route = e.service = e.target = e.client = e.method = e.scheme = e.host = e.path = e.query =
        e.protocol = e.error = e.user_agent = e.referer = e.end = s;
    check_json(format(&e));
}

static void hostile_bytes(void **state)
{
    static const struct sc_str cases[] = {
        STR_INIT(""), STR_INIT("\""), STR_INIT("\\"), STR_INIT("a\r\nb: c\n{\"x\":1}\n"), STR_INIT("\0\0\0"),
        STR_INIT("\x7f\x1b[31m"), STR_INIT("\xff\xfe\xfd"), STR_INIT("\xc0\xaf"), STR_INIT("\xed\xa0\x80"),
        STR_INIT("\xf4\x90\x80\x80"), STR_INIT("\xe2\x82"), STR_INIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
        STR_INIT("\xf0\x9f\x98\""), STR_INIT("abcdefg\"abcdefgh\"abcdef\\"), STR_INIT("abcdefgh\x80" "abcdefgh\x1f"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_with_every_string(cases[i]);
}

static void every_byte_at_every_place(void **state)
{
    char text[24];

    (void)state;
    for (unsigned c = 0; c < 256; c++)
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            check_with_every_string((struct sc_str){ text, sizeof text });
        }
}

static void random_bytes(void **state)
{
    char text[5000];

    (void)state;
    srandom(7);
    for (unsigned i = 0; i < 500; i++) {
        size_t n = (size_t)random() % sizeof text;

        for (size_t k = 0; k < n; k++)
            text[k] = (char)(random() >> 7);
        check_with_every_string((struct sc_str){ text, n });
    }
}

/* The worst there is: longest strings, six bytes for one, largest numbers. */
static void the_longest_line_fits(void **state)
{
    static char text[100000];
    struct access_entry e = usual;

    (void)state;
    memset(text, 1, sizeof text);
    e.wall_ms = 253402300799999;
    e.status = e.tries = e.upstream_status = UINT32_MAX;
    e.bytes_in = UINT64_MAX;
    e.duration_us = e.first_byte_us = e.connect_us = INT64_MAX;
    e.id = e.listener = e.route = e.service = e.target = e.client = e.method = e.scheme = e.host = e.path = e.query =
        e.protocol = e.error = e.user_agent = e.referer = e.end = (struct sc_str){ text, sizeof text };
    check_json(format(&e));
}

static void through_the_writer(void **state)
{
    char path[] = "/tmp/access-XXXXXX", output[64], text[1000];
    struct access_log_conf conf = { .format = ACCESS_JSON, .output = output };
    struct sc_error e = SC_ERROR_INIT;
    struct writer *w = writer_start();
    struct access_port *port = access_port_new(w);
    struct access_log *log;
    int fd = mkstemp(path);
    ssize_t n;

    (void)state;
    snprintf(output, sizeof output, "file:%s", path);
    assert_true(access_log_open(w, &conf, &log, &e));
    access_log_write(log, port, &usual);
    access_log_write(log, port, &usual);
    access_log_close(&log);
    conf.output = "none";
    assert_true(access_log_open(w, &conf, &log, &e));
    assert_null(log);
    access_log_write(log, port, &usual);
    conf.output = "file:/no/such/place/log";
    assert_false(access_log_open(w, &conf, &log, &e));
    assert_null(log);
    assert_non_null(strstr(e.text, "cannot log to file:/no/such/place/log: "));
    access_port_free(&port);
    writer_stop(&w, 1000);
    n = read(fd, text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    format(&usual);
    assert_int_equal((size_t)n, 2 * strlen(line));
    assert_memory_equal(text, line, strlen(line));
    assert_string_equal(text + strlen(line), line);
    close(fd);
    unlink(path);
}

/* `access_log bench` prints what a line costs; run by hand. */
static int bench(void)
{
    struct access_date date = { 0 };
    struct access_entry e = usual;
    enum { TIMES = 2000000 };
    int64_t began;
    size_t n = 0;

    e.user_agent = STR("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0");
    began = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < TIMES; i++) {
        e.wall_ms += i % 8 == 0;
        e.duration_us = i;
        n += access_log_format(line, &date, &e);
    }
    printf("%.0f ns for a line of %.0f bytes\n",
           (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - began) / TIMES, (double)n / TIMES);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_line),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(dates),
        cmocka_unit_test(hostile_bytes),
        cmocka_unit_test(every_byte_at_every_place),
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(the_longest_line_fits),
        cmocka_unit_test(through_the_writer),
    };

    if (argc == 2 && strcmp(argv[1], "bench") == 0)
        return bench();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
