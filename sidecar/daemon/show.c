/* sidecar/daemon/show.c - the commands that show how a sidecar that runs is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/show.h"

#include "base/str.h"
#include "base/units.h"
#include "daemon/commands.h"
#include "daemon/present.h"

#include <stdio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* ---- status ---- */

static void add_counts(struct columns *c, const struct data *services)
{
    static const char *const kinds[] = { "healthy", "degraded", "unhealthy", "unknown" };
    struct buf text = BUF_INIT;

    for (unsigned i = 0; i < 4; i++)
        if (present_int(services, kinds[i]) > 0)
            buf_printf(&text, "%s%lld %s", text.n > 0 ? ", " : "", (long long)present_int(services, kinds[i]), kinds[i]);
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
        columns_add(&c, present_text(d, texts[i]));
    }
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        columns_add(&c, numbers[i]);
        columns_add_int(&c, present_int(d, numbers[i]));
    }
    add_counts(&c, data_get(d, "services"));
    columns_add(&c, "reasons");
    present_list(&c, data_get(d, "reasons"), "-");
    present_finish(&c, out);
}

int command_status(const struct command *self, int n, char **words)
{
    (void)n;
    (void)words;
    return present_page(self, "GET", "/health", print_status);
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
    columns_add(c, present_text(service, "status"));
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

    present_head(&c, 7, health_heads);
    for (const struct data_member *m = data_first(all); m != NULL; m = data_next(all, m))
        add_health(&c, data_key(m), data_value(m));
    present_finish(&c, out);
}

static void print_health_of_one(const struct data *d, struct buf *out)
{
    struct columns c;

    present_head(&c, 7, health_heads);
    add_health(&c, present_text(d, "name"), d);
    present_finish(&c, out);
}

/* The source that a target comes from, by its registry. */
static const struct data *source_of(const struct data *sources, const struct data *target)
{
    const char *registry = present_text(target, "registry"), *name;

    for (size_t i = 0; i < data_size(sources); i++) {
        name = present_text(data_at(sources, i), "registry");
        if (registry != NULL && name != NULL && strcmp(registry, name) == 0)
            return data_at(sources, i);
    }
    return NULL;
}

static void add_source(struct columns *c, const struct data *source)
{
    int64_t age, index = present_int(source, "index");
    char text[UNITS_MAX];

    columns_add(c, present_text(source, "mode"));
    if (data_whole(data_get(source, "age_seconds"), &age) && age >= 0 && age < INT64_MAX / 1000)
        columns_add(c, units_print_duration(text, age * 1000));
    else
        columns_add(c, NULL);
    if (index != 0)
        columns_add_int(c, index);
    else
        columns_add(c, NULL);
}

static void add_targets(struct columns *c, const char *service, const struct data *of)
{
    const struct data *targets = data_get(of, "targets");

    for (size_t i = 0; i < data_size(targets); i++) {
        const struct data *t = data_at(targets, i);

        columns_add(c, service);
        columns_add(c, present_text(t, "address"));
        columns_add(c, present_text(t, "state"));
        columns_add_int(c, present_int(t, "weight"));
        columns_add(c, present_text(t, "zone"));
        columns_add_int(c, present_int(t, "inflight"));
        add_source(c, source_of(data_get(of, "sources"), t));
        columns_add(c, present_text(t, "reason"));
    }
}

static const char *const target_heads[] = { "SERVICE", "ADDRESS", "STATE", "WEIGHT", "ZONE", "IN-FLIGHT", "MODE", "AGE",
                                            "INDEX", "REASON" };
enum { TARGET_HEADS = sizeof target_heads / sizeof *target_heads };

static void print_targets(const struct data *d, struct buf *out)
{
    const struct data *all = data_get(d, "services");
    struct columns c;

    present_head(&c, TARGET_HEADS, target_heads);
    for (const struct data_member *m = data_first(all); m != NULL; m = data_next(all, m))
        add_targets(&c, data_key(m), data_value(m));
    present_finish(&c, out);
}

static void print_targets_of_one(const struct data *d, struct buf *out)
{
    struct columns c;

    present_head(&c, TARGET_HEADS, target_heads);
    add_targets(&c, present_text(d, "name"), d);
    present_finish(&c, out);
}

int command_health(const struct command *self, int n, char **words)
{
    return present_one(self, "/health/services", n > 0 ? words[0] : NULL, print_health, print_health_of_one);
}

int command_targets(const struct command *self, int n, char **words)
{
    return present_one(self, "/health/services", n > 0 ? words[0] : NULL, print_targets, print_targets_of_one);
}

/* ---- services and routes ---- */

static void add_service(struct columns *c, const struct data *s, long long targets, long long eligible)
{
    columns_add(c, present_text(s, "name"));
    columns_add(c, present_text(s, "status"));
    columns_add_int(c, targets);
    columns_add_int(c, eligible);
    present_list(c, data_get(s, "routes"), "-");
}

static const char *const service_heads[] = { "SERVICE", "STATUS", "TARGETS", "ELIGIBLE", "ROUTES" };

static void print_services(const struct data *d, struct buf *out)
{
    const struct data *all = data_get(d, "services");
    struct columns c;

    present_head(&c, 5, service_heads);
    for (size_t i = 0; i < data_size(all); i++)
        add_service(&c, data_at(all, i), present_int(data_at(all, i), "targets"), present_int(data_at(all, i), "eligible"));
    present_finish(&c, out);
}

static void print_service(const struct data *d, struct buf *out)
{
    const struct data *targets = data_get(d, "targets");
    long long eligible = 0;
    struct columns c;
    bool yes;

    for (size_t i = 0; i < data_size(targets); i++)
        eligible += data_bool(data_get(data_at(targets, i), "eligible"), &yes) && yes;
    present_head(&c, 5, service_heads);
    add_service(&c, d, (long long)data_size(targets), eligible);
    present_finish(&c, out);
    buf_putc(out, '\n');
    print_targets_of_one(d, out);
}

int command_services(const struct command *self, int n, char **words)
{
    return present_one(self, "/services", n > 0 ? words[0] : NULL, print_services, print_service);
}

static void print_routes(const struct data *d, struct buf *out)
{
    static const char *const names[] = { "ROUTE", "SERVICE", "METHODS", "HOSTS", "PATHS" };
    const struct data *all = data_get(d, "routes");
    struct columns c;

    present_head(&c, 5, names);
    for (size_t i = 0; i < data_size(all); i++) {
        const struct data *r = data_at(all, i), *match = data_get(r, "match");

        columns_add(&c, present_text(r, "name"));
        columns_add(&c, present_text(r, "service"));
        present_list(&c, data_get(match, "methods"), "any");
        present_list(&c, data_get(match, "hosts"), "any");
        present_list(&c, data_get(match, "paths"), "any");
    }
    present_finish(&c, out);
}

int command_routes(const struct command *self, int n, char **words)
{
    (void)n;
    (void)words;
    return present_page(self, "GET", "/routes", print_routes);
}

int command_metrics(const struct command *self, int n, char **words)
{
    struct reply r;
    int code = present_fetch(self, "GET", "/metrics", &r);

    (void)n;
    (void)words;
    return code == EX_OK ? commands_write(&r.body) : code;
}

/* ---- top ---- */

static const char *seconds = "2", *times;

const struct option_row top_options[] = {
    PRESENT_WHERE,
    { 'd', "delay", "SECONDS", "between two looks; default 2", &seconds, NULL },
    { 'n', "count", "TIMES", "how often; default: until interrupted, or once where standard output is no terminal",
      &times, NULL },
    { .name = NULL },
};

static int look(const struct command *self, bool clear)
{
    static const struct { const char *path; present_fn *print; } parts[] = {
        { "/health", print_status }, { "/health/services", print_targets },
    };
    struct buf out = BUF_INIT;
    int code = EX_OK;

    buf_puts(&out, clear ? "\033[H\033[2J" : "");
    for (unsigned i = 0; i < 2 && code == EX_OK; i++) {
        struct sc_error e = SC_ERROR_INIT;
        struct reply r;
        struct data *d;

        code = present_fetch(self, "GET", parts[i].path, &r);
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
