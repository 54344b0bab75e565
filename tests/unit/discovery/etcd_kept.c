/* tests/unit/discovery/etcd_kept.c - instances kept change by change, and the values they are read from.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/rand.h"
#include "discovery/providers/etcd_answer.h"
#include "discovery/providers/etcd_kept.h"
#include "discovery/providers/etcd_value.h"

#include <stdio.h>
#include <stdlib.h>

static const struct sc_str prefix = STR_INIT("/s/web/");

/* Whether that changed anything; value NULL: deleted. */
static bool apply(struct etcd_kept *k, const char *key, const char *value)
{
    struct etcd_event e = { .key = str_of(key), .value = str_of(value), .revision = 1, .deleted = value == NULL };
    bool changed = false;

    assert_true(etcd_kept_apply(k, prefix, &e, &changed));
    return changed;
}

/* "a=host:port b=..." */
static void kept_is(const struct etcd_kept *k, const char *want)
{
    char text[2000] = "";
    size_t n = 0;

    for (unsigned i = 0; i < k->n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s=%s:%u", i == 0 ? "" : " ", k->at[i].id, k->at[i].host,
                              (unsigned)k->at[i].port);
    assert_string_equal(text, want);
}

static void changes_are_applied_in_the_order_of_the_keys(void **state)
{
    struct etcd_kept k;

    (void)state;
    etcd_kept_init(&k, 100);
    assert_true(apply(&k, "/s/web/b", "h:2"));
    assert_true(apply(&k, "/s/web/a", "h:1"));
    assert_true(apply(&k, "/s/web/c", "h:3"));
    kept_is(&k, "a=h:1 b=h:2 c=h:3");
    assert_false(apply(&k, "/s/web/b", "h:2"));
    assert_false(apply(&k, "/s/web/b", "{\"host\":\"h\",\"port\":2}"));     /* the same, in other words */
    assert_true(apply(&k, "/s/web/b", "h:4"));
    assert_true(apply(&k, "/s/web/a", NULL));
    assert_false(apply(&k, "/s/web/a", NULL));
    kept_is(&k, "b=h:4 c=h:3");
    assert_true(apply(&k, "/s/web/c", NULL) && apply(&k, "/s/web/b", NULL));
    kept_is(&k, "");
    etcd_kept_fini(&k);
}

static void keys_of_others_are_passed_over_or_refused(void **state)
{
    static const char *const foreign[] = { "/s/web", "/s/webby/a", "/s/a", "x", "/S/web/a" };
    struct etcd_kept k;
    bool changed = false;

    (void)state;
    etcd_kept_init(&k, 100);
    assert_false(apply(&k, "/s/web/", "h:1"));
    assert_false(apply(&k, "/s/web/a/b", "h:1"));
    assert_false(apply(&k, "/s/web/a/", "h:1"));
    assert_false(apply(&k, "/s/web//", NULL));
    for (unsigned i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        struct etcd_event e = { .key = str_of(foreign[i]), .value = STR("h:1"), .revision = 1 };

        assert_false(etcd_kept_apply(&k, prefix, &e, &changed));
    }
    assert_int_equal(k.n, 0);
    etcd_kept_fini(&k);
}

static void no_more_are_taken_than_there_is_room_for(void **state)
{
    struct etcd_kept k;

    (void)state;
    etcd_kept_init(&k, 2);
    assert_true(apply(&k, "/s/web/b", "h:1") && apply(&k, "/s/web/c", "h:2"));
    assert_false(k.full);
    assert_false(apply(&k, "/s/web/a", "h:3"));
    assert_true(k.full);
    assert_true(apply(&k, "/s/web/c", "h:4"));          /* what is in may change */
    kept_is(&k, "b=h:1 c=h:4");
    etcd_kept_fini(&k);
}

/* Against a plain table, for a few thousand changes. */
static void random_changes_leave_what_a_table_would(void **state)
{
    enum { NAMES = 64, ROUNDS = 5000 };
    unsigned table[NAMES] = { 0 };
    struct etcd_kept k;

    (void)state;
    etcd_kept_init(&k, 1000);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned name = (unsigned)rand_below(NAMES), port = (unsigned)rand_below(4), at = 0;
        char key[32], value[32];

        snprintf(key, sizeof key, "/s/web/%02u", name);
        snprintf(value, sizeof value, "h:%u", port);
        assert_int_equal(apply(&k, key, port == 0 ? NULL : value), table[name] != port);
        table[name] = port;
        for (unsigned i = 0; i < NAMES; i++)
            if (table[i] != 0) {
                assert_true(at < k.n && k.at[at].port == table[i]);
                assert_int_equal(atoi(k.at[at].id), i);
                at++;
            }
        assert_int_equal(at, k.n);
    }
    etcd_kept_fini(&k);
}

/* --- values --- */

static void reads_all_of_a_value(void **state)
{
    struct endpoint e;
    struct arena a;

    (void)state;
    arena_init(&a, 1024);
    e = etcd_value_read(&a, STR("web-1"), STR(" {\"host\":\"192.0.2.1\",\"port\":8080,\"weight\":7,\"tier\":2,\"tls\":true,"
                                              "\"zone\":\"z\",\"node\":\"n\",\"tags\":[\"x\",\"y\"],\"meta\":{\"v\":\"2\"},"
                                              "\"state\":\"warning\",\"later\":{}}\n"));
    assert_null(e.wrong);
    assert_string_equal(e.id, "web-1");
    assert_string_equal(e.host, "192.0.2.1");
    assert_true(e.port == 8080 && e.weight == 7 && e.tier == 2 && e.tls && e.state == EP_WARNING);
    assert_string_equal(e.zone, "z");
    assert_string_equal(e.node, "n");
    assert_int_equal(e.tags.n, 2);
    assert_string_equal(e.tags.at[1], "y");
    assert_int_equal(e.meta.n, 1);
    assert_string_equal(e.meta.at[0].value, "2");
    e = etcd_value_read(&a, STR("x"), STR("{\"host\":\"h\",\"port\":1}"));
    assert_true(e.wrong == NULL && e.weight == ENDPOINT_WEIGHT && e.state == EP_READY && !e.tls && e.tier == 0);
    arena_fini(&a);
}

static void plain_is(const char *value, const char *host, unsigned port)
{
    struct endpoint e;
    struct arena a;

    arena_init(&a, 256);
    e = etcd_value_read(&a, STR("x"), str_of(value));
    if (e.wrong != NULL)
        fail_msg("%s: %s", value, e.wrong);
    assert_string_equal(e.host, host);
    assert_int_equal(e.port, port);
    arena_fini(&a);
}

static void reads_plain_values(void **state)
{
    (void)state;
    plain_is("192.0.2.1:80", "192.0.2.1", 80);
    plain_is("  a.example:65535\r\n", "a.example", 65535);
    plain_is("[2001:db8::1]:1", "2001:db8::1", 1);
}

static void wrong_is(struct sc_str value, const char *part)
{
    struct sc_error err = SC_ERROR_INIT;
    struct endpoint e;
    struct arena a;

    arena_init(&a, 256);
    e = etcd_value_read(&a, STR("x"), value);
    if (endpoint_check(&e, &err) || strstr(err.text, part) == NULL)
        fail_msg("%.*s: %s", STR_ARG(value), err.text);
    arena_fini(&a);
}

static void says_what_is_wrong_with_a_value(void **state)
{
    struct sc_str large = { calloc(1, ETCD_VALUE_MAX + 1), ETCD_VALUE_MAX + 1 };

    (void)state;
    wrong_is(large, "64 KiB");
    free((char *)(uintptr_t)large.p);
    wrong_is(STR(""), "neither JSON");
    wrong_is(STR(":80"), "neither JSON");
    wrong_is(STR("h:"), "not a port");
    wrong_is(STR("h:0"), "not a port");
    wrong_is(STR("h:65536"), "not a port");
    wrong_is(STR("h:+80"), "not a port");
    wrong_is(STR("::1:80"), "brackets");
    wrong_is(STR("[]:80"), "host");
    wrong_is(STR("a\0b:80"), "no text");
    wrong_is(STR("{"), "not JSON");
    wrong_is(STR("{}"), "needs `host`");
    wrong_is(STR("{\"host\":7,\"port\":1}"), "`host`");
    wrong_is(STR("{\"host\":\"h\\u0000\",\"port\":1}"), "");
    wrong_is(STR("{\"host\":\"h\",\"port\":0}"), "`port`");
    wrong_is(STR("{\"host\":\"h\",\"port\":1.0}"), "`port`");
    wrong_is(STR("{\"host\":\"h\",\"port\":1,\"weight\":65536}"), "`weight`");
    wrong_is(STR("{\"host\":\"h\",\"port\":1,\"tier\":16}"), "`tier`");
    wrong_is(STR("{\"host\":\"h\",\"port\":1,\"tls\":1}"), "`tls`");
    wrong_is(STR("{\"host\":\"h\",\"port\":1,\"tags\":\"x\"}"), "`tags`");
    wrong_is(STR("{\"host\":\"h\",\"port\":1,\"tags\":[1]}"), "`tags`");
    wrong_is(STR("{\"host\":\"h\",\"port\":1,\"meta\":[]}"), "`meta`");
    wrong_is(STR("{\"host\":\"h\",\"port\":1,\"meta\":{\"a\":1}}"), "`meta`");
    wrong_is(STR("{\"host\":\"h\",\"port\":1,\"state\":\"up\"}"), "`state`");
    wrong_is(STR("{\"host\":\"h\",\"port\":1,\"state\":1}"), "`state`");
    wrong_is(STR("{\"host\":\"h\",\"port\":1,\"zone\":1}"), "`zone`");
    wrong_is(STR("{\"unix\":\"/run/x\"}"), "unix socket");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_applied_in_the_order_of_the_keys),
        cmocka_unit_test(keys_of_others_are_passed_over_or_refused),
        cmocka_unit_test(no_more_are_taken_than_there_is_room_for),
        cmocka_unit_test(random_changes_leave_what_a_table_would),
        cmocka_unit_test(reads_all_of_a_value),
        cmocka_unit_test(reads_plain_values),
        cmocka_unit_test(says_what_is_wrong_with_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
