/* sidecar/proxy/flow_body.c - bodies on their way between the two sides.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A request's body goes from the library's buffer into the target's socket, or through the hooks of policies into a
 * bounded queue and from there. Whoever takes less than it was offered says so, and the client is parked until there is
 * room. An answer's body is asked for by the library (answer.c): here it is only said that there is some. */
#include "proxy/flow_priv.h"

#include "proxy/answer.h"
#include "proxy/attempt.h"
#include "proxy/deadline.h"
#include "proxy/downstream.h"
#include "proxy/early.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

enum { HOOK_QUEUE = 256 * 1024 };       /* what body hooks may pile up before the body counts as broken */

/* ---- hooks ---- */

static bool to_request_queue(void *arg, struct sc_str data, bool last)
{
    struct sc_exchange *x = arg;

    if (body_push(x->req_queue, data.p, data.n) < data.n)
        return false;
    if (last)
        body_end(x->req_queue);
    return true;
}

static struct body *new_queue(struct sc_exchange *x)
{
    struct body *b = arena_zero(&x->arena, sizeof *b);

    body_init(b, HOOK_QUEUE);
    return b;
}

void flow_hook_request(struct sc_exchange *x)
{
    x->req_queue = new_queue(x);
    chain_body_open(&x->chain, CHAIN_REQUEST_BODY, to_request_queue, x, &x->arena);
}

void flow_hook_response(struct sc_exchange *x)
{
    x->res_hooked = true;
    x->res_queue = new_queue(x);
    answer_open_hooks(x);
}

/* What the hooks have given goes on, as far as the target takes it. */
static void drain_request_queue(struct sc_exchange *x)
{
    for (;;) {
        struct sc_str run = body_peek(x->req_queue);
        size_t n;

        if (run.n == 0)
            break;
        n = upstream_push(x, run.p, run.n);
        body_pull(x->req_queue, n);
        if (n < run.n)
            return;
    }
    if (body_is_done(x->req_queue) && x->down.whole)
        upstream_end(x);
}

/* ---- from the client, and to it ---- */

/* False: a policy refused it. Taken is all of it, or nothing while what the hooks gave before still waits. */
static bool into_hooks(struct sc_exchange *x, struct sc_str piece, size_t *taken)
{
    if (x->req_queue->n > 0) {
        x->up.blocked = true;
        return true;
    }
    if (!chain_body_write(&x->chain, CHAIN_REQUEST_BODY, piece, false))
        return false;
    *taken = piece.n;
    x->tries.lost = true;
    drain_request_queue(x);
    return true;
}

/* There is no other answer to be had once one is under way. */
static void refused(struct sc_exchange *x)
{
    if (x->early != NULL)
        downstream_break(x);
    else
        flow_fail(x, ERR_BAD_REQUEST, "a policy refused the body");
    flow_run(x);
}

size_t flow_body(struct sc_exchange *x, const char *p, size_t n)
{
    size_t taken = 0;

    x->stamp = loop_now(x->worker->loop);
    if ((x->step != FLOW_AWAIT && x->early == NULL) || x->up.conn == NULL) {
        x->up.blocked = true;           /* between two tries */
    } else if (x->req_hooked) {
        if (!into_hooks(x, (struct sc_str){ p, n }, &taken)) {
            refused(x);
            return n;
        }
    } else if (upstream_takes(x)) {
        taken = n;
        attempt_keep_body(x, p, n);     /* kept first: should the try break now, the next one begins with it */
        upstream_push(x, p, n);
    }
    x->req.received += taken;
    if (taken < n)
        deadline_resume(x);
    return taken;
}

void flow_body_room(struct sc_exchange *x)
{
    if (x->req_hooked && x->req_queue->n > 0) {
        drain_request_queue(x);
        if (x->req_queue->n > 0)
            return;
    }
    if (!x->down.whole)
        deadline_pause(x);
    downstream_room(x);
}

static void end_request(struct sc_exchange *x)
{
    if (!x->req_hooked)
        upstream_end(x);
    else if (chain_body_write(&x->chain, CHAIN_REQUEST_BODY, STR_NONE, true))
        drain_request_queue(x);
    else
        refused(x);
}

void flow_body_end(struct sc_exchange *x)
{
    if (!x->req.has_body) {
        flow_run(x);
        return;
    }
    deadline_resume(x);
    if (x->step == FLOW_AWAIT)
        x->response_at = loop_now(x->worker->loop) + x->route->timeout.response;
    if (x->step == FLOW_AWAIT || early_passes(x))
        end_request(x);
    if (x->step == FLOW_AWAIT)
        deadline_arm(x);
    flow_run(x);
}

void flow_body_ready(struct sc_exchange *x)
{
    downstream_more(x);
}
