/* sidecar/proxy/attempt.c - one try at one target, and whether to try again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/attempt.h"

#include "base/rand.h"
#include "discovery/balance/balancer.h"
#include "proxy/view.h"


enum { MILLION = 1000000, BALANCE_MAX = 100 * MILLION };

/* ---- targets ---- */

static uint64_t *tried_bits(struct sc_exchange *x)
{
    if (x->tries.bits != NULL)
        return x->tries.bits;
    if (x->tries.set->n <= 64 * EXCHANGE_TRIED)
        return x->tries.bits = x->tries.few;
    return x->tries.bits = arena_zero(&x->arena, (x->tries.set->n + 63) / 64 * sizeof(uint64_t));
}

static void forget_tried(struct sc_exchange *x)
{
    memset(x->tries.bits, 0, (x->tries.set->n + 63) / 64 * sizeof(uint64_t));
}

struct target *attempt_pick(struct sc_exchange *x)
{
    struct target *t;
    uint64_t *bits;
    int at;

    if (x->tries.set == NULL)
        x->tries.set = exchange_set(x);
    bits = tried_bits(x);
    at = balancer_pick(x->tries.set, x->tries.n > 0 ? bits : NULL);
    if (at < 0 && x->tries.n > 0) {                     /* all were tried: the next round */
        forget_tried(x);
        at = balancer_pick(x->tries.set, bits);
    }
    if (at < 0)
        return NULL;
    bits[at / 64] |= 1ULL << (at % 64);
    t = x->tries.set->at[at].target;
    atomic_fetch_add_explicit(&t->inflight, 1, memory_order_relaxed);
    x->up.target = t;
    x->up.target_text = str_of(t->address);
    x->tries.n++;
    return t;
}

void attempt_drop(struct sc_exchange *x)
{
    if (x->up.target == NULL)
        return;
    atomic_fetch_sub_explicit(&x->up.target->inflight, 1, memory_order_relaxed);
    x->up.target = NULL;
}

/* ---- another try ---- */

/* Every request adds its share of a retry; min_per_second comes on top, split among the workers. */
static bool take_from_budget(struct sc_exchange *x)
{
    const struct retry_conf *r = &x->service->conf->retry;
    struct limit_local *l = exchange_local(x);
    sc_msec now = loop_now(x->worker->loop), since = now - l->retry_filled;

    if (since > 0) {
        sc_msec counted = since < 10000 ? since : 10000;

        l->retry_balance += r->budget.min_per_second * MILLION * counted / 1000 / x->worker->nworkers;
        l->retry_filled = now;
    }
    if (l->retry_balance > BALANCE_MAX)
        l->retry_balance = BALANCE_MAX;
    if (l->retry_balance < MILLION && l->retry_filled != 0)
        return false;
    l->retry_balance -= MILLION;
    return true;
}

static bool method_may(const struct sc_exchange *x, const struct retry_conf *r)
{
    if (x->req.method != METHOD_OTHER)
        return (r->method_bits >> x->req.method & 1) != 0;
    for (unsigned i = 0; i < r->methods.n; i++)
        if (str_eq(x->req.method_name, str_of(r->methods.at[i])))
            return true;
    return false;
}

/* The body is still whole: nothing of it was passed on that is not kept. */
static bool has_body_whole(const struct sc_exchange *x)
{
    return !x->tries.lost && !x->req_hooked;
}

static bool may(const struct sc_exchange *x)
{
    return (int64_t)(x->tries.n - x->tries.uncounted) <= x->service->conf->retry.max_retries && has_body_whole(x);
}

/* The end of a kept connection is no fault of the target: the next try is on a fresh one, at once, and is not counted.
 * This happens once in a request. */
static bool on_a_fresh_one(struct sc_exchange *x)
{
    if (x->tries.fresh || !has_body_whole(x))
        return false;
    x->tries.fresh = x->tries.at_once = true;
    x->tries.uncounted++;
    return true;
}

/* As far as can be known before it is sent. */
static bool could_be_repeated(const struct sc_exchange *x)
{
    const struct retry_conf *r = &x->service->conf->retry;

    return r->max_retries > 0 && (r->on & RETRY_RESET) != 0 && method_may(x, r) && has_body_whole(x) &&
           x->req.length <= (uint64_t)r->max_body;
}

enum pool_wish attempt_wish(const struct sc_exchange *x)
{
    return x->tries.fresh ? POOL_FRESH : could_be_repeated(x) ? POOL_ANY : POOL_SURE;
}

bool attempt_again(struct sc_exchange *x, enum failure f)
{
    const struct retry_conf *r = &x->service->conf->retry;

    if (x->up.got_bytes && f > FAIL_UNSENT)             /* never once the target has begun to answer */
        return false;
    switch (f) {
    case FAIL_UNSENT:                                   /* any method */
        if (x->up.reused && on_a_fresh_one(x))
            return true;
        __attribute__((fallthrough));
    case FAIL_CONNECT:                                  /* no target had any work of it: so not from the budget */
        return may(x) && (r->on & RETRY_CONNECT_FAILURE) != 0;
    case FAIL_KEPT:
        if (r->max_retries > 0 && (r->on & RETRY_RESET) != 0 && method_may(x, r) && on_a_fresh_one(x))
            return true;
        __attribute__((fallthrough));
    case FAIL_RESET:
        return may(x) && (r->on & RETRY_RESET) != 0 && method_may(x, r) && take_from_budget(x);
    case FAIL_TIMEOUT:
        return may(x) && (r->on & RETRY_TIMEOUT) != 0 && method_may(x, r) && take_from_budget(x);
    default:
        return false;
    }
}

bool attempt_again_on_status(struct sc_exchange *x)
{
    const struct retry_conf *r = &x->service->conf->retry;
    unsigned status = x->response.status;

    return status < 640 && (r->status[status / 64] >> (status % 64) & 1) != 0 && may(x) && method_may(x, r) &&
           take_from_budget(x);
}

sc_msec attempt_backoff(const struct sc_exchange *x)
{
    const struct retry_conf *r = &x->service->conf->retry;
    sc_msec most = r->backoff.base;

    if (x->tries.at_once)
        return 0;
    for (unsigned i = 1; i < x->tries.n && most < r->backoff.max; i++)
        most *= 2;
    if (most > r->backoff.max)
        most = r->backoff.max;
    return most <= 0 ? 0 : (sc_msec)rand_below((uint64_t)most + 1);
}

void attempt_keep_body(struct sc_exchange *x, const char *p, size_t n)
{
    const struct retry_conf *r = &x->service->conf->retry;

    if (x->tries.lost)
        return;
    if (r->max_retries == 0 || x->kept_n + n > (size_t)r->max_body) {
        x->tries.lost = true;
        return;
    }
    if (x->kept_n + n > x->kept_cap) {
        size_t cap = x->kept_cap == 0 ? (x->req.chunked || x->req.length > 65536 ? 4096 : (size_t)x->req.length)
                                      : x->kept_cap * 2;
        char *more;

        while (cap < x->kept_n + n)
            cap *= 2;
        more = arena_alloc(&x->arena, cap);
        if (x->kept_n > 0)
            memcpy(more, x->kept, x->kept_n);
        x->kept = more;
        x->kept_cap = cap;
    }
    memcpy(x->kept + x->kept_n, p, n);
    x->kept_n += n;
}
