/* tests/unit/discovery/etcd_entry.c - a service of this host in etcd's words.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/provider.h"
#include "discovery/providers/etcd_entry.h"
#include "discovery/providers/etcd_value.h"
#include "discovery/registration/registration.h"

static const struct registry_live live = { .name = "etcd", .node = "n1", .zone = "z1" };
static const struct registration_conf plain = { .name = "web", .address = "192.0.2.1", .port = 8443,
                                                .weight = { 1, 1 } };

static struct entry entry_of(const struct registration_conf *c, enum enrol_standing s)
{
    return (struct entry){ .registry = (struct registry_live *)&live, .conf = c, .id = "web-n1-8443", .name = "web",
                           .instance = "n1-8443", .standing = s };
}

/* As those read it who follow the service. */
static struct endpoint written(struct arena *a, const struct entry *e)
{
    struct buf text = BUF_INIT;
    struct endpoint to;

    etcd_entry_value(&text, e);
    to = etcd_value_read(a, STR("n1-8443"), buf_view(&text));
    buf_fini(&text);
    assert_null(to.wrong);
    return to;
}

static void a_key_has_the_service_and_the_instance(void **state)
{
    struct entry e = entry_of(&plain, ENROL_PASSING);
    struct buf key = BUF_INIT;

    (void)state;
    etcd_entry_key(&key, "/services/", &e);
    assert_string_equal(key.p, "/services/web/n1-8443");
    buf_fini(&key);
}

static void what_is_written_is_read(void **state)
{
    const char *tags[] = { "v7", "\"" };
    struct sc_pair meta[] = { { "version", "1.0.0" } }, wan[] = { { "wan", "203.0.113.5" } };
    struct registration_conf c = plain;
    struct entry e = entry_of(&c, ENROL_PASSING);
    struct endpoint got;
    struct arena a;

    (void)state;
    arena_init(&a, 1024);
    c.tags = (struct sc_strings){ tags, 2 };
    c.meta = (struct sc_pairs){ meta, 1 };
    c.tagged_addresses = (struct sc_pairs){ wan, 1 };
    got = written(&a, &e);
    assert_string_equal(got.host, "192.0.2.1");
    assert_int_equal(got.port, 8443);
    assert_int_equal(got.weight, ENDPOINT_WEIGHT);          /* none was stated */
    assert_string_equal(got.node, "n1");
    assert_string_equal(got.zone, "z1");
    assert_int_equal(got.tags.n, 2);
    assert_string_equal(got.tags.at[1], "\"");
    assert_int_equal(got.meta.n, 1);
    assert_string_equal(got.meta.at[0].value, "1.0.0");
    arena_fini(&a);
}

static void standings_are_states(void **state)
{
    static const struct { enum enrol_standing standing; bool maintenance; enum endpoint_state want; } rows[] = {
        { ENROL_PASSING, false, EP_READY }, { ENROL_WARNING, false, EP_WARNING },
        { ENROL_CRITICAL, false, EP_CRITICAL }, { ENROL_CRITICAL, true, EP_MAINTENANCE },
    };
    struct arena a;

    (void)state;
    arena_init(&a, 1024);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct entry e = entry_of(&plain, rows[i].standing);

        e.maintenance = rows[i].maintenance;
        assert_int_equal(written(&a, &e).state, rows[i].want);
    }
    arena_fini(&a);
}

static void a_stated_weight_follows_the_standing(void **state)
{
    struct registration_conf c = plain;
    struct arena a;

    (void)state;
    arena_init(&a, 1024);
    c.is_weighed = true;
    c.weight.passing = 10;
    c.weight.warning = 0;
    assert_int_equal(written(&a, &(struct entry[]){ entry_of(&c, ENROL_PASSING) }[0]).weight, 10);
    assert_int_equal(written(&a, &(struct entry[]){ entry_of(&c, ENROL_WARNING) }[0]).weight, 0);
    assert_int_equal(written(&a, &(struct entry[]){ entry_of(&c, ENROL_CRITICAL) }[0]).weight, 10);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_the_service_and_the_instance),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(standings_are_states),
        cmocka_unit_test(a_stated_weight_follows_the_standing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
