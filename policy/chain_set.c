/* policy/chain_set.c - the chains of one configuration: which policies run on which route, and in which order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/map.h"
#include "policy/chain_form.h"

#include <assert.h>
#include <stdlib.h>

struct chain_set {
    struct arena arena;
    struct policy_instance **instances;
    unsigned n, cap;
    struct map by_key;              /* scope, policy, id: to the instance */
    struct policy_instance **global;        /* by entry of the global list; NULL: off, or not enabled */
    unsigned nglobal;
    const struct chain **routes;
    unsigned nroutes;
};

struct build {
    struct chain_set *set;
    const struct chain_set *previous;
    unsigned nworkers;
    chain_report_fn *report;
    void *arg;
    bool failed;
};

/* --- one chain --- */

static int by_rank(const void *a, const void *b, void *instances)
{
    struct policy_instance *const *at = instances;
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    if (at[x]->rank != at[y]->rank)
        return at[x]->rank < at[y]->rank ? -1 : 1;
    return (x > y) - (x < y);
}

static void sort_into(struct chain *c, struct policy_instance *const *instances, struct arena *a)
{
    unsigned *order = arena_alloc(a, c->n * sizeof *order);

    for (unsigned i = 0; i < c->n; i++)
        order[i] = i;
    if (c->n > 0)
        qsort_r(order, c->n, sizeof *order, by_rank, (void *)instances);
    for (unsigned i = 0; i < c->n; i++)
        c->at[i] = instances[order[i]];
}

static void lay_out_states(struct chain *c)
{
    for (unsigned i = 0; i < c->n; i++) {
        c->local_at[i] = (uint32_t)c->local_size;
        c->local_size += (c->at[i]->policy->local_size + 15) & ~(size_t)15;
    }
}

static struct chain_hooks room(const struct chain *c, struct arena *a)
{
    return (struct chain_hooks){ arena_zero(a, c->n * sizeof(struct chain_hook)), 0 };
}

static void add_forward(struct chain *c, unsigned i)
{
    const struct sc_policy *p = c->at[i]->policy;
    struct chain_hooks *request = &c->phases[PHASE_REQUEST], *attempt = &c->phases[PHASE_ATTEMPT];
    struct chain_hooks *body = &c->bodies[CHAIN_REQUEST_BODY];

    if (p->on_request != NULL)
        request->at[request->n++] = (struct chain_hook){ .verdict = p->on_request, .position = i };
    if (p->on_attempt != NULL)
        attempt->at[attempt->n++] = (struct chain_hook){ .verdict = p->on_attempt, .position = i };
    if (p->on_request_body != NULL)
        body->at[body->n++] = (struct chain_hook){ .body = p->on_request_body, .position = i };
    c->may_be_broken |= p->worker_open != NULL;
}

static void add_backward(struct chain *c, unsigned i)
{
    const struct sc_policy *p = c->at[i]->policy;
    struct chain_hooks *response = &c->phases[PHASE_RESPONSE], *body = &c->bodies[CHAIN_RESPONSE_BODY];

    if (p->on_response != NULL)
        response->at[response->n++] = (struct chain_hook){ .verdict = p->on_response, .position = i };
    if (p->on_response_body != NULL)
        body->at[body->n++] = (struct chain_hook){ .body = p->on_response_body, .position = i };
    if (p->on_done != NULL)
        c->done.at[c->done.n++] = (struct chain_hook){ .done = p->on_done, .position = i };
}

struct chain *chain_compile(struct policy_instance *const *instances, unsigned n, struct arena *a)
{
    struct chain *c = arena_zero(a, sizeof *c);

    c->n = n;
    c->at = arena_alloc(a, n * sizeof(struct policy_instance *));
    c->local_at = arena_alloc(a, n * sizeof *c->local_at);
    sort_into(c, instances, a);
    lay_out_states(c);
    for (unsigned i = 0; i < PHASES; i++)
        c->phases[i] = room(c, a);
    c->bodies[0] = room(c, a);
    c->bodies[1] = room(c, a);
    c->done = room(c, a);
    for (unsigned i = 0; i < n; i++)
        add_forward(c, i);
    for (unsigned i = n; i-- > 0;)
        add_backward(c, i);
    return c;
}

/* --- instances --- */

static void put_key(struct buf *key, const char *scope, const char *name, const char *id)
{
    buf_clear(key);
    buf_add(key, scope, strlen(scope) + 1);
    buf_add(key, name, strlen(name) + 1);
    buf_puts(key, id);
}

static void keep(struct chain_set *s, struct sc_str key, struct policy_instance *i)
{
    if (s->n == s->cap) {
        s->cap = s->cap == 0 ? 8 : 2 * s->cap;
        s->instances = xrealloc(s->instances, s->cap * sizeof(struct policy_instance *));
    }
    s->instances[s->n++] = i;
    map_put(&s->by_key, key, i);
}

/* NULL for what does not run, and after a mistake. */
static struct policy_instance *open_entry(struct build *b, const char *scope, unsigned scope_index,
                                          const struct policy_list *list, unsigned entry)
{
    const struct policy_entry *e = &list->at[entry];
    struct sc_error error = SC_ERROR_INIT;
    struct policy_instance *i, *like = NULL;
    struct buf key = BUF_INIT;

    if (e->off || !e->enabled)
        return NULL;
    put_key(&key, scope, e->policy->name, e->id);
    if (b->previous != NULL)
        like = map_get(&b->previous->by_key, buf_view(&key));
    i = instance_open(e, scope, b->nworkers, like, &error);
    if (i != NULL) {
        keep(b->set, buf_view(&key), i);
    } else {
        b->failed = true;
        if (b->report != NULL)
            b->report(b->arg, scope_index, entry, error.text);
    }
    buf_fini(&key);
    return i;
}

/* --- which run on a route --- */

/* `NAME: off` removes all of that name; an entry replaces the one of the same name and id. */
static bool is_replaced(const struct policy_entry *e, const struct policy_list *by)
{
    for (unsigned i = 0; by != NULL && i < by->n; i++)
        if (by->at[i].policy == e->policy && (by->at[i].off || strcmp(by->at[i].id, e->id) == 0))
            return true;
    return false;
}

static struct chain *build_chain(struct build *b, const struct policy_list *global, const struct chain_scope *route,
                                 unsigned index)
{
    const struct policy_list *own = route->list;
    unsigned n = 0, most = b->set->nglobal + (own == NULL ? 0 : own->n);
    struct policy_instance **at = arena_alloc(&b->set->arena, most * sizeof(struct policy_instance *)), *i;

    for (unsigned k = 0; k < b->set->nglobal; k++)
        if (b->set->global[k] != NULL && !is_replaced(&global->at[k], own))
            at[n++] = b->set->global[k];
    for (unsigned k = 0; own != NULL && k < own->n; k++) {
        i = open_entry(b, route->name, index + 1, own, k);
        if (i != NULL)
            at[n++] = i;
    }
    return chain_compile(at, n, &b->set->arena);
}

static void open_global(struct build *b, const struct policy_list *global)
{
    struct chain_set *s = b->set;

    s->nglobal = global == NULL ? 0 : global->n;
    s->global = arena_zero(&s->arena, s->nglobal * sizeof(struct policy_instance *));
    for (unsigned i = 0; i < s->nglobal; i++)
        s->global[i] = open_entry(b, "", 0, global, i);
}

struct chain_set *chain_set_build(const struct policy_list *global, const struct chain_scope *routes, unsigned n,
                                  const struct chain_set *previous, unsigned nworkers, chain_report_fn *report,
                                  void *arg)
{
    struct chain_set *s = xnew(struct chain_set);
    struct build b = { s, previous, nworkers, report, arg, false };
    const struct chain_scope plain = { "", NULL };
    const struct chain *base;

    arena_init(&s->arena, 4096);
    open_global(&b, global);
    base = build_chain(&b, global, &plain, 0);
    s->nroutes = n;
    s->routes = arena_zero(&s->arena, n * sizeof *s->routes);
    for (unsigned i = 0; i < n; i++)
        s->routes[i] = routes[i].list == NULL || routes[i].list->n == 0 ? base : build_chain(&b, global, &routes[i], i);
    if (b.failed)
        chain_set_free(&s);
    return s;
}

void chain_set_free(struct chain_set **set)
{
    struct chain_set *s = *set;

    *set = NULL;
    if (s == NULL)
        return;
    for (unsigned i = 0; i < s->n; i++)
        instance_unref(&s->instances[i]);
    free(s->instances);
    map_fini(&s->by_key);
    arena_fini(&s->arena);
    free(s);
}

const struct chain *chain_set_route(const struct chain_set *s, unsigned i)
{
    assert(i < s->nroutes);
    return s->routes[i];
}

const struct policy_instance *chain_set_instance(const struct chain_set *s, unsigned i)
{
    return i < s->n ? s->instances[i] : NULL;
}

void chain_set_worker_open(const struct chain_set *s, unsigned worker, struct sc_worker *w)
{
    for (unsigned i = 0; i < s->n; i++)
        instance_worker_open(s->instances[i], worker, w);
}

void chain_set_worker_close(const struct chain_set *s, unsigned worker, struct sc_worker *w)
{
    for (unsigned i = 0; i < s->n; i++)
        instance_worker_close(s->instances[i], worker, w);
}
