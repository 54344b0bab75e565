/* tests/unit/discovery/kube_slices.c - several slices as one list: nothing twice, nothing lost, nearest first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "conf/data.h"
#include "discovery/providers/kube_slices.h"

#include <stdio.h>
#include <stdlib.h>

struct world {
    struct kube_slices slices;
    struct kube_merged merged;
    struct kube_prefer prefer;
    struct kube_want want;
};

static int world_init(void **state)
{
    static struct world w;

    w = (struct world){ .prefer = { KUBE_IPV4, true }, .want = { NULL, "node-1", "zone-a" } };
    *state = &w;
    return 0;
}

static int world_fini(void **state)
{
    struct world *w = *state;

    kube_slices_fini(&w->slices);
    kube_merged_fini(&w->merged);
    return 0;
}

/* endpoints: what stands between the brackets. */
static void put_typed(struct world *w, const char *name, const char *type, const char *endpoints)
{
    char text[4000];
    struct sc_error e = SC_ERROR_INIT;
    struct data *doc;

    snprintf(text, sizeof text, "{\"metadata\":{\"name\":\"%s\"},\"addressType\":\"%s\",\"ports\":[{\"port\":80}],"
             "\"endpoints\":[%s]}", name, type, endpoints);
    doc = data_parse(str_of(text), &e);
    if (doc == NULL)
        fail_msg("%s: %s", text, e.text);
    kube_slices_put(&w->slices, kube_slice_new(doc, &w->want));
    data_free(&doc);
}

static void put(struct world *w, const char *name, const char *endpoints)
{
    put_typed(w, name, "IPv4", endpoints);
}

#define EP(host) "{\"addresses\":[\"192.0.2." host "\"]}"
#define EP_STATE(host, ready, serving, terminating) \
    "{\"addresses\":[\"192.0.2." host "\"],\"conditions\":{\"ready\":" ready ",\"serving\":" serving ",\"terminating\":" \
    terminating "}}"
#define ENDING(host) EP_STATE(host, "false", "true", "true")
#define NOT_READY(host) EP_STATE(host, "false", "false", "false")

/* "1 2:t 3:c+1 ?REASON": the last parts of the addresses, what is not ready with a letter, tiers above 0 with their
 * number. */
static void merged_is(struct world *w, sc_msec now, const char *want)
{
    char got[2000] = "";
    size_t n = 0;

    kube_merge(&w->merged, &w->slices, &w->prefer, now);
    for (unsigned i = 0; i < w->merged.n; i++) {
        const struct endpoint *e = &w->merged.at[i];
        const char *host = e->host == NULL ? "" : strrchr(e->host, strchr(e->host, ':') != NULL ? ':' : '.');

        n += (size_t)snprintf(got + n, sizeof got - n, "%s%s%s", n == 0 ? "" : " ", e->wrong != NULL ? "?" : "",
                              host == NULL || *host == '\0' ? e->wrong : host + 1);
        if (e->wrong == NULL && e->state != EP_READY)
            n += (size_t)snprintf(got + n, sizeof got - n, e->state == EP_CRITICAL ? ":c" : ":t");
        if (e->tier > 0)
            n += (size_t)snprintf(got + n, sizeof got - n, "+%u", (unsigned)e->tier);
    }
    kube_merged_taken(&w->merged);
    assert_string_equal(got, want);
}

static void all_slices_are_one_list(void **state)
{
    struct world *w = *state;

    merged_is(w, 0, "");
    put(w, "b", EP("4") "," EP("2"));
    put(w, "a", EP("3") "," EP("1"));
    merged_is(w, 0, "1 2 3 4");
    put(w, "b", EP("2"));
    kube_slices_drop(&w->slices, "no such");
    assert_int_equal(w->slices.size, 2 + 3);
}

static void what_is_in_two_slices_counts_once(void **state)
{
    struct world *w = *state;

    put(w, "a", EP("1") "," NOT_READY("2") "," ENDING("3") "," NOT_READY("4"));
    put(w, "b", EP("1") "," EP("2") "," NOT_READY("3") "," NOT_READY("4"));
    merged_is(w, 0, "1 2 3:t 4:c");
}

static void what_is_wrong_comes_last_and_stays_itself(void **state)
{
    struct world *w = *state;

    put(w, "a", "7," EP("1"));
    w->slices.unnamed = 1;
    kube_merge(&w->merged, &w->slices, &w->prefer, 0);
    assert_int_equal(w->merged.n, 3);
    assert_null(w->merged.at[0].wrong);
    assert_string_equal(w->merged.at[1].wrong, "an endpoint that is no object");
    assert_string_equal(w->merged.at[2].wrong, "the list holds something that is no EndpointSlice");
}

static void what_moves_is_never_missing(void **state)
{
    struct world *w = *state;

    put(w, "a", EP("1") "," EP("2"));
    put(w, "b", EP("3"));
    merged_is(w, 1000, "1 2 3");
    put(w, "a", EP("1"));
    merged_is(w, 1010, "1 2 3");                        /* 2 is in no slice now */
    assert_int_equal(w->merged.until, 1010 + KUBE_HANDOVER);
    put(w, "b", EP("3") "," EP("2"));
    merged_is(w, 1020, "1 2 3");
    assert_int_equal(w->merged.until, 0);
    merged_is(w, 1020 + KUBE_HANDOVER, "1 2 3");
}

static void what_goes_for_good_is_gone_soon(void **state)
{
    struct world *w = *state;

    put(w, "a", EP("1") "," EP("2"));
    put(w, "b", EP("3"));
    merged_is(w, 1000, "1 2 3");
    put(w, "a", EP("1"));
    merged_is(w, 1010, "1 2 3");
    merged_is(w, 1500, "1 2 3");                        /* asking again does not prolong it */
    merged_is(w, 1009 + KUBE_HANDOVER, "1 2 3");
    merged_is(w, 1010 + KUBE_HANDOVER, "1 3");
    assert_int_equal(w->merged.until, 0);
}

static void a_slice_that_is_deleted_hands_over_as_well(void **state)
{
    struct world *w = *state;

    put(w, "a", EP("1"));
    put(w, "b", EP("2"));
    merged_is(w, 1000, "1 2");
    kube_slices_drop(&w->slices, "b");
    merged_is(w, 1010, "1 2");
    put(w, "c", EP("2") "," EP("3"));
    merged_is(w, 1020, "1 2 3");
    assert_int_equal(w->merged.until, 0);
}

static void of_one_slice_nothing_can_move(void **state)
{
    struct world *w = *state;

    put(w, "a", EP("1") "," EP("2"));
    put_typed(w, "six", "IPv6", "{\"addresses\":[\"2001:db8::9\"]}");       /* nor to one of another kind */
    merged_is(w, 1000, "1 2 9");
    put(w, "a", EP("1"));
    merged_is(w, 1010, "1 9");
    assert_int_equal(w->merged.until, 0);
}

static void what_was_not_ready_is_not_kept(void **state)
{
    struct world *w = *state;

    put(w, "a", NOT_READY("1") "," ENDING("2"));
    put(w, "b", EP("3"));
    merged_is(w, 1000, "1:c 2:t 3");
    put(w, "a", "");
    merged_is(w, 1010, "2:t 3");
}

static void a_new_state_counts_at_once(void **state)
{
    struct world *w = *state;

    put(w, "a", EP("1") "," EP("2"));
    put(w, "b", EP("3"));
    merged_is(w, 1000, "1 2 3");
    put(w, "a", EP("1") "," ENDING("2"));
    merged_is(w, 1010, "1 2:t 3");
    assert_int_equal(w->merged.until, 0);
}

#define POD(address, uid) "{\"addresses\":[\"" address "\"],\"targetRef\":{\"name\":\"p" uid "\",\"uid\":\"" uid "\"}}"
#define SICK(address, uid) \
    "{\"addresses\":[\"" address "\"],\"targetRef\":{\"uid\":\"" uid "\"},\"conditions\":{\"ready\":false}}"

static void of_two_families_one_is_taken(void **state)
{
    struct world *w = *state;

    put(w, "four", POD("192.0.2.1", "a") "," POD("192.0.2.2", "b"));
    put_typed(w, "six", "IPv6", POD("2001:db8::1a", "a") "," POD("2001:db8::2b", "b") "," POD("2001:db8::3c", "c"));
    merged_is(w, 0, "1 2 3c");                          /* c has nothing else */
    w->prefer.family = KUBE_IPV6;
    merged_is(w, 0, "1a 2b 3c");
    w->prefer.family = KUBE_BOTH;
    merged_is(w, 0, "1 2 1a 2b 3c");
}

static void the_other_family_stands_in(void **state)
{
    struct world *w = *state;

    put(w, "four", SICK("192.0.2.1", "a"));
    put_typed(w, "six", "IPv6", POD("2001:db8::1a", "a"));
    merged_is(w, 0, "1:c 1a");
    put(w, "four", POD("192.0.2.1", "a"));
    merged_is(w, 0, "1");
    kube_slices_drop(&w->slices, "four");
    merged_is(w, 0, "1a");
    put_typed(w, "six", "IPv6", "{\"addresses\":[\"2001:db8::1a\"]}");      /* nobody says whose it is */
    put(w, "four", POD("192.0.2.1", "a"));
    merged_is(w, 0, "1 1a");
}

#define HINTS(host, nodes, zones) \
    "{\"addresses\":[\"192.0.2." host "\"],\"hints\":{\"forNodes\":[" nodes "],\"forZones\":[" zones "]}}"
#define NAMED(name) "{\"name\":\"" name "\"}"

/* The table is that of kube-proxy: hints count when every ready endpoint has them and one is for us. */
static void hints_make_tiers(void **state)
{
    static const struct { const char *endpoints, *want; } cases[] = {
        { HINTS("1", "", NAMED("zone-a")) "," HINTS("2", "", NAMED("zone-b")), "1+1 2+2" },
        { HINTS("1", "", NAMED("zone-a") "," NAMED("zone-b")) "," HINTS("2", "", NAMED("zone-b")), "1+1 2+2" },
        { HINTS("1", "", NAMED("zone-c")) "," HINTS("2", "", NAMED("zone-b")), "1 2" },         /* none for us */
        { HINTS("1", "", NAMED("zone-a")) "," EP("2"), "1 2" },                                 /* one without */
        { HINTS("1", "", NAMED("zone-a")) "," NOT_READY("2"), "1+1 2:c+2" },                    /* which is not ready */
        { HINTS("1", "", NAMED("zone-a")) "," ENDING("2"), "1+1 2:t" },
        { HINTS("1", NAMED("node-1"), "") "," HINTS("2", NAMED("node-2"), ""), "1 2+2" },
        { HINTS("1", NAMED("node-3"), "") "," HINTS("2", NAMED("node-2"), ""), "1 2" },
        { HINTS("1", NAMED("node-1"), NAMED("zone-a")) "," HINTS("2", NAMED("node-2"), NAMED("zone-a")) ","
          HINTS("3", NAMED("node-3"), NAMED("zone-b")), "1 2+1 3+2" },
        { HINTS("1", NAMED("node-2"), NAMED("zone-a")) "," HINTS("3", NAMED("node-3"), NAMED("zone-b")), "1+1 3+2" },
        { HINTS("1", NAMED("node-1"), NAMED("zone-a")) "," HINTS("2", "", NAMED("zone-a")), "1+1 2+1" },
        { EP("1") "," EP("2"), "1 2" },
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put(w, "a", cases[i].endpoints);
        merged_is(w, 0, cases[i].want);
    }
    put(w, "a", cases[0].endpoints);
    w->prefer.hints = false;
    merged_is(w, 0, "1 2");
}

/* Any order of the events of a move, one endpoint after the other over many slices. */
static void nothing_is_lost_on_the_way(void **state)
{
    struct world *w = *state;
    unsigned at[8] = { 0, 0, 0, 0, 0, 0, 0, 0 };
    sc_msec now = 0;

    for (unsigned round = 0; round < 500; round++) {
        unsigned who = round * 7 % 8, to = (round * 5 + 1) % 3;

        at[who] = to;
        for (unsigned s = 0; s < 3; s++) {
            char name[2] = { (char)('a' + (s + round) % 3), '\0' }, list[1000] = "";
            size_t n = 0;

            for (unsigned i = 0; i < 8; i++)
                if (at[i] == (s + round) % 3)
                    n += (size_t)snprintf(list + n, sizeof list - n, "%s{\"addresses\":[\"192.0.2.%u\"]}", n > 0 ? "," : "",
                                          i + 1);
            put(w, name, list);
            if (round > 0)
                merged_is(w, now++, "1 2 3 4 5 6 7 8");
        }
        if (round == 0)
            merged_is(w, now++, "1 2 3 4 5 6 7 8");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_slices_are_one_list, world_init, world_fini),
        cmocka_unit_test_setup_teardown(what_is_in_two_slices_counts_once, world_init, world_fini),
        cmocka_unit_test_setup_teardown(what_is_wrong_comes_last_and_stays_itself, world_init, world_fini),
        cmocka_unit_test_setup_teardown(what_moves_is_never_missing, world_init, world_fini),
        cmocka_unit_test_setup_teardown(what_goes_for_good_is_gone_soon, world_init, world_fini),
        cmocka_unit_test_setup_teardown(a_slice_that_is_deleted_hands_over_as_well, world_init, world_fini),
        cmocka_unit_test_setup_teardown(of_one_slice_nothing_can_move, world_init, world_fini),
        cmocka_unit_test_setup_teardown(what_was_not_ready_is_not_kept, world_init, world_fini),
        cmocka_unit_test_setup_teardown(a_new_state_counts_at_once, world_init, world_fini),
        cmocka_unit_test_setup_teardown(of_two_families_one_is_taken, world_init, world_fini),
        cmocka_unit_test_setup_teardown(the_other_family_stands_in, world_init, world_fini),
        cmocka_unit_test_setup_teardown(hints_make_tiers, world_init, world_fini),
        cmocka_unit_test_setup_teardown(nothing_is_lost_on_the_way, world_init, world_fini),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
