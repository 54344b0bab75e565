/* tests/unit/discovery/announce.c - services of this host and a registry that does what it is told.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "discovery/registration/announce.h"
#include "discovery/probe.h"
#include "discovery/registration/registration.h"
#include "discovery/tracked.h"
#include "loop/curlmux.h"

#include <stdio.h>
#include <stdlib.h>

/* --- a registry --- */

struct said {
    struct timer timer;
    struct entry *entry;
    enum enrol_word word;
};

static struct buf words;                /* R P D L, with the number of the registry before each */
static char last_note[100];             /* that came with a word */
static unsigned opened;

static void on_said(struct timer *t)
{
    struct said *s = list_entry(t, struct said, timer);

    s->entry->done(s->entry, s->word == ENROL_LOOK ? ENROL_NOT_THERE : ENROL_DONE, NULL);
}

static void say(struct entry *e, enum enrol_word word)
{
    static const char letters[] = { [ENROL_REGISTER] = 'R', [ENROL_REPORT] = 'P', [ENROL_DEREGISTER] = 'D',
                                    [ENROL_LOOK] = 'L' };
    struct said *s = e->state;

    if (s == NULL)
        e->state = s = xnew(struct said);
    s->timer.fn = on_said;
    s->entry = e;
    s->word = word;
    snprintf(last_note, sizeof last_note, "%s", e->note);
    assert_non_null(e->registry->state);
    assert_true(word != ENROL_REGISTER || e->conf != NULL);
    buf_printf(&words, "%s%c", (const char *)e->registry->conf, letters[word]);
    timer_start(e->registry->loop, &s->timer, 1);
}

static void unsay(struct entry *e)
{
    struct said *s = e->state;

    e->state = NULL;
    if (s == NULL)
        return;
    timer_stop(&s->timer);
    loop_free_later(e->registry->loop, s);
}

static void open_it(struct registry_live *r)
{
    opened++;
    r->state = r;
}

static void close_it(struct registry_live *r)
{
    opened--;
    r->state = NULL;
}

static const struct provider fake = { .name = "fake", .open = open_it, .close = close_it, .say = say, .unsay = unsay };

/* --- a world --- */

struct world {
    struct loop *loop;
    struct curlmux *curl;
    struct prober *prober;
    struct announcer *announcer;
    struct registry conf[2];            /* of one name */
    struct registry_use use[2];
    struct registration_conf list[2];
    struct timer stop;
    unsigned gone;
};

static void on_stop(struct timer *t)
{
    loop_stop(list_entry(t, struct world, stop)->loop);
}

static void run(struct world *w, sc_msec ms)
{
    timer_start(w->loop, &w->stop, ms);
    loop_run(w->loop);
}

static struct registry_use *on_registry(void *arg, const struct registry *conf)
{
    struct world *w = arg;

    return &w->use[conf - w->conf];
}

static void on_changed(void *arg)
{
    (void)arg;
}

static void on_gone(void *arg)
{
    struct world *w = arg;

    w->gone++;
}

static void plan(struct world *w, unsigned n)
{
    announcer_plan(w->announcer, &(struct sc_list){ w->list, n });
}

static void world_init(struct world *w)
{
    *w = (struct world){ .loop = loop_new(), .stop.fn = on_stop };
    w->curl = curlmux_new(w->loop);
    w->prober = prober_new(w->loop, w->curl);
    for (unsigned i = 0; i < 2; i++) {
        w->conf[i] = (struct registry){ .name = "one", .provider = &fake };
        w->use[i].live = (struct registry_live){ .name = "one", .provider = &fake, .conf = i == 0 ? "" : "2",
                                                 .loop = w->loop };
        w->list[i] = (struct registration_conf){ .name = "web", .id = i == 0 ? "a" : "b", .instance = "i", .port = 1,
                                                 .registry = &w->conf[0] };
    }
    w->announcer = announcer_new(w->loop, w->prober, &(struct announcer_hooks){ w, on_registry, on_changed, on_gone });
}

/* What was said all the while. */
static void world_fini(struct world *w, const char *want)
{
    announcer_free(&w->announcer);
    prober_free(&w->prober);
    curlmux_free(&w->curl);
    run(w, 1);
    loop_free(&w->loop);
    assert_int_equal(opened, 0);
    assert_string_equal(words.n == 0 ? "" : words.p, want);
    buf_fini(&words);
    words = (struct buf)BUF_INIT;
}

/* --- cases --- */

static void nothing_is_said_before_it_begins(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    plan(&w, 1);
    run(&w, 20);
    assert_int_equal(words.n, 0);
    announcer_begin(w.announcer);
    run(&w, 20);
    plan(&w, 1);                        /* and nothing twice */
    run(&w, 20);
    world_fini(&w, "R");
}

static void what_is_no_longer_named_leaves(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    announcer_begin(w.announcer);
    plan(&w, 2);
    run(&w, 20);
    plan(&w, 1);
    run(&w, 400);
    assert_int_equal(w.gone, 1);
    assert_int_equal(announcer_count(w.announcer), 1);
    world_fini(&w, "RRDL");
}

static void other_keys_are_said_over_the_old_ones(void **state)
{
    struct node other = { 0 };
    struct world w;

    (void)state;
    world_init(&w);
    announcer_begin(w.announcer);
    plan(&w, 1);
    run(&w, 20);
    w.list[1] = w.list[0];
    w.list[1].at = &other;
    announcer_plan(w.announcer, &(struct sc_list){ &w.list[1], 1 });
    run(&w, 20);
    world_fini(&w, "RR");
}

static void another_way_to_the_registry_leaves_no_gap(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    announcer_begin(w.announcer);
    plan(&w, 1);
    run(&w, 20);
    w.list[1] = w.list[0];
    w.list[1].registry = &w.conf[1];
    announcer_plan(w.announcer, &(struct sc_list){ &w.list[1], 1 });
    assert_int_equal(opened, 1);
    run(&w, 20);
    world_fini(&w, "R2R");
}

static void it_moves_in_the_middle_of_a_word(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    announcer_begin(w.announcer);
    plan(&w, 1);
    w.list[1] = w.list[0];
    w.list[1].registry = &w.conf[1];
    announcer_plan(w.announcer, &(struct sc_list){ &w.list[1], 1 });
    run(&w, 400);                       /* a pause first */
    world_fini(&w, "R2R");
}

static void who_leaves_may_return(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    announcer_begin(w.announcer);
    plan(&w, 1);
    run(&w, 20);
    plan(&w, 0);
    plan(&w, 1);
    run(&w, 20);
    assert_int_equal(w.gone, 0);
    world_fini(&w, "RDR");
}

static void after_the_withdrawal_nobody_comes(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    announcer_begin(w.announcer);
    plan(&w, 2);
    run(&w, 20);
    announcer_withdraw(w.announcer);
    assert_false(announcer_is_empty(w.announcer));
    run(&w, 400);
    assert_true(announcer_is_empty(w.announcer));
    plan(&w, 2);
    run(&w, 20);
    assert_true(announcer_is_empty(w.announcer));
    world_fini(&w, "RRDDLL");
}

static void what_never_began_is_gone_at_once(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    plan(&w, 2);
    announcer_withdraw(w.announcer);
    run(&w, 10);
    assert_true(announcer_is_empty(w.announcer));
    world_fini(&w, "");
}

static void an_application_says_how_it_is(void **state)
{
    static const struct registration_check_conf ttl = { .type = REGISTRATION_TTL, .ttl = 100 };
    struct registration_status status[2];
    struct arena arena;
    struct world w;

    (void)state;
    world_init(&w);
    arena_init(&arena, 1024);
    w.list[0].check = &ttl;
    announcer_begin(w.announcer);
    plan(&w, 2);
    announcer_report(w.announcer, "b", ENROL_CRITICAL, "no");       /* which does not have such a check */
    announcer_report(w.announcer, "c", ENROL_CRITICAL, "no");
    run(&w, 20);
    announcer_report(w.announcer, "a", ENROL_WARNING, "well, well");
    run(&w, 20);
    assert_int_equal(announcer_count(w.announcer), 2);
    announcer_status(w.announcer, &arena, status);
    assert_string_equal(status[0].id, "a");
    assert_true(status[0].by_application);
    assert_int_equal(status[0].standing, ENROL_WARNING);
    assert_int_equal(status[0].place, ENROL_IN);
    assert_string_equal(status[0].note, "well, well");
    assert_false(status[1].by_application);
    assert_int_equal(status[1].standing, ENROL_PASSING);
    run(&w, 150);
    announcer_status(w.announcer, &arena, status);
    assert_int_equal(status[0].standing, ENROL_CRITICAL);           /* nothing heard */
    arena_fini(&arena);
    world_fini(&w, "RRPP");
}

static void in_maintenance_it_is_critical_whatever_its_check_says(void **state)
{
    static const struct registration_check_conf ttl = { .type = REGISTRATION_TTL, .ttl = 10000 };
    struct registration_status status[1];
    struct node other = { 0 };
    struct arena arena;
    struct world w;

    (void)state;
    world_init(&w);
    arena_init(&arena, 1024);
    w.list[0].check = &ttl;
    announcer_begin(w.announcer);
    plan(&w, 1);
    announcer_report(w.announcer, "a", ENROL_PASSING, "well");
    run(&w, 20);
    announcer_maintain(w.announcer, "nobody", "disks");
    announcer_maintain(w.announcer, "a", "disks");
    announcer_maintain(w.announcer, "a", "disks");
    run(&w, 20);
    announcer_report(w.announcer, "a", ENROL_WARNING, "so so");     /* it goes on being checked */
    run(&w, 20);
    announcer_status(w.announcer, &arena, status);
    assert_string_equal(status[0].maintenance, "disks");
    assert_int_equal(status[0].standing, ENROL_WARNING);
    assert_int_equal(status[0].told, ENROL_CRITICAL);
    assert_string_equal(last_note, "in maintenance: disks");
    w.list[1] = w.list[0];
    w.list[1].at = &other;
    announcer_plan(w.announcer, &(struct sc_list){ &w.list[1], 1 });
    run(&w, 20);
    announcer_status(w.announcer, &arena, status);
    assert_string_equal(status[0].maintenance, "disks");            /* over a reload */
    assert_int_equal(status[0].told, ENROL_CRITICAL);
    announcer_maintain(w.announcer, "a", NULL);
    run(&w, 20);
    announcer_status(w.announcer, &arena, status);
    assert_null(status[0].maintenance);
    assert_int_equal(status[0].told, ENROL_WARNING);
    assert_string_equal(last_note, "so so");
    arena_fini(&arena);
    world_fini(&w, "RPPRP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_before_it_begins),
        cmocka_unit_test(what_is_no_longer_named_leaves),
        cmocka_unit_test(other_keys_are_said_over_the_old_ones),
        cmocka_unit_test(another_way_to_the_registry_leaves_no_gap),
        cmocka_unit_test(it_moves_in_the_middle_of_a_word),
        cmocka_unit_test(who_leaves_may_return),
        cmocka_unit_test(after_the_withdrawal_nobody_comes),
        cmocka_unit_test(what_never_began_is_gone_at_once),
        cmocka_unit_test(an_application_says_how_it_is),
        cmocka_unit_test(in_maintenance_it_is_critical_whatever_its_check_says),
    };

    curlmux_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
