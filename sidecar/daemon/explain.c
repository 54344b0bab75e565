/* sidecar/daemon/explain.c - `outrider explain`: what becomes of a request, and why.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/explain.h"

#include "base/jsonw.h"
#include "conf/load.h"
#include "daemon/commands.h"
#include "daemon/present.h"
#include "daemon/show.h"
#include "proxy/plan.h"

#include <stdio.h>
#include <sysexits.h>

static const char *file, *listener, *headers[OPTION_AGAIN];
static bool has_headers;

const struct option_row explain_options[] = {
    { 'c', "config", "FILE", "explains by this configuration, without a sidecar that runs", &file, NULL },
    { 'H', "header", "'NAME: VALUE'", "a field of the request, such as Host; may be there again", headers,
      &has_headers },
    { 'l', "listener", "NAME", "where the request comes in; default: the first listener", &listener, NULL },
    PRESENT_WHERE, PRESENT_OUTPUT,
    { .name = NULL },
};

/* ---- for people ---- */

static void add(struct columns *c, const char *name, const char *value)
{
    columns_add(c, name);
    columns_add(c, value);
}

static void add_policies(struct columns *c, const struct data *policies)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < data_size(policies); i++)
        buf_printf(&text, "%s%s (%lld)", i == 0 ? "" : ", ", present_text(data_at(policies, i), "name"),
                   (long long)present_int(data_at(policies, i), "rank"));
    add(c, "policies", text.n == 0 ? NULL : text.p);
    buf_fini(&text);
}

static void add_params(struct columns *c, const struct data *params)
{
    struct buf text = BUF_INIT;

    for (const struct data_member *m = data_first(params); m != NULL; m = data_next(params, m))
        buf_printf(&text, "%s%s=%s", text.n == 0 ? "" : ", ", data_key(m), data_text(data_value(m)));
    if (text.n > 0)
        add(c, "segments", text.p);
    buf_fini(&text);
}

static void add_outcome(struct columns *c, const struct data *d)
{
    struct buf text = BUF_INIT;

    buf_puts(&text, present_text(d, "outcome"));
    if (present_int(d, "status") > 0)
        buf_printf(&text, ": %lld %s", (long long)present_int(d, "status"), present_text(d, "code"));
    add(c, "outcome", text.p);
    if (present_text(d, "reason") != NULL)
        add(c, "because", present_text(d, "reason"));
    buf_fini(&text);
}

static void print_facts(const struct data *d, struct buf *out)
{
    static const char *const request[] = { "method", "host", "path", "query", "listener" };
    struct columns c;

    columns_init(&c, 2);
    for (unsigned i = 0; i < sizeof request / sizeof *request; i++)
        add(&c, request[i], present_text(d, request[i]));
    add_outcome(&c, d);
    if (present_text(d, "route") != NULL) {
        add(&c, "route", present_text(d, "route"));
        add_params(&c, data_get(d, "params"));
        add_policies(&c, data_get(d, "policies"));
        add(&c, "service", present_text(d, "service"));
        add(&c, "target path", present_text(d, "target_path"));
    }
    present_finish(&c, out);
}

static void print_routes(const struct data *routes, struct buf *out)
{
    static const char *const heads[] = { "ROUTE", "WHY" };
    struct columns c;

    present_head(&c, 2, heads);
    for (size_t i = 0; i < data_size(routes); i++)
        add(&c, present_text(data_at(routes, i), "name"), present_text(data_at(routes, i), "why"));
    present_finish(&c, out);
}

static void print_targets(const struct data *targets, struct buf *out)
{
    static const char *const heads[] = { "TARGET", "STATE", "PICKED", "REASON" };
    struct columns c;
    bool eligible;

    present_head(&c, 4, heads);
    for (size_t i = 0; i < data_size(targets); i++) {
        const struct data *t = data_at(targets, i);

        add(&c, present_text(t, "address"), present_text(t, "state"));
        columns_add(&c, data_bool(data_get(t, "eligible"), &eligible) && eligible ? "may be" : "no");
        columns_add(&c, present_text(t, "reason"));
    }
    present_finish(&c, out);
}

static void print_explained(const struct data *d, struct buf *out)
{
    const struct data *discovery = data_get(d, "discovery");

    print_facts(d, out);
    if (data_size(data_get(d, "routes")) > 0) {
        buf_putc(out, '\n');
        print_routes(data_get(d, "routes"), out);
    }
    if (data_size(data_get(discovery, "targets")) > 0) {
        buf_putc(out, '\n');
        print_targets(data_get(discovery, "targets"), out);
    }
}

/* ---- by a configuration ---- */

static bool split_headers(const struct command *self, struct headers *h)
{
    for (unsigned i = 0; i < OPTION_AGAIN && headers[i] != NULL; i++) {
        const char *colon = strchr(headers[i], ':');

        if (colon != NULL && explain_add_header(h, str_range(headers[i], colon), str_of(colon + 1)))
            continue;
        fprintf(stderr, "outrider %s: --header is 'NAME: VALUE', not \"%s\"\n", self->name, headers[i]);
        return false;
    }
    return true;
}

static struct plan *load(void)
{
    struct buf mistakes = BUF_INIT;
    struct conf_report report;
    struct config *config;
    struct plan *p = NULL;

    report_init(&report);
    config = config_load(file, &report);
    if (config != NULL)
        p = plan_build_dry(config, &report);
    if (p == NULL) {
        report_print(&report, &mistakes);
        fwrite(mistakes.p, 1, mistakes.n, stderr);
        buf_fini(&mistakes);
    }
    report_fini(&report);
    return p;
}

static int explain_by_file(const struct command *self, char **words, struct buf *json)
{
    struct explain_question q = { str_of(listener), str_of(words[0]), str_of(words[1]), NULL };
    struct jsonw j = JSONW_INIT(json);
    struct arena arena;
    struct headers h;
    struct plan *p;

    arena_init(&arena, 4096);
    headers_init(&h, &arena, NULL, 0);
    q.headers = &h;
    if (!split_headers(self, &h)) {
        arena_fini(&arena);
        return EX_USAGE;
    }
    p = load();
    if (p != NULL) {
        explain_put(&j, p, NULL, &q, &arena);
        buf_putc(json, '\n');
    }
    arena_fini(&arena);
    if (p == NULL)
        return EX_CONFIG;
    plan_unref(&p);
    return EX_OK;
}

/* ---- by the one that runs ---- */

static void add_parameter(struct buf *path, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buf_printf(path, "%c%s=", strchr(path->p, '?') == NULL ? '?' : '&', name);
    ask_segment(path, value);
}

static int explain_by_asking(const struct command *self, char **words, struct buf *json)
{
    struct buf path = BUF_INIT;
    struct reply r = { .body = BUF_INIT };
    int code;

    buf_puts(&path, "/admin/explain");
    add_parameter(&path, "method", words[0]);
    add_parameter(&path, "url", words[1]);
    add_parameter(&path, "listener", listener);
    for (unsigned i = 0; i < OPTION_AGAIN; i++)
        add_parameter(&path, "header", headers[i]);
    code = present_fetch(self, "GET", path.p, &r);
    buf_fini(&path);
    *json = r.body;
    return code;
}

static bool is_refusal(const struct buf *json)
{
    struct sc_error e = SC_ERROR_INIT;
    struct data *d = data_parse(buf_view(json), &e);
    const char *outcome = present_text(d, "outcome");
    bool yes = outcome != NULL && strcmp(outcome, "refused") == 0;

    data_free(&d);
    return yes;
}

int command_explain(const struct command *self, int n, char **words)
{
    struct buf json = BUF_INIT;
    bool refused;
    int code;

    if (n < 2) {
        fprintf(stderr, "outrider %s: METHOD and URL are needed\n", self->name);
        return EX_USAGE;
    }
    if (!present_knows_output(self))
        return EX_USAGE;
    code = file != NULL ? explain_by_file(self, words, &json) : explain_by_asking(self, words, &json);
    if (code != EX_OK)
        return code;
    refused = is_refusal(&json);
    code = present_text_of(self, &json, print_explained);
    return code == EX_OK && refused ? 1 : code;
}
