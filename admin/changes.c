/* admin/changes.c - the pages that change something.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/changes.h"

#include "admin/order.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "conf/field.h"
#include "telemetry/telemetry.h"

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

/* ---- what the log has ---- */

struct level {
    int level;                          /* enum log_level */
};

static const struct sc_field level_fields[] = {
    SC_ENUM(struct level, level, .names = process_log_levels, .flags = SC_REQUIRED),
    SC_END
};

static void put_level(struct admin_answer *a)
{
    struct jsonw j = JSONW_INIT(&a->body);

    jsonw_object(&j, NULL);
    jsonw_text(&j, "level", process_log_levels[log_level_now()].name);
    jsonw_close(&j);
}

void changes_log_level_now(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                           struct admin_answer *a)
{
    (void)state;
    (void)r;
    (void)name;
    put_level(a);
}

void changes_log_level(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                       struct admin_answer *a)
{
    struct level to;

    (void)state;
    (void)name;
    if (!page_read(r, level_fields, &to, a))
        return;
    log_set_level((enum log_level)to.level);
    put_level(a);
}

/* ---- the configuration ---- */

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
