/* sidecar/proxy/naming.c - requests whose path names their service.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/naming.h"

#include "discovery/table.h"
#include "proxy/deadline.h"
#include "proxy/flow.h"
#include "proxy/named.h"
#include "proxy/view.h"

enum { USED_MS = 1000 };                /* how exactly it is known when a service was last wanted */

static struct sc_str segment(const struct sc_exchange *x)
{
    struct sc_str name = str_of(x->route->conf->service);

    name = (struct sc_str){ name.p + 1, name.n - 2 };
    for (unsigned i = 0; i < x->found.nparams; i++)
        if (str_eq(x->found.params[i].name, name))
            return x->found.params[i].value;
    return STR_NONE;
}

bool naming_begin(struct sc_exchange *x)
{
    struct sc_str name = segment(x);

    if (!named_is_name(name))
        return false;
    x->naming.name = arena_dup(&x->arena, name);
    return named_allows(x->route->conf, x->naming.name.p);
}

/* Seen by control when it looks for the one that was idle for the longest. */
static void touch(const struct plan_service *s, sc_msec now)
{
    if (now - atomic_load_explicit(&s->named->used, memory_order_relaxed) >= USED_MS)
        atomic_store_explicit(&s->named->used, now, memory_order_relaxed);
}

/* The time that the client takes for its body does not count, the time that it waits for us does. */
static void wait(struct sc_exchange *x)
{
    if (x->naming.waits)
        return;
    list_push(&x->worker->naming, &x->naming.link);
    x->naming.waits = true;
    deadline_resume(x);
}

static void go_on(struct sc_exchange *x)
{
    naming_leave(x);
    if (x->req.has_body && !x->down.whole)
        deadline_pause(x);
}

/* Once for every plan that does not have it: control forgets nobody, but may have dropped the service again. */
static void ask(struct sc_exchange *x, const struct plan *plan)
{
    if (x->naming.asked == plan)
        return;
    x->naming.asked = plan;
    x->worker->events.named(x->worker->events.arg, x->worker->index, x->route->conf->registry, x->naming.name.p);
}

enum naming naming_enter(struct sc_exchange *x)
{
    struct view *v = x->worker->view;
    const struct plan_service *s = plan_find_named(v->snapshot->plan, x->naming.name, x->route->conf->registry);

    if (x->naming.refused != NAMING_KNOWN)
        return x->naming.refused;
    if (s != NULL)
        touch(s, loop_now(x->worker->loop));
    if (s == NULL || !table_set(v->snapshot->table, s->index)->answered) {
        if (s == NULL)
            ask(x, v->snapshot->plan);
        wait(x);
        return NAMING_WAIT;
    }
    go_on(x);
    x->service = s;
    x->served = v == x->view ? v : view_ref(v);
    return NAMING_KNOWN;
}

void naming_leave(struct sc_exchange *x)
{
    if (!x->naming.waits)
        return;
    x->naming.waits = false;
    list_remove(&x->naming.link);
}

/* Those who go on waiting come back into the list of the worker, which is another one meanwhile. */
void naming_wake(struct sc_worker *w)
{
    struct link waiting;

    list_init(&waiting);
    list_move_front(&waiting, &w->naming);
    while (!list_empty(&waiting)) {
        struct sc_exchange *x = list_entry(waiting.next, struct sc_exchange, naming.link);

        naming_leave(x);
        flow_run(x);
    }
}

void naming_refuse(struct sc_worker *w, const char *key, enum naming why)
{
    char text[NAMED_KEY_MAX];

    list_each(it, &w->naming) {
        struct sc_exchange *x = list_entry(it, struct sc_exchange, naming.link);

        if (str_eq(named_key(text, x->naming.name, x->route->conf->registry), str_of(key)))
            x->naming.refused = why;
    }
    naming_wake(w);
}
