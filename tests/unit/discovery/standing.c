/* tests/unit/discovery/standing.c - how a service of this host is: checks of a real listener, and what it says itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "discovery/registration/registration.h"
#include "discovery/registration/standing.h"
#include "loop/curlmux.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- a world --- */

struct world {
    struct loop *loop;
    struct curlmux *curl;
    struct prober *prober;
    struct standing standing;
    struct timer stop;
    struct buf said;                    /* "?>C C>P ": every change */
    enum enrol_standing until;          /* the loop stops then */
};

static char letter(enum enrol_standing s)
{
    return "?CWP"[s];
}

static void on_changed(struct standing *s, enum enrol_standing was)
{
    struct world *w = list_entry(s, struct world, standing);

    if (was != s->now)
        buf_printf(&w->said, "%c>%c ", letter(was), letter(s->now));
    if (s->now == w->until)
        loop_stop(w->loop);
}

static void on_stop(struct timer *t)
{
    loop_stop(list_entry(t, struct world, stop)->loop);
}

static void run(struct world *w, enum enrol_standing until, sc_msec ms)
{
    w->until = until;
    timer_start(w->loop, &w->stop, ms);
    loop_run(w->loop);
}

static void world_init(struct world *w)
{
    *w = (struct world){ .loop = loop_new(), .stop.fn = on_stop };
    w->curl = curlmux_new(w->loop);
    w->prober = prober_new(w->loop, w->curl);
    standing_init(&w->standing, w->loop, w->prober, on_changed);
}

static void world_fini(struct world *w, const char *said)
{
    assert_string_equal(w->said.n == 0 ? "" : w->said.p, said);
    standing_fini(&w->standing);
    buf_fini(&w->said);
    prober_free(&w->prober);
    curlmux_free(&w->curl);
    loop_free(&w->loop);
}

/* A port of this host where nobody listens until listen(). */
static int port_open(int64_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* --- cases --- */

static void without_a_check_it_is_well(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    standing_start(&w.standing, NULL);
    assert_int_equal(w.standing.now, ENROL_PASSING);
    assert_string_equal(w.standing.note, "the sidecar runs");
    assert_false(standing_is_told(&w.standing));
    world_fini(&w, "?>P ");
}

static void the_first_check_decides_then_it_takes_some_of_them(void **state)
{
    struct registration_check_conf c = { .type = REGISTRATION_TCP, .address = "127.0.0.1", .interval = 10,
                                         .timeout = 1000, .rise = 2, .fall = 3 };
    struct world w;
    int fd = port_open(&c.port);

    (void)state;
    world_init(&w);
    standing_start(&w.standing, &c);
    assert_int_equal(w.standing.now, ENROL_UNKNOWN);
    run(&w, ENROL_CRITICAL, 2000);
    assert_string_equal(w.standing.note, "connection refused");
    assert_int_equal(listen(fd, 64), 0);
    run(&w, ENROL_PASSING, 2000);
    assert_string_equal(w.standing.note, "passed");
    close(fd);
    run(&w, ENROL_CRITICAL, 2000);
    world_fini(&w, "?>C C>P P>C ");
}

static void what_was_thought_stays_over_another_check(void **state)
{
    struct registration_check_conf c = { .type = REGISTRATION_TCP, .address = "127.0.0.1", .interval = 10,
                                         .timeout = 1000, .rise = 1, .fall = 1 }, other;
    struct world w;
    int fd = port_open(&c.port);

    (void)state;
    assert_int_equal(listen(fd, 64), 0);
    world_init(&w);
    standing_start(&w.standing, &c);
    run(&w, ENROL_PASSING, 2000);
    other = c;
    other.interval = 20;
    standing_start(&w.standing, &other);
    assert_int_equal(w.standing.now, ENROL_PASSING);
    standing_repoint(&w.standing, &c);
    run(&w, ENROL_CRITICAL, 100);
    assert_int_equal(w.standing.now, ENROL_PASSING);
    standing_stop(&w.standing);
    close(fd);
    run(&w, ENROL_CRITICAL, 100);
    assert_int_equal(w.standing.now, ENROL_PASSING);        /* nobody looks any more */
    world_fini(&w, "?>P ");
}

static void who_is_told_goes_silent(void **state)
{
    static const struct registration_check_conf c = { .type = REGISTRATION_TTL, .ttl = 3000 },
                                                soon = { .type = REGISTRATION_TTL, .ttl = 20 };
    struct world w;
    sc_msec end;

    (void)state;
    world_init(&w);
    standing_start(&w.standing, &c);
    assert_true(standing_is_told(&w.standing));
    assert_int_equal(w.standing.now, ENROL_CRITICAL);
    assert_string_equal(w.standing.note, "the application has said nothing yet");
    standing_tell(&w.standing, ENROL_WARNING, "so so");
    assert_string_equal(w.standing.note, "so so");
    end = w.standing.again.at;
    run(&w, ENROL_UNKNOWN, 30);
    standing_tell(&w.standing, ENROL_PASSING, "well");
    assert_true(w.standing.again.at >= end + 30);           /* its time began anew */
    standing_start(&w.standing, &soon);
    assert_int_equal(w.standing.now, ENROL_PASSING);
    run(&w, ENROL_CRITICAL, 2000);
    assert_string_equal(w.standing.note, "the application has said nothing for 0 s");
    world_fini(&w, "?>C C>W W>P P>C ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_check_it_is_well),
        cmocka_unit_test(the_first_check_decides_then_it_takes_some_of_them),
        cmocka_unit_test(what_was_thought_stays_over_another_check),
        cmocka_unit_test(who_is_told_goes_silent),
    };

    curlmux_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
