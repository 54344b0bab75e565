/* admin/health.c - is it alive, is it ready.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/health.h"

#include "admin/services.h"
#include "base/jsonw.h"

#include <stdio.h>

static struct admin_facts facts_of(const struct admin_state *state)
{
    struct admin_facts f = { 0 };

    state->facts(state->arg, &f);
    return f;
}

static bool is_ready(const struct admin_facts *f)
{
    return f->listening && f->targets && !f->draining && f->stalled == 0;
}

static void stall_reason(struct jsonw *j, const struct admin_facts *f)
{
    char text[80];

    if (f->stalled == 0)
        return;
    snprintf(text, sizeof text, "%u of %u workers are stuck", f->stalled, f->workers);
    jsonw_text(j, NULL, text);
}

static void ready_reasons(struct jsonw *j, const struct admin_facts *f)
{
    stall_reason(j, f);
    if (f->draining)
        jsonw_text(j, NULL, "draining: the process is stopping");
    else if (!f->listening)
        jsonw_text(j, NULL, "not all listeners are open");
    if (!f->targets)
        jsonw_text(j, NULL, "targets are not known yet");
}

static void begin(struct jsonw *j, struct admin_answer *a, bool good, const char *yes, const char *no)
{
    a->status = good ? 200 : 503;
    jsonw_object(j, NULL);
    jsonw_text(j, "status", good ? yes : no);
}

void health_live(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                 struct admin_answer *a)
{
    struct admin_facts f = facts_of(state);
    struct jsonw j = JSONW_INIT(&a->body);

    (void)r;
    (void)name;
    begin(&j, a, f.stalled == 0, "live", "not-live");
    jsonw_array(&j, "reasons");
    stall_reason(&j, &f);
    jsonw_close(&j);
    jsonw_close(&j);
}

void health_ready(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                  struct admin_answer *a)
{
    struct admin_facts f = facts_of(state);
    struct jsonw j = JSONW_INIT(&a->body);

    (void)r;
    (void)name;
    begin(&j, a, is_ready(&f), "ready", "not-ready");
    jsonw_array(&j, "reasons");
    ready_reasons(&j, &f);
    jsonw_close(&j);
    jsonw_close(&j);
}

void health_startup(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                    struct admin_answer *a)
{
    struct admin_facts f = facts_of(state);
    struct jsonw j = JSONW_INIT(&a->body);

    (void)r;
    (void)name;
    begin(&j, a, f.started, "started", "starting");
    jsonw_array(&j, "reasons");
    if (!f.started)
        ready_reasons(&j, &f);
    jsonw_close(&j);
    jsonw_close(&j);
}

static const char *status_of(const struct admin_facts *f)
{
    if (f->stalled > 0)
        return "not-live";
    if (f->draining)
        return "draining";
    if (!f->started)
        return "starting";
    return is_ready(f) ? "ok" : "not-ready";
}

void health_summary(const struct admin_state *state, const struct admin_request *r, struct sc_str name,
                    struct admin_answer *a)
{
    struct admin_facts f = facts_of(state);
    struct jsonw j = JSONW_INIT(&a->body);

    (void)r;
    (void)name;
    a->status = f.stalled == 0 ? 200 : 503;
    jsonw_object(&j, NULL);
    jsonw_text(&j, "status", status_of(&f));
    jsonw_bool(&j, "live", f.stalled == 0);
    jsonw_bool(&j, "ready", is_ready(&f));
    jsonw_array(&j, "reasons");
    ready_reasons(&j, &f);
    jsonw_close(&j);
    jsonw_text(&j, "version", state->version);
    jsonw_text(&j, "node", state->node);
    if (state->zone != NULL)
        jsonw_text(&j, "zone", state->zone);
    jsonw_uint(&j, "generation", f.generation);
    jsonw_time(&j, "started", f.started_wall_ms);
    jsonw_uint(&j, "workers", f.workers);
    jsonw_uint(&j, "in_flight", f.in_flight);
    services_summary(state, &j, "services");
    jsonw_close(&j);
}
