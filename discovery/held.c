/* discovery/held.c - targets that an answer lacks and that are kept for a while all the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/held.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/units.h"
#include "discovery/backoff.h"
#include "discovery/probe.h"
#include "discovery/tracked.h"

#include <stdlib.h>

enum { PROBE_TIMEOUT = 1000, PROBE_AGAIN = 2000, FROZEN_AGAIN = 500 };      /* ms */

/* One address of a held record. */
struct held_probe {
    struct probe probe;
    struct held *held;
};

struct held {
    struct link link;               /* of source.held */
    struct source *source;
    struct arena arena;             /* of the record */
    struct record record;
    struct timer again;
    struct held_probe *probes;
    unsigned nprobes, open, alive;  /* addresses; still asked; answered this time */
};

struct record *held_record(struct link *l)
{
    return &list_entry(l, struct held, link)->record;
}

/* --- letting go --- */

static void stop_probes(struct held *h)
{
    for (unsigned i = 0; i < h->nprobes; i++)
        probe_stop(&h->probes[i].probe);
    if (h->probes != NULL)
        loop_free_later(h->source->owner->loop, h->probes);
    h->probes = NULL;
    h->nprobes = 0;
}

static void held_free(struct held *h)
{
    struct source *s = h->source;

    stop_probes(h);
    timer_stop(&h->again);
    list_remove(&h->link);
    s->nheld--;
    record_fini(&h->record);
    arena_fini(&h->arena);
    loop_free_later(s->owner->loop, h);
    if (s->nheld == 0)
        timer_stop(&s->hold_end);
}

void held_drop(struct source *s)
{
    list_each(it, &s->held)
        held_free(list_entry(it, struct held, link));
}

static void on_hold_end(struct timer *timer)
{
    struct source *s = list_entry(timer, struct source, hold_end);

    if (s->status.hand.kind == HAND_FREEZE) {           /* what is in force stays so */
        timer_start(s->owner->loop, timer, FROZEN_AGAIN);
        return;
    }
    log_info("discovery: %s: %u targets that %s has ceased to name were kept long enough", s->owner->shared->name,
             s->nheld, s->status.registry);
    held_drop(s);
    source_changed(s, "end of the hold");
}

/* --- probing --- */

static void probe_all(struct held *h);

static void on_again(struct timer *t)
{
    probe_all(list_entry(t, struct held, again));
}

static void settle(struct held *h)
{
    struct source *s = h->source;

    if (h->alive > 0) {
        timer_start(s->owner->loop, &h->again, jitter(PROBE_AGAIN));
        return;
    }
    held_free(h);
    source_changed(s, "held targets do not answer");
}

static void on_result(struct probe *p, struct check_result r)
{
    struct held *h = list_entry(p, struct held_probe, probe)->held;

    h->alive += r.outcome == CHECK_PASSED;
    if (--h->open == 0)
        settle(h);
}

static void on_how(struct probe *p, struct probe_how *how)
{
    struct held *h = list_entry(p, struct held_probe, probe)->held;

    health_how(h->source->owner->conf, h->record.at.tls, how);
    how->timeout = PROBE_TIMEOUT;
}

/* All addresses at once. A name that is not resolved has none, and nobody is lost with it. */
static void probe_all(struct held *h)
{
    struct address one;
    unsigned n;
    const struct address *at = record_addresses(&h->record, &one, &n);

    stop_probes(h);
    h->probes = xcalloc(n + 1, sizeof *h->probes);
    h->nprobes = h->open = n;
    h->alive = 0;
    for (unsigned i = 0; i < n; i++) {
        struct probe *p = &h->probes[i].probe;

        h->probes[i].held = h;
        p->host = record_host(&h->record.at);
        p->at = at[i];
        if (h->record.name.name != NULL)
            address_set_port(&p->at, h->record.at.port);
        p->how = on_how;
        p->done = on_result;
        probe_start(h->source->owner->prober, p);
    }
    if (n == 0)
        timer_start(h->source->owner->loop, &h->again, jitter(PROBE_AGAIN));
}

/* --- judging --- */

static void hold(struct source *s, const struct endpoint *e)
{
    struct held *h = xnew(struct held);

    h->source = s;
    h->again.fn = on_again;
    arena_init(&h->arena, 512);
    record_init(s, &h->arena, &h->record, e);
    h->record.held = true;
    list_push(&s->held, &h->link);
    s->nheld++;
    probe_all(h);
}

static struct sc_str key_of(struct buf *key, const struct endpoint *e)
{
    buf_clear(key);
    if (e->path != NULL)
        buf_puts(key, e->path);
    else
        buf_printf(key, "%s %u", e->host, (unsigned)e->port);
    buf_puts(key, e->tls ? " tls" : "");
    return buf_view(key);
}

static bool may_serve(const struct record *r)
{
    return r->wrong == NULL && r->at.weight > 0 &&
           (r->at.state == EP_READY || r->at.state == EP_WARNING || r->at.state == EP_SERVING_TERMINATING);
}

struct judgement {
    struct map named;               /* targets in the answer, by key */
    struct buf key;
    struct guard_view view;
};

static bool is_named(struct judgement *j, const struct endpoint *e)
{
    return map_get(&j->named, key_of(&j->key, e)) != NULL;
}

static void look(struct source *s, const struct answer *next, struct judgement *j)
{
    for (unsigned i = 0; i < next->n; i++)
        if (next->records[i].wrong == NULL)
            map_put(&j->named, key_of(&j->key, &next->records[i].at), s);
    j->view.after = j->named.n;
    for (unsigned i = 0; i < s->now->n; i++)
        if (may_serve(&s->now->records[i])) {
            j->view.before++;
            j->view.removed += !is_named(j, &s->now->records[i].at);
        }
    list_each(it, &s->held) {
        j->view.before++;
        j->view.removed += !is_named(j, &held_record(it)->at);
    }
}

static void begin_hold(struct source *s, const struct judgement *j, const char *why)
{
    char text[UNITS_MAX];
    sc_msec hold_for = s->owner->conf->shrink_guard.hold;

    log_warn("discovery: %s: %s: %s (%u of %u targets are gone); they are kept while they answer, for at most %s",
             s->owner->shared->name, s->status.registry, why, j->view.removed, j->view.before,
             units_print_duration(text, hold_for));
    s->hold_end.fn = on_hold_end;
    timer_start(s->owner->loop, &s->hold_end, hold_for);
}

/* Those that are named again leave; those that are missing now come. */
static void update(struct source *s, struct judgement *j, const char *why)
{
    bool began = s->nheld > 0;

    for (unsigned i = 0; i < s->now->n; i++)
        if (may_serve(&s->now->records[i]) && !is_named(j, &s->now->records[i].at))
            hold(s, &s->now->records[i].at);
    list_each(it, &s->held)
        if (is_named(j, &held_record(it)->at))
            held_free(list_entry(it, struct held, link));
    if (!began && s->nheld > 0)
        begin_hold(s, j, why);
}

void held_judge(struct source *s, const struct answer *next)
{
    struct judgement j = { .named = MAP_INIT, .key = BUF_INIT, .view = { .doubted = next->doubted } };
    const char *why;

    look(s, next, &j);
    why = guard_reason(&s->owner->conf->shrink_guard, &j.view);
    if (why == NULL)
        held_drop(s);
    else
        update(s, &j, why);
    map_fini(&j.named);
    buf_fini(&j.key);
}
