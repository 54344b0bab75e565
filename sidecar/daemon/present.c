/* sidecar/daemon/present.c - asking a sidecar that runs, and presenting what it says.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/present.h"

#include "base/str.h"
#include "daemon/ask.h"
#include "daemon/commands.h"
#include "daemon/show.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct ask_options present_where;
const char *present_output = "table";

const struct option_row show_options[] = { PRESENT_WHERE, PRESENT_OUTPUT, { .name = NULL } };
const struct option_row raw_options[] = { PRESENT_WHERE, { .name = NULL } };

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

int present_fetch(const struct command *self, const char *method, const char *path, struct reply *r)
{
    struct sc_error e = SC_ERROR_INIT;
    int code = EX_OK;

    if (!ask(&present_where, method, path, r, &e)) {
        fprintf(stderr, "outrider %s: %s\n", self->name, e.text);
        code = EX_UNAVAILABLE;
    } else if (!is_answer(r, path)) {
        code = said_no(self, r);
    }
    if (code != EX_OK)
        buf_fini(&r->body);
    return code;
}

int present_text_of(const struct command *self, struct buf *json, present_fn *print)
{
    struct sc_error e = SC_ERROR_INIT;
    struct buf out = BUF_INIT;
    struct data *d;

    if (strcmp(present_output, "json") == 0)
        return commands_write(json);
    d = data_parse(buf_view(json), &e);
    buf_fini(json);
    if (d == NULL) {
        fprintf(stderr, "outrider %s: not an answer of a sidecar: %s\n", self->name, e.text);
        return EX_UNAVAILABLE;
    }
    buf_add(&out, "", 0);
    print(d, &out);
    data_free(&d);
    return commands_write(&out);
}

int present_reply(const struct command *self, struct reply *r, present_fn *print)
{
    return present_text_of(self, &r->body, print);
}

bool present_knows_output(const struct command *self)
{
    if (strcmp(present_output, "table") == 0 || strcmp(present_output, "json") == 0)
        return true;
    fprintf(stderr, "outrider %s: --output is table or json, not \"%s\"\n", self->name, present_output);
    return false;
}

int present_page(const struct command *self, const char *method, const char *path, present_fn *print)
{
    struct reply r;
    int code;

    if (!present_knows_output(self))
        return EX_USAGE;
    code = present_fetch(self, method, path, &r);
    return code == EX_OK ? present_reply(self, &r, print) : code;
}

int present_one(const struct command *self, const char *path, const char *name, present_fn *all, present_fn *one)
{
    struct buf whole = BUF_INIT;
    int code;

    buf_puts(&whole, path);
    if (name != NULL) {
        buf_putc(&whole, '/');
        ask_segment(&whole, name);
    }
    code = present_page(self, "GET", whole.p, name == NULL ? all : one);
    buf_fini(&whole);
    return code;
}

/* ---- pieces ---- */

const char *present_text(const struct data *d, const char *key)
{
    return data_text(data_get(d, key));
}

int64_t present_int(const struct data *d, const char *key)
{
    int64_t n = 0;

    return data_int(data_get(d, key), &n) ? n : 0;
}

void present_list(struct columns *c, const struct data *list, const char *none)
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

void present_head(struct columns *c, unsigned n, const char *const *names)
{
    columns_init(c, n);
    for (unsigned i = 0; i < n; i++)
        columns_add(c, names[i]);
}

void present_finish(struct columns *c, struct buf *out)
{
    columns_print(c, columns_may_colour(), out);
    columns_fini(c);
}
