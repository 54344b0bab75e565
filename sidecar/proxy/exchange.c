/* sidecar/proxy/exchange.c - one request and its answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/exchange.h"

#include "base/alloc.h"
#include "proxy/api.h"
#include "proxy/view.h"

#include <assert.h>
#include <stdlib.h>

enum { ARENA = 4096 };

struct sc_exchange *exchange_new(struct sc_worker *w)
{
    struct sc_exchange *x = w->free;

    if (x != NULL) {
        w->free = x->next_free;
        w->nfree--;
    } else {
        x = xmalloc(sizeof *x);
        x->worker = w;
        arena_init(&x->arena, ARENA);
    }
    memset(x, 0, offsetof(struct sc_exchange, worker));
    headers_init(&x->headers, &x->arena, x->req_fields, EXCHANGE_FIELDS);
    atomic_fetch_add_explicit(&w->in_flight, 1, memory_order_relaxed);
    return x;
}

void exchange_free(struct sc_exchange *x)
{
    struct sc_worker *w = x->worker;

    assert(x->holds == 0 && x->up.conn == NULL && x->up.target == NULL && !x->timer.pending);
    api_stop_timers(x);
    if (x->up.buffer != NULL)
        worker_give_read(w, x->up.buffer);
    if (x->served != x->view)
        view_unref(&x->served);
    view_unref(&x->view);
    arena_reset(&x->arena);
    atomic_fetch_sub_explicit(&w->in_flight, 1, memory_order_relaxed);
    if (w->nfree >= WORKER_FREE_EXCHANGES) {
        arena_fini(&x->arena);
        free(x);
        return;
    }
    x->next_free = w->free;
    w->free = x;
    w->nfree++;
}
