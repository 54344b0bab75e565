/* sidecar/proxy/view.h - see struct view in worker.h; here only the short ways through it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proxy/exchange.h"
#include "proxy/worker.h"

static inline const struct plan *exchange_plan(const struct sc_exchange *x)
{
    return x->view->snapshot->plan;
}

static inline const struct target_set *exchange_set(const struct sc_exchange *x)
{
    return table_set(x->served->snapshot->table, x->service->index);
}

static inline struct limit_local *exchange_local(const struct sc_exchange *x)
{
    return &x->service->counts->local[x->worker->index];
}
