/* sidecar/proxy/record.c - what stays of an exchange.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/record.h"

#include "proxy/tally.h"
#include "proxy/view.h"
#include "telemetry/access_log.h"

static enum sc_end how_it_ended(const struct sc_exchange *x)
{
    if (x->aborted)
        return SC_END_ABORTED;
    if (x->down.queued && x->down.finished && !x->down.broken)
        return SC_END_COMPLETE;
    return (x->facts & FACT_GONE) != 0 || !x->down.queued || x->up.failure == FAIL_NONE ? SC_END_CLIENT_GONE
                                                                                       : SC_END_BROKEN;
}

static const char *code_of(const struct sc_exchange *x)
{
    if (!x->res.own)
        return NULL;
    return x->res.code != NULL ? x->res.code : x->res.error != ERR_NONE ? problem_of(x->res.error)->code.p : NULL;
}

static struct sc_str end_name(enum sc_end end)
{
    switch (end) {
    case SC_END_COMPLETE:
        return STR("complete");
    case SC_END_CLIENT_GONE:
        return STR("client-gone");
    case SC_END_BROKEN:
        return STR("upstream-reset");
    default:
        return STR("aborted");
    }
}

static struct sc_str value_of(const struct sc_exchange *x, enum hdr id)
{
    const struct header *h = headers_first(&x->headers, id);

    return h == NULL ? STR_NONE : h->value;
}

static void log_line_of(struct sc_exchange *x, const struct access_log *log, enum sc_end end, int64_t now_us)
{
    struct access_entry e = {
        .wall_ms = x->began_wall, .id = x->req.id, .listener = str_of(x->listener->conf->name),
        .route = x->route != NULL ? x->route->name : STR_NONE,
        .service = x->service != NULL ? x->service->name : STR_NONE,
        .target = x->up.target_text, .client = x->req.client_ip.n > 0 ? x->req.client_ip : client_text(x->client),
        .method = x->req.method_name, .scheme = STR("http"), .host = x->req.host,
        .path = x->req.uri.path.n > 0 ? x->req.uri.path : x->req.target,
        .protocol = x->req.minor != 0 ? STR("HTTP/1.1") : STR("HTTP/1.0"),
        .status = x->down.queued ? x->res.status : 0, .error = str_of(code_of(x)),
        .bytes_in = x->req.received + x->down.discarded, .bytes_out = x->down.sent,
        .duration_us = now_us - x->began_us,
        .first_byte_us = x->tries.n > 0 && x->up.head_us >= 0 ? x->up.head_us - x->up.sent_us : -1,
        .connect_us = x->tries.n > 0 ? x->up.connect_us : -1,
        .tries = x->tries.n, .upstream_status = x->tries.n > 0 && x->up.head_us >= 0 ? x->response.status : 0,
        .reused = x->up.reused, .user_agent = value_of(x, HDR_USER_AGENT), .referer = value_of(x, HDR_REFERER),
        .end = end_name(end),
    };

    access_log_write(log, x->worker->log, &e);
}

static void tell_policies(struct sc_exchange *x, enum sc_end end, int64_t now_us)
{
    struct sc_outcome o = {
        .end = end, .status = x->down.queued ? x->res.status : 0, .error = code_of(x),
        .from_target = !x->res.own && x->down.queued, .tries = x->tries.n,
        .received = x->req.received + x->down.discarded, .sent = x->down.sent, .duration_us = now_us - x->began_us,
    };

    chain_done(&x->chain, &o);
}

void record_exchange(struct sc_exchange *x)
{
    const struct access_log *log;
    enum sc_end end = how_it_ended(x);
    int64_t now_us;

    if (x->view == NULL)                                /* torn before its head was complete */
        return;
    log = exchange_plan(x)->access_log;
    now_us = loop_now_ns(x->worker->loop) / 1000;
    tally_end(x, code_of(x), now_us - x->began_us);
    if (x->started)
        tell_policies(x, end, now_us);
    if (log != NULL)
        log_line_of(x, log, end, now_us);
}

/* No exchange came of it, but whoever reads the log shall see it. */
void record_refused(struct sc_worker *w, struct client *c, enum err e)
{
    const struct plan *plan = entrance_view(w, c)->snapshot->plan;
    const struct problem *p = problem_of(e);
    struct access_entry entry;

    tally_refused(w, plan, entrance_listener(w, c), e);
    if (plan->access_log == NULL)
        return;
    entry = (struct access_entry){
        .wall_ms = worker_wall(w), .listener = str_of(entrance_listener(w, c)->conf->name),
        .client = client_text(c), .status = p->status, .error = p->code, .first_byte_us = -1, .connect_us = -1,
        .end = STR("refused"),
    };
    access_log_write(plan->access_log, w->log, &entry);
}
