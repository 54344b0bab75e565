/* sidecar/proxy/reserved.c - paths that belong to the sidecar on data listeners.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/reserved.h"

#include "base/alloc.h"
#include "proxy/downstream.h"
#include "proxy/flow.h"
#include "proxy/reply.h"
#include "proxy/view.h"

#include <stdlib.h>

/* ---- the question ---- */

static struct reserved_ask *ask_of(struct errand *e)
{
    return list_entry(e, struct reserved_ask, errand);
}

static void on_drop(struct errand *e)
{
    struct reserved_ask *q = ask_of(e);

    buf_fini(&q->body);
    free(q);
}

static void go_on(struct reserved_ask *q)
{
    if (q->x->step == FLOW_RESERVED)
        flow_run(q->x);
}

static void on_back(struct errand *e)
{
    struct reserved_ask *q = ask_of(e);

    q->back = true;
    timer_stop(&q->timer);
    go_on(q);
}

static void on_patience(struct timer *t)
{
    go_on(list_entry(t, struct reserved_ask, timer));
}

static char *put(char *to, struct sc_str s, struct sc_str *view)
{
    *view = (struct sc_str){ to, s.n };
    if (s.n > 0)
        memcpy(to, s.p, s.n);
    return to + s.n;
}

static struct reserved_ask *ask_new(struct sc_exchange *x)
{
    const struct uri *u = &x->req.uri;
    struct reserved_ask *q = xmalloc(sizeof *q + x->req.method_name.n + u->path.n + u->query.n);
    char *text = (char *)(q + 1);

    *q = (struct reserved_ask){ .x = x, .load = &x->worker->reserved, .timer = { .fn = on_patience } };
    errand_begin(&q->errand, x->worker->loop, on_back, on_drop);
    text = put(text, x->req.method_name, &q->method);
    text = put(text, u->path, &q->path);
    put(text, u->query, &q->query);
    return q;
}

static bool refuse(struct sc_exchange *x, enum err e, const char *detail)
{
    reply_error(x, e, detail);
    return false;
}

bool reserved_begin(struct sc_exchange *x)
{
    struct sc_worker *w = x->worker;

    if (x->req.method != METHOD_GET && x->req.method != METHOD_HEAD) {
        x->res.allow = STR("GET, HEAD");
        return refuse(x, ERR_METHOD_NOT_ALLOWED, NULL);
    }
    if (atomic_fetch_add(&w->reserved.waiting, 1) >= RESERVED_WAITING_MAX) {
        atomic_fetch_sub(&w->reserved.waiting, 1);
        return refuse(x, ERR_OVERLOADED, "too many ask for pages of the sidecar");
    }
    x->reserved = ask_new(x);
    timer_start(w->loop, &x->reserved->timer, RESERVED_PATIENCE_MS);
    w->events.ask(w->events.arg, x->reserved);
    return true;
}

/* Counted before it goes anywhere else: who comes second must find the place free. */
void reserved_answered(struct reserved_ask *q)
{
    atomic_fetch_sub(&q->load->waiting, 1);
    errand_return(&q->errand);
}

/* ---- the answer ---- */

static void on_unread(struct timer *t)
{
    downstream_break(list_entry(t, struct reserved_ask, timer)->x);
}

static bool hold(struct reserved_ask *q)
{
    if (q->body.n <= RESERVED_SMALL)
        return true;
    if (q->load->held + q->body.n > RESERVED_HELD_MAX)
        return false;
    q->held = q->body.n;
    q->load->held += q->held;
    q->timer.fn = on_unread;
    timer_start(q->x->worker->loop, &q->timer, RESERVED_READ_MS);
    return true;
}

bool reserved_take(struct sc_exchange *x)
{
    struct reserved_ask *q = x->reserved;

    if (!q->back && q->timer.pending)
        return false;
    reply_error(x, ERR_NONE, NULL);
    if (!q->back) {
        reserved_forget(x);
        reply_error(x, ERR_OVERLOADED, "the pages of the sidecar do not answer in time");
    } else if (!hold(q)) {
        reserved_forget(x);
        reply_error(x, ERR_OVERLOADED, "too many read long pages of the sidecar");
    } else {
        x->res.custom = true;
        x->res.status = q->status;
        x->res.content_type = str_of(q->type);
        x->res.body = buf_view(&q->body);
    }
    return true;
}

void reserved_fields(struct sc_exchange *x)
{
    struct headers *h = &x->response.headers;

    headers_add_id(h, HDR_CACHE_CONTROL, STR("no-store"));
    headers_add(h, STR("X-Content-Type-Options"), STR("nosniff"));
}

void reserved_forget(struct sc_exchange *x)
{
    struct reserved_ask *q = x->reserved;

    if (q == NULL)
        return;
    x->reserved = NULL;
    timer_stop(&q->timer);
    q->load->held -= q->held;
    if (q->back)
        on_drop(&q->errand);
    else
        errand_abandon(&q->errand);
}
