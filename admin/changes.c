/* admin/changes.c - the pages that change something.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/changes.h"

#include "admin/order.h"
#include "base/jsonw.h"

void changes_drain(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                   struct admin_answer *a)
{
    struct jsonw j = JSONW_INIT(&a->body);

    (void)r;
    (void)name;
    state->drain(state->arg);
    a->status = 202;
    jsonw_object(&j, NULL);
    jsonw_text(&j, "status", "draining");
    jsonw_close(&j);
}

void changes_reload(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                    struct admin_answer *a)
{
    (void)state;
    (void)r;
    (void)name;
    a->reload = true;
}

static void put_lines(struct jsonw *j, const char *key, struct sc_str text)
{
    struct sc_str line;

    jsonw_array(j, key);
    while (text.n > 0 && str_split(&text, '\n', &line))
        if (line.n > 0)
            jsonw_str(j, NULL, line);
    jsonw_close(j);
}

void changes_reloaded(const struct order *o, struct admin_answer *a)
{
    struct jsonw j = JSONW_INIT(&a->body);
    bool done = o->end == ORDER_DONE;

    if (o->end == ORDER_REFUSED) {
        page_problem(a, ERR_OVERLOADED, buf_view(&o->text));
        return;
    }
    *a = (struct admin_answer){ .status = done ? 200 : 422, .type = "application/json" };
    jsonw_object(&j, NULL);
    jsonw_text(&j, "status", done ? "reloaded" : "refused");
    jsonw_uint(&j, "generation", o->generation);
    put_lines(&j, done ? "warnings" : "mistakes", buf_view(&o->text));
    jsonw_close(&j);
    buf_putc(&a->body, '\n');
}
