/* discovery/snapshot/aging.c - how old what a service serves from is, and what follows from it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/snapshot/aging.h"

#include "base/log.h"
#include "base/units.h"
#include "discovery/tracked.h"

/* What somebody froze or pinned is meant to be old. */
static bool ages(enum source_mode m)
{
    return m == SOURCE_STALE || m == SOURCE_SNAPSHOT || m == SOURCE_FAILED;
}

static bool is_over(const struct source *s, const struct source_status *status, sc_msec now)
{
    const struct last_known_good *c = &s->owner->conf->last_known_good;

    return s->provider != &provider_static && c->when_older == OLDER_FAIL && ages(source_mode_at(status, now)) &&
           source_age_at(status, now) > c->max_age;
}

bool aging_is_over(const struct source *s)
{
    struct source_status status = source_status(s);

    return is_over(s, &status, clock_mono_ms());
}

static void say(const struct source *s, bool over)
{
    const char *service = s->owner->shared->name, *registry = s->status.registry;
    char text[UNITS_MAX];

    if (over)
        log_warn("discovery: %s: %s: its targets get no traffic: the last good answer is older than %s", service, registry,
                 units_print_duration(text, s->owner->conf->last_known_good.max_age));
    else
        log_info("discovery: %s: %s: its targets may serve again", service, registry);
}

static void note_mode(struct source *s, sc_msec now)
{
    struct source_status status = source_status(s);
    enum source_mode mode = source_mode_at(&status, now);
    struct history_entry e = { .wall = clock_wall_ms(), .event = source_mode_name(mode), .registry = s->name,
                               .cause = status.hand.by != NULL ? status.hand.by : s->error,
                               .targets = s->owner->set->n, .eligible = s->owner->set->eligible };

    if (mode != s->shown)
        history_add(s->owner->history, &e);
    s->shown = mode;
}

/* The sources of a service put together. */
struct ageing {
    enum source_mode mode;
    bool known;                     /* it has an age */
    sc_msec age, next;              /* of the oldest; ms until something changes by itself, 0: never */
};

static void sooner(struct ageing *a, sc_msec in)
{
    if (in > 0 && (a->next == 0 || in < a->next))
        a->next = in;
}

static void look(struct ageing *a, const struct source *s, sc_msec now)
{
    const struct last_known_good *c = &s->owner->conf->last_known_good;
    struct source_status status = source_status(s);
    enum source_mode mode = source_mode_at(&status, now);
    sc_msec age = source_age_at(&status, now);

    if (mode > a->mode)
        a->mode = mode;
    a->known |= mode == SOURCE_FROZEN || mode == SOURCE_PINNED || (mode > SOURCE_HELD && source_knows(&status));
    if (age > a->age)
        a->age = age;
    if (status.interval > 0 && (mode == SOURCE_LIVE || mode == SOURCE_HELD))
        sooner(a, status.live_mono + 2 * status.interval + 1 - now);
    if (c->when_older == OLDER_FAIL && ages(mode))
        sooner(a, c->max_age + 1 - age);
}

/* With failover, what stands by is not what answers come from. */
static bool one_serves(const struct link *list)
{
    list_each(it, list)
        if (list_entry(it, struct source, link)->serves)
            return true;
    return false;
}

static bool counts(const struct tracked *t, const struct source *s)
{
    if (t->conf->combine != COMBINE_FAILOVER || s->serves)
        return true;
    return !one_serves(&t->sources) && !one_serves(&t->leaving);
}

static void tell(struct tracked *t, const struct ageing *a, sc_msec now)
{
    const struct last_known_good *c = &t->conf->last_known_good;
    sc_msec mark = c->when_older == OLDER_MARK ? c->max_age : 0;
    uint64_t word = freshness_pack(a->mode, a->known ? now - a->age : FRESHNESS_AGELESS, mark);

    atomic_store_explicit(&t->shared->freshness, word, memory_order_relaxed);
}

static void on_time(struct timer *timer)
{
    struct tracked *t = list_entry(timer, struct tracked, ageing);

    aging_update(t);
}

static void note_over(struct source *s)
{
    bool over = aging_is_over(s);

    if (over == s->over)
        return;
    s->over = over;
    say(s, over);
    tracked_dirty(s->owner);
}

/* What a reload has left serves until those in its place have answered. Its age is that of what serves; its mode says
 * nothing about the registries that are asked now. */
static void look_back(struct ageing *a, const struct tracked *t, sc_msec now)
{
    enum source_mode mode = a->mode;

    list_each(it, &t->leaving) {
        struct source *s = list_entry(it, struct source, link);

        note_over(s);
        if (s->provider != &provider_static && counts(t, s))
            look(a, s, now);
    }
    a->mode = mode;
}

void aging_update(struct tracked *t)
{
    struct ageing a = { .mode = SOURCE_LIVE };
    sc_msec now = clock_mono_ms();

    list_each(it, &t->sources) {
        struct source *s = list_entry(it, struct source, link);

        note_mode(s, now);
        note_over(s);
        if ((s->registry != NULL || s->pinned != NULL) && counts(t, s))
            look(&a, s, now);
    }
    look_back(&a, t, now);
    tell(t, &a, now);
    t->ageing.fn = on_time;
    timer_stop(&t->ageing);
    if (a.next > 0)
        timer_start(t->loop, &t->ageing, a.next);
}
