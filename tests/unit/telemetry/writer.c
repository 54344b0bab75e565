/* tests/unit/telemetry/writer.c - lines arrive whole and in order, or are counted as dropped, and nobody waits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "telemetry/telemetry.h"
#include "telemetry/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/writer-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

static const char *path_of(const char *name)
{
    static char paths[4][128];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static const char *output_of(const char *name)
{
    static char output[160];

    snprintf(output, sizeof output, "file:%s", path_of(name));
    return output;
}

static struct writer_sink *open_ok(struct writer *w, const char *output)
{
    struct sc_error e = SC_ERROR_INIT;
    struct writer_sink *s = writer_open(w, output, &e);

    assert_string_equal(e.text, "");
    assert_non_null(s);
    return s;
}

static void read_all(int fd, struct buf *to)
{
    ssize_t n;

    do {
        buf_reserve(to, 65536);
        n = read(fd, to->p + to->n, 65536);
        if (n > 0)
            to->n += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    buf_add(to, "", 0);
}

static struct buf file_text(const char *name)
{
    struct buf text = BUF_INIT;
    int fd = open(path_of(name), O_RDONLY);

    assert_true(fd >= 0);
    read_all(fd, &text);
    close(fd);
    return text;
}

struct sums {
    uint64_t lines, bytes, dropped;
    unsigned sinks;
    bool failing;
};

static void add_up(void *arg, const struct writer_stats *s)
{
    struct sums *sum = arg;

    sum->lines += s->lines;
    sum->bytes += s->bytes;
    sum->dropped += s->dropped;
    sum->failing |= s->failing;
    sum->sinks++;
}

static struct sums sums_of(struct writer *w)
{
    struct sums sum = { 0 };

    writer_each(w, add_up, &sum);
    return sum;
}

/* Until `total` lines, but for `open` of them, are written or dropped. */
static struct sums settle_but(struct writer *w, uint64_t total, uint64_t open)
{
    sc_msec end = clock_mono_ms() + PATIENCE_MS;
    struct sums sum = sums_of(w);

    while (sum.lines + sum.dropped + open < total && clock_mono_ms() < end) {
        usleep(1000);
        sum = sums_of(w);
    }
    assert_int_equal(sum.lines + sum.dropped + open, total);
    return sum;
}

static struct sums settle(struct writer *w, uint64_t total)
{
    return settle_but(w, total, 0);
}

/* A line that shows whether it is whole: "T NUMBER xxxx.\n" with length from its number. */
static size_t make_line(char *to, unsigned thread, unsigned i)
{
    int n = sprintf(to, "%u %u ", thread, i);
    size_t pad = (i * 37) % 300;

    memset(to + n, 'x', pad);
    memcpy(to + n + pad, ".\n", 2);
    return (size_t)n + pad + 2;
}

/* Each line whole; numbers of a thread only go up. Returns how many lines. */
static unsigned check_lines(const struct buf *text, unsigned next[4])
{
    const char *p = text->p, *end = text->p + text->n;
    unsigned lines = 0;

    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        unsigned thread, i;
        char expected[400], *number;
        size_t n;

        assert_non_null(eol);
        thread = (unsigned)strtoul(p, &number, 10);
        i = (unsigned)strtoul(number, NULL, 10);
        assert_in_range(thread, 0, 3);
        n = make_line(expected, thread, i);
        assert_int_equal(n, eol + 1 - p);
        assert_memory_equal(p, expected, n);
        assert_true(i >= next[thread]);
        next[thread] = i + 1;
        lines++;
        p = eol + 1;
    }
    return lines;
}

struct producer {
    struct writer_port *port;
    struct writer_sink *sink;
    unsigned id, lines, accepted;
    bool insist;                /* try again until it was taken */
    pthread_t thread;
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    char line[400];

    for (unsigned i = 0; i < p->lines; i++) {
        size_t n = make_line(line, p->id, i);
        bool taken = writer_put(p->port, p->sink, line, n);

        while (!taken && p->insist) {
            usleep(500);
            taken = writer_put(p->port, p->sink, line, n);
        }
        p->accepted += taken;
    }
    return NULL;
}

static void two_producers(void **state)
{
    struct writer *w = writer_start();
    struct writer_sink *sink = open_ok(w, output_of("two"));
    struct producer p[2] = { { .id = 0 }, { .id = 1 } };
    unsigned next[4] = { 0 };
    struct buf text;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        p[i].port = writer_port_new(w, WRITER_PORT_SIZE);
        p[i].sink = sink;
        p[i].lines = 50000;
        p[i].insist = true;
        pthread_create(&p[i].thread, NULL, produce, &p[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(p[i].thread, NULL);
        writer_port_free(&p[i].port);
    }
    writer_close(w, &sink);
    writer_stop(&w, PATIENCE_MS);
    text = file_text("two");
    assert_int_equal(check_lines(&text, next), 100000);
    assert_int_equal(next[0], 50000);
    assert_int_equal(next[1], 50000);
    buf_fini(&text);
    unlink(path_of("two"));
}

/* After any pause, long or short, the next line is written without another push. */
static void a_single_line_arrives(void **state)
{
    struct writer *w = writer_start();
    struct writer_sink *sink = open_ok(w, output_of("one"));
    struct writer_port *port = writer_port_new(w, 4096);

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        assert_true(writer_put(port, sink, "line\n", 5));
        settle(w, i + 1);
        usleep(i * 1500);
    }
    writer_port_free(&port);
    writer_stop(&w, 1000);
    unlink(path_of("one"));
}

static void slow_pipe(void **state)
{
    struct writer *w = writer_start();
    struct writer_sink *sink;
    struct writer_port *port;
    struct producer p = { .id = 2, .lines = 30000 };
    struct buf text = BUF_INIT;
    unsigned next[4] = { 0 };
    struct sums sum = { 0 };
    sc_msec began;
    int fd;

    (void)state;
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    fd = open(path_of("fifo"), O_RDONLY | O_NONBLOCK);
    sink = open_ok(w, output_of("fifo"));
    p.port = port = writer_port_new(w, WRITER_PORT_SIZE);
    p.sink = sink;
    began = clock_mono_ms();
    produce(&p);
    /* Nobody reads, and the producer was not held up: 30000 lines take milliseconds. */
    assert_true(clock_mono_ms() - began < 5000);
    for (sc_msec end = clock_mono_ms() + PATIENCE_MS; sums_of(w).dropped == 0 && clock_mono_ms() < end;)
        usleep(1000);
    assert_true(sums_of(w).dropped > 0);
    for (sc_msec end = clock_mono_ms() + PATIENCE_MS; clock_mono_ms() < end;) {
        read_all(fd, &text);
        sum = sums_of(w);
        if (sum.lines + sum.dropped == p.lines)
            break;
        usleep(1000);
    }
    assert_int_equal(sum.lines + sum.dropped, p.lines);
    read_all(fd, &text);
    assert_int_equal(check_lines(&text, next), sum.lines);
    assert_true(sum.lines > 1000);
    close(fd);
    writer_port_free(&port);
    writer_stop(&w, 1000);
    buf_fini(&text);
    unlink(path_of("fifo"));
}

/* One sink that takes nothing does not keep lines from another. */
static void a_full_sink_holds_up_no_other(void **state)
{
    struct writer *w = writer_start();
    struct writer_sink *full, *file;
    struct producer p = { .id = 1, .lines = 20000 };
    unsigned next[4] = { 0 };
    struct buf text;
    sc_msec began;

    (void)state;
    assert_int_equal(mkfifo(path_of("full"), 0600), 0);
    full = open_ok(w, output_of("full"));
    file = open_ok(w, output_of("free"));
    p.port = writer_port_new(w, WRITER_PORT_SIZE);
    p.sink = full;
    produce(&p);
    p.id = 3;
    p.sink = file;
    p.insist = true;
    p.lines = 5000;
    produce(&p);
    writer_port_free(&p.port);
    began = clock_mono_ms();
    writer_stop(&w, 300);           /* what the FIFO holds back cannot be written: only so long */
    assert_true(clock_mono_ms() - began < PATIENCE_MS);
    text = file_text("free");
    assert_int_equal(check_lines(&text, next), 5000);
    buf_fini(&text);
    unlink(path_of("full"));
    unlink(path_of("free"));
}

static void reopen_loses_nothing(void **state)
{
    struct writer *w = writer_start();
    struct producer p = { .id = 0, .lines = 60000, .insist = true };
    unsigned next[4] = { 0 }, lines = 0;
    struct writer_sink *sink = open_ok(w, output_of("log"));

    (void)state;
    p.port = writer_port_new(w, WRITER_PORT_SIZE);
    p.sink = sink;
    pthread_create(&p.thread, NULL, produce, &p);
    for (unsigned i = 1; i <= 10; i++) {
        char name[16];

        snprintf(name, sizeof name, "log.%u", i);
        assert_int_equal(rename(path_of("log"), path_of(name)), 0);
        writer_reopen(w);
        for (sc_msec end = clock_mono_ms() + PATIENCE_MS; access(path_of("log"), F_OK) != 0;) {
            assert_true(clock_mono_ms() < end);
            usleep(200);
        }
    }
    pthread_join(p.thread, NULL);
    writer_port_free(&p.port);
    writer_stop(&w, PATIENCE_MS);
    for (unsigned i = 1; i <= 11; i++) {
        char name[16];
        struct buf text;

        snprintf(name, sizeof name, i == 11 ? "log" : "log.%u", i);
        text = file_text(name);
        lines += check_lines(&text, next);
        buf_fini(&text);
        unlink(path_of(name));
    }
    assert_int_equal(lines, 60000);
    assert_int_equal(next[0], 60000);
}

/* The disk is full in the middle of a line; later there is room again: every line in the file is whole, and what is
 * not there was counted. */
static void disk_full(void **state)
{
    struct writer *w = writer_start();
    struct writer_sink *sink = open_ok(w, output_of("disk"));
    struct writer_port *port = writer_port_new(w, WRITER_PORT_SIZE);
    struct rlimit before, small;
    unsigned next[4] = { 0 };
    struct sums sum = { 0 };
    struct buf text;
    char line[400];

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 10007;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (unsigned i = 0; i < 500; i++)
        assert_true(writer_put(port, sink, line, make_line(line, 0, i)));
    settle_but(w, 500, 1);                  /* the line that was cut waits for its end */
    assert_true(sums_of(w).failing);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    for (unsigned i = 500; i < 600; i++)
        assert_true(writer_put(port, sink, line, make_line(line, 0, i)));
    sum = settle(w, 600);
    assert_false(sum.failing);
    assert_in_range(sum.dropped, 400, 499);
    text = file_text("disk");
    assert_int_equal(check_lines(&text, next), sum.lines);
    assert_int_equal(text.n, sum.bytes);
    assert_int_equal(next[0], 600);
    buf_fini(&text);
    writer_port_free(&port);
    writer_stop(&w, 1000);
    unlink(path_of("disk"));
}

static void device_full(void **state)
{
    struct writer *w = writer_start();
    struct writer_sink *sink = open_ok(w, "file:/dev/full");
    struct writer_port *port = writer_port_new(w, 4096);
    struct sums sum = { 0 };

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        assert_true(writer_put(port, sink, "line\n", 5));
    sum = settle(w, 10);
    assert_int_equal(sum.dropped, 10);
    assert_true(sum.failing);
    writer_port_free(&port);
    writer_stop(&w, 1000);
}

/* Makes fd the standard output while the writer opens it. */
static struct writer_sink *open_as_stdout(struct writer *w, int fd)
{
    struct writer_sink *sink;
    int saved;

    fflush(stdout);
    saved = dup(STDOUT_FILENO);
    dup2(fd, STDOUT_FILENO);
    sink = open_ok(w, "stdout");
    dup2(saved, STDOUT_FILENO);
    close(saved);
    return sink;
}

/* The reader of our standard output is gone: no signal, no end of the process. */
static void broken_pipe(void **state)
{
    for (unsigned late = 0; late < 2; late++) {
        struct writer *w = writer_start();
        struct writer_port *port = writer_port_new(w, 4096);
        struct writer_sink *sink;
        int ends[2];

        (void)state;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        if (!late)
            close(ends[0]);
        sink = open_as_stdout(w, ends[1]);
        close(ends[1]);
        if (late)
            close(ends[0]);
        for (unsigned i = 0; i < 3; i++)
            assert_true(writer_put(port, sink, "line\n", 5));
        assert_int_equal(settle(w, 3).dropped, 3);
        writer_port_free(&port);
        writer_stop(&w, 1000);
    }
}

/* Our own way of not blocking leaves the mode of a shared pipe alone. */
static void stdout_pipe_keeps_its_mode(void **state)
{
    struct writer *w = writer_start();
    struct writer_port *port = writer_port_new(w, WRITER_PORT_SIZE);
    struct producer p = { .id = 0, .lines = 300 };
    struct buf text = BUF_INIT;
    unsigned next[4] = { 0 };
    int ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    p.port = port;
    p.sink = open_as_stdout(w, ends[1]);
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
    produce(&p);
    writer_port_free(&port);
    settle(w, 300);
    writer_stop(&w, 1000);
    close(ends[1]);
    read_all(ends[0], &text);
    assert_int_equal(check_lines(&text, next), 300);
    close(ends[0]);
    buf_fini(&text);
}

static void stdout_socket(void **state)
{
    struct writer *w = writer_start();
    struct producer p = { .id = 1, .lines = 20000 };
    struct buf text = BUF_INIT;
    unsigned next[4] = { 0 };
    struct sums sum = { 0 };
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    p.port = writer_port_new(w, WRITER_PORT_SIZE);
    p.sink = open_as_stdout(w, ends[1]);
    produce(&p);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    for (sc_msec end = clock_mono_ms() + PATIENCE_MS; clock_mono_ms() < end;) {
        read_all(ends[0], &text);
        sum = sums_of(w);
        if (sum.lines + sum.dropped == p.lines)
            break;
        usleep(500);
    }
    assert_int_equal(sum.lines + sum.dropped, p.lines);
    read_all(ends[0], &text);
    assert_int_equal(check_lines(&text, next), sum.lines);
    writer_port_free(&p.port);
    writer_stop(&w, 1000);
    close(ends[0]);
    close(ends[1]);
    buf_fini(&text);
}

static void outputs_are_shared(void **state)
{
    struct writer *w = writer_start();
    struct writer_sink *a = open_ok(w, output_of("a")), *again = open_ok(w, output_of("a")), *b;
    struct writer_port *port = writer_port_new(w, 4096);
    struct buf text;

    (void)state;
    assert_ptr_equal(a, again);
    assert_int_equal(sums_of(w).sinks, 1);
    writer_close(w, &a);
    assert_true(writer_put(port, again, "1\n", 2));
    writer_close(w, &again);
    b = open_ok(w, output_of("a"));             /* while the other may not be gone yet */
    assert_true(writer_put(port, b, "2\n", 2));
    writer_close(w, &b);
    for (sc_msec end = clock_mono_ms() + PATIENCE_MS; sums_of(w).sinks > 0 && clock_mono_ms() < end;)
        usleep(1000);
    assert_int_equal(sums_of(w).sinks, 0);
    writer_port_free(&port);
    writer_stop(&w, 1000);
    text = file_text("a");
    assert_true(strcmp(text.p, "1\n2\n") == 0 || strcmp(text.p, "2\n1\n") == 0);
    buf_fini(&text);
    unlink(path_of("a"));
}

static void mistakes(void **state)
{
    struct writer *w = writer_start();
    struct writer_port *port = writer_port_new(w, 128 * 1024);
    struct writer_sink *sink = open_ok(w, "file:/dev/null");
    struct sc_error e = SC_ERROR_INIT;
    char *big = xcalloc(1, WRITER_LINE_MAX + 1);

    (void)state;
    assert_null(writer_open(w, "file:/no/such/directory/log", &e));
    assert_non_null(strstr(e.text, "cannot log to file:/no/such/directory/log: "));
    assert_false(writer_put(port, sink, big, WRITER_LINE_MAX + 1));
    assert_true(writer_put(port, sink, big, WRITER_LINE_MAX));
    assert_int_equal(sums_of(w).dropped, 1);
    free(big);
    writer_port_free(&port);
    writer_stop(&w, 1000);
}

static void log_lines(void **state)
{
    struct log_conf conf = { .level = LOG_INFO_ };
    struct sc_error e = SC_ERROR_INIT;
    struct writer *w = writer_start();
    struct buf text;

    (void)state;
    conf.output = output_of("said");
    assert_true(process_log_apply(w, &conf, &e));
    process_log_started();
    log_info("one\ntwo");
    log_debug("not this");
    conf.output = "file:/no/such/directory/log";
    assert_false(process_log_apply(w, &conf, &e));
    assert_non_null(strstr(e.text, "cannot log to"));
    log_error("three");
    process_log_stop();
    writer_stop(&w, 1000);
    text = file_text("said");
    assert_int_equal(text.n, 2 * 25 + strlen("info one two\nerror three\n"));
    assert_memory_equal(text.p + 25, "info one two\n", 13);
    assert_memory_equal(text.p + 25 + 13 + 25, "error three\n", 12);
    buf_fini(&text);
    unlink(path_of("said"));
}

/* Until the process is up, errors are seen at standard error too. */
static void errors_at_the_start(void **state)
{
    struct log_conf conf = { .level = LOG_INFO_, .output = "none" };
    struct sc_error e = SC_ERROR_INIT;
    struct writer *w = writer_start();
    struct buf text = BUF_INIT;
    int ends[2], saved = dup(STDERR_FILENO);

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(process_log_apply(w, &conf, &e));
    dup2(ends[1], STDERR_FILENO);
    log_info("not this");
    log_error("but this");
    process_log_started();
    log_error("and not this");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    process_log_stop();
    writer_stop(&w, 1000);
    read_all(ends[0], &text);
    assert_int_equal(text.n, 25 + strlen("error but this\n"));
    assert_memory_equal(text.p + 25, "error but this\n", 15);
    close(ends[0]);
    buf_fini(&text);
}

/* The journal reads our standard error: priorities in front of lines, and no time of our own. */
static void log_lines_for_the_journal(void **state)
{
    struct log_conf conf = { .level = LOG_INFO_, .output = "stderr" };
    struct sc_error e = SC_ERROR_INIT;
    struct writer *w = writer_start();
    struct buf text = BUF_INIT;
    struct stat st;
    int ends[2], saved = dup(STDERR_FILENO);
    char stream[64];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fstat(ends[1], &st), 0);
    snprintf(stream, sizeof stream, "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    dup2(ends[1], STDERR_FILENO);
    assert_true(process_log_apply(w, &conf, &e));
    dup2(saved, STDERR_FILENO);
    close(saved);
    log_warn("careful");
    process_log_stop();
    writer_stop(&w, 1000);
    unsetenv("JOURNAL_STREAM");
    close(ends[1]);
    read_all(ends[0], &text);
    assert_str(buf_view(&text), "<4>careful\n");
    close(ends[0]);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_producers),
        cmocka_unit_test(a_single_line_arrives),
        cmocka_unit_test(slow_pipe),
        cmocka_unit_test(a_full_sink_holds_up_no_other),
        cmocka_unit_test(reopen_loses_nothing),
        cmocka_unit_test(disk_full),
        cmocka_unit_test(device_full),
        cmocka_unit_test(broken_pipe),
        cmocka_unit_test(stdout_pipe_keeps_its_mode),
        cmocka_unit_test(stdout_socket),
        cmocka_unit_test(outputs_are_shared),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(log_lines),
        cmocka_unit_test(errors_at_the_start),
        cmocka_unit_test(log_lines_for_the_journal),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
