/* sidecar/daemon/show.c - the commands that ask a sidecar that runs, or tell it something.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/show.h"

#include "base/str.h"
#include "conf/data.h"
#include "daemon/ask.h"
#include "daemon/columns.h"
#include "daemon/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static struct ask_options where;
static const char *output = "table", *seconds = "2", *times;

#define WHERE \
    { 0, "admin", "ADDRESS", "the sidecar's admin listener: unix:/PATH or HOST:PORT; default: $OUTRIDER_ADMIN, its " \
      "socket, 127.0.0.1:8001", &where.address, NULL }, \
    { 0, "token-file", "FILE", "file whose first line is a token of `admin.tokens`", &where.token_file, NULL }
#define OUTPUT { 'o', "output", "FORMAT", "table or json; default table", &output, NULL }

const struct option_row show_options[] = { WHERE, OUTPUT, { .name = NULL } };
const struct option_row raw_options[] = { WHERE, { .name = NULL } };
const struct option_row top_options[] = {
    WHERE,
    { 'd', "delay", "SECONDS", "between two looks; default 2", &seconds, NULL },
    { 'n', "count", "TIMES", "how often; default: until interrupted, or once where standard output is no terminal",
      &times, NULL },
    { .name = NULL },
};

/* ---- asking ---- */

/* What the sidecar says against it: the detail of a problem (RFC 9457), or the status alone. */
static int said_no(const struct command *self, const struct reply *r)
{
    struct sc_error e = SC_ERROR_INIT;
    struct data *problem = data_parse(buf_view(&r->body), &e);
    const char *detail = data_text(data_get(problem, "detail"));

    fprintf(stderr, "outrider %s: %u: %s\n", self->name, r->status, detail == NULL ? "the sidecar says no" : detail);
    data_free(&problem);
    return r->status == 401 || r->status == 403 ? EX_NOPERM : 1;
}

/* Only pages that tell how something is answer 503 with what was asked for. */
static bool is_answer(const struct reply *r, const char *path)
{
    return (r->status >= 200 && r->status < 300) ||
           (r->status == 503 && strncmp(path, "/health", 7) == 0) ||
           (r->status == 422 && strcmp(path, "/admin/reload") == 0);
}

/* EX_OK with an answer in *r, or an exit code: everything was said. */
static int fetch(const struct command *self, const char *method, const char *path, struct reply *r)
{
    struct sc_error e = SC_ERROR_INIT;
    int code = EX_OK;

    if (!ask(&where, method, path, r, &e)) {
        fprintf(stderr, "outrider %s: %s\n", self->name, e.text);
        code = EX_UNAVAILABLE;
    } else if (!is_answer(r, path)) {
        code = said_no(self, r);
    }
    if (code != EX_OK)
        buf_fini(&r->body);
    return code;
}

/* Puts what is to be printed into out. */
typedef void print_fn(const struct data *d, struct buf *out);

static int show_reply(const struct command *self, struct reply *r, print_fn *print)
{
    struct sc_error e = SC_ERROR_INIT;
    struct buf out = BUF_INIT;
    struct data *d;

    if (strcmp(output, "json") == 0)
        return commands_write(&r->body);
    d = data_parse(buf_view(&r->body), &e);
    buf_fini(&r->body);
    if (d == NULL) {
        fprintf(stderr, "outrider %s: not an answer of a sidecar: %s\n", self->name, e.text);
        return EX_UNAVAILABLE;
    }
    buf_add(&out, "", 0);
    print(d, &out);
    data_free(&d);
    return commands_write(&out);
}

static bool knows_output(const struct command *self)
{
    if (strcmp(output, "table") == 0 || strcmp(output, "json") == 0)
        return true;
    fprintf(stderr, "outrider %s: --output is table or json, not \"%s\"\n", self->name, output);
    return false;
}

static int show(const struct command *self, const char *method, const char *path, print_fn *print)
{
    struct reply r;
    int code;

    if (!knows_output(self))
        return EX_USAGE;
    code = fetch(self, method, path, &r);
    return code == EX_OK ? show_reply(self, &r, print) : code;
}

/* path, or of one service path/NAME. */
static int show_one(const struct command *self, const char *path, const char *name, print_fn *all, print_fn *one)
{
    struct buf whole = BUF_INIT;
    int code;

    buf_puts(&whole, path);
    if (name != NULL) {
        buf_putc(&whole, '/');
        ask_segment(&whole, name);
    }
    code = show(self, "GET", whole.p, name == NULL ? all : one);
    buf_fini(&whole);
    return code;
}

/* ---- pieces ---- */

static const char *text_of(const struct data *d, const char *key)
{
    return data_text(data_get(d, key));
}

static int64_t int_of(const struct data *d, const char *key)
{
    int64_t n = 0;

    return data_int(data_get(d, key), &n) ? n : 0;
}

/* "a, b, c"; fewer when there are many. */
static void add_list(struct columns *c, const struct data *list, const char *none)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < data_size(list); i++) {
        if (i == 4 && data_size(list) > 5) {
            buf_printf(&text, ", ... (%zu)", data_size(list));
            break;
        }
        buf_puts(&text, i == 0 ? "" : ", ");
        buf_puts(&text, data_text(data_at(list, i)) == NULL ? "?" : data_text(data_at(list, i)));
    }
    columns_add(c, text.n == 0 ? none : text.p);
    buf_fini(&text);
}

static void head(struct columns *c, unsigned n, const char *const *names)
{
    columns_init(c, n);
    for (unsigned i = 0; i < n; i++)
        columns_add(c, names[i]);
}

static void finish(struct columns *c, struct buf *out)
{
    columns_print(c, columns_may_colour(), out);
    columns_fini(c);
}

/* ---- status ---- */

static void add_counts(struct columns *c, const struct data *services)
{
    static const char *const kinds[] = { "healthy", "degraded", "unhealthy", "unknown" };
    struct buf text = BUF_INIT;

    for (unsigned i = 0; i < 4; i++)
        if (int_of(services, kinds[i]) > 0)
            buf_printf(&text, "%s%lld %s", text.n > 0 ? ", " : "", (long long)int_of(services, kinds[i]), kinds[i]);
    columns_add(c, "services");
    columns_add(c, text.n == 0 ? "none" : text.p);
    buf_fini(&text);
}

static void print_status(const struct data *d, struct buf *out)
{
    static const char *const texts[] = { "status", "version", "node", "zone", "started" };
    static const char *const numbers[] = { "generation", "workers", "in_flight" };
    struct columns c;

    columns_init(&c, 2);
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        columns_add(&c, texts[i]);
        columns_add(&c, text_of(d, texts[i]));
    }
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        columns_add(&c, numbers[i]);
        columns_add_int(&c, int_of(d, numbers[i]));
    }
    add_counts(&c, data_get(d, "services"));
    columns_add(&c, "reasons");
    add_list(&c, data_get(d, "reasons"), "-");
    finish(&c, out);
}

int command_status(const struct command *self, int n, char **words)
{
    (void)n;
    (void)words;
    return show(self, "GET", "/health", print_status);
}

/* ---- health and targets ---- */

/* What each of the sources says under this key; nothing for those that say null. */
static void add_sources(struct columns *c, const struct data *sources, const char *key)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < data_size(sources); i++) {
        const char *one = data_text(data_get(data_at(sources, i), key));

        if (one != NULL)
            buf_printf(&text, "%s%s", text.n == 0 ? "" : ", ", one);
    }
    columns_add(c, text.n == 0 ? "-" : text.p);
    buf_fini(&text);
}

static void add_health(struct columns *c, const char *name, const struct data *service)
{
    const struct data *targets = data_get(service, "targets"), *sources = data_get(service, "sources");
    long long eligible = 0;
    bool yes;

    for (size_t i = 0; i < data_size(targets); i++)
        eligible += data_bool(data_get(data_at(targets, i), "eligible"), &yes) && yes;
    columns_add(c, name);
    columns_add(c, text_of(service, "status"));
    columns_add_int(c, (long long)data_size(targets));
    columns_add_int(c, eligible);
    add_sources(c, sources, "registry");
    add_sources(c, sources, "mode");
    add_sources(c, sources, "last_error");
}

static const char *const health_heads[] = { "SERVICE", "STATUS", "TARGETS", "ELIGIBLE", "REGISTRY", "MODE", "ERROR" };

static void print_health(const struct data *d, struct buf *out)
{
    const struct data *all = data_get(d, "services");
    struct columns c;

    head(&c, 7, health_heads);
    for (const struct data_member *m = data_first(all); m != NULL; m = data_next(all, m))
        add_health(&c, data_key(m), data_value(m));
    finish(&c, out);
}

static void print_health_of_one(const struct data *d, struct buf *out)
{
    struct columns c;

    head(&c, 7, health_heads);
    add_health(&c, text_of(d, "name"), d);
    finish(&c, out);
}

static void add_targets(struct columns *c, const char *service, const struct data *targets)
{
    for (size_t i = 0; i < data_size(targets); i++) {
        const struct data *t = data_at(targets, i);

        columns_add(c, service);
        columns_add(c, text_of(t, "address"));
        columns_add(c, text_of(t, "state"));
        columns_add_int(c, int_of(t, "weight"));
        columns_add(c, text_of(t, "zone"));
        columns_add_int(c, int_of(t, "inflight"));
        columns_add(c, text_of(t, "reason"));
    }
}

static const char *const target_heads[] = { "SERVICE", "ADDRESS", "STATE", "WEIGHT", "ZONE", "IN-FLIGHT", "REASON" };

static void print_targets(const struct data *d, struct buf *out)
{
    const struct data *all = data_get(d, "services");
    struct columns c;

    head(&c, 7, target_heads);
    for (const struct data_member *m = data_first(all); m != NULL; m = data_next(all, m))
        add_targets(&c, data_key(m), data_get(data_value(m), "targets"));
    finish(&c, out);
}

static void print_targets_of_one(const struct data *d, struct buf *out)
{
    struct columns c;

    head(&c, 7, target_heads);
    add_targets(&c, text_of(d, "name"), data_get(d, "targets"));
    finish(&c, out);
}

int command_health(const struct command *self, int n, char **words)
{
    return show_one(self, "/health/services", n > 0 ? words[0] : NULL, print_health, print_health_of_one);
}

int command_targets(const struct command *self, int n, char **words)
{
    return show_one(self, "/health/services", n > 0 ? words[0] : NULL, print_targets, print_targets_of_one);
}

/* ---- services and routes ---- */

static void add_service(struct columns *c, const struct data *s, long long targets, long long eligible)
{
    columns_add(c, text_of(s, "name"));
    columns_add(c, text_of(s, "status"));
    columns_add_int(c, targets);
    columns_add_int(c, eligible);
    add_list(c, data_get(s, "routes"), "-");
}

static const char *const service_heads[] = { "SERVICE", "STATUS", "TARGETS", "ELIGIBLE", "ROUTES" };

static void print_services(const struct data *d, struct buf *out)
{
    const struct data *all = data_get(d, "services");
    struct columns c;

    head(&c, 5, service_heads);
    for (size_t i = 0; i < data_size(all); i++)
        add_service(&c, data_at(all, i), int_of(data_at(all, i), "targets"), int_of(data_at(all, i), "eligible"));
    finish(&c, out);
}

static void print_service(const struct data *d, struct buf *out)
{
    const struct data *targets = data_get(d, "targets");
    long long eligible = 0;
    struct columns c;
    bool yes;

    for (size_t i = 0; i < data_size(targets); i++)
        eligible += data_bool(data_get(data_at(targets, i), "eligible"), &yes) && yes;
    head(&c, 5, service_heads);
    add_service(&c, d, (long long)data_size(targets), eligible);
    finish(&c, out);
    buf_putc(out, '\n');
    print_targets_of_one(d, out);
}

int command_services(const struct command *self, int n, char **words)
{
    return show_one(self, "/services", n > 0 ? words[0] : NULL, print_services, print_service);
}

static void print_routes(const struct data *d, struct buf *out)
{
    static const char *const names[] = { "ROUTE", "SERVICE", "METHODS", "HOSTS", "PATHS" };
    const struct data *all = data_get(d, "routes");
    struct columns c;

    head(&c, 5, names);
    for (size_t i = 0; i < data_size(all); i++) {
        const struct data *r = data_at(all, i), *match = data_get(r, "match");

        columns_add(&c, text_of(r, "name"));
        columns_add(&c, text_of(r, "service"));
        add_list(&c, data_get(match, "methods"), "any");
        add_list(&c, data_get(match, "hosts"), "any");
        add_list(&c, data_get(match, "paths"), "any");
    }
    finish(&c, out);
}

int command_routes(const struct command *self, int n, char **words)
{
    (void)n;
    (void)words;
    return show(self, "GET", "/routes", print_routes);
}

int command_metrics(const struct command *self, int n, char **words)
{
    struct reply r;
    int code = fetch(self, "GET", "/metrics", &r);

    (void)n;
    (void)words;
    return code == EX_OK ? commands_write(&r.body) : code;
}

/* ---- top ---- */

static int look(const struct command *self, bool clear)
{
    static const struct { const char *path; print_fn *print; } parts[] = {
        { "/health", print_status }, { "/health/services", print_targets },
    };
    struct buf out = BUF_INIT;
    int code = EX_OK;

    buf_puts(&out, clear ? "\033[H\033[2J" : "");
    for (unsigned i = 0; i < 2 && code == EX_OK; i++) {
        struct sc_error e = SC_ERROR_INIT;
        struct reply r;
        struct data *d;

        code = fetch(self, "GET", parts[i].path, &r);
        if (code != EX_OK)
            break;
        d = data_parse(buf_view(&r.body), &e);
        buf_fini(&r.body);
        buf_puts(&out, i > 0 ? "\n" : "");
        if (d != NULL)
            parts[i].print(d, &out);
        data_free(&d);
    }
    if (code == EX_OK)
        return commands_write(&out);
    buf_fini(&out);
    return code;
}

/* A whole number from 1 to a day's seconds. */
static bool number_of(const struct command *self, const char *option, const char *text, unsigned long long *n)
{
    if (str_u64(str_of(text), n) && *n >= 1 && *n <= 86400)
        return true;
    fprintf(stderr, "outrider %s: --%s is a number from 1 to 86400, not \"%s\"\n", self->name, option, text);
    return false;
}

int command_top(const struct command *self, int n, char **words)
{
    bool terminal = isatty(STDOUT_FILENO);
    unsigned long long delay, count = 1;
    int code = EX_OK;

    (void)n;
    (void)words;
    if (!number_of(self, "delay", seconds, &delay) || (times != NULL && !number_of(self, "count", times, &count)))
        return EX_USAGE;
    for (unsigned long long i = 0; code == EX_OK && ((terminal && times == NULL) || i < count); i++) {
        struct timespec pause = { .tv_sec = (time_t)delay };

        if (i > 0)
            nanosleep(&pause, NULL);
        if (i > 0 && !terminal)
            putchar('\n');
        code = look(self, terminal);
    }
    return code;
}

/* ---- telling ---- */

static void print_what(const struct data *d, struct buf *out)
{
    buf_printf(out, "%s\n", text_of(d, "status") == NULL ? "done" : text_of(d, "status"));
}

int command_drain(const struct command *self, int n, char **words)
{
    (void)n;
    (void)words;
    return show(self, "POST", "/admin/drain", print_what);
}

static void say_lines(const struct data *list)
{
    for (size_t i = 0; i < data_size(list); i++)
        if (data_text(data_at(list, i)) != NULL)
            fprintf(stderr, "%s\n", data_text(data_at(list, i)));
}

static void print_reload(const struct data *d, struct buf *out)
{
    bool refused = !data_is_null(data_get(d, "mistakes"));

    say_lines(data_get(d, refused ? "mistakes" : "warnings"));
    if (refused)
        fprintf(stderr, "outrider reload: the configuration has mistakes: generation %lld stays in force\n",
                (long long)int_of(d, "generation"));
    else
        buf_printf(out, "generation %lld is in force\n", (long long)int_of(d, "generation"));
}

int command_reload(const struct command *self, int n, char **words)
{
    struct reply r;
    bool refused;
    int code;

    (void)n;
    (void)words;
    if (!knows_output(self))
        return EX_USAGE;
    code = fetch(self, "POST", "/admin/reload", &r);
    if (code != EX_OK)
        return code;
    refused = r.status == 422;
    code = show_reply(self, &r, print_reload);
    return refused && code == EX_OK ? EX_CONFIG : code;
}
