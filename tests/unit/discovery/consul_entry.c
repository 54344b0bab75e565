/* tests/unit/discovery/consul_entry.c - a service of this host in Consul's words.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/providers/consul_entry.h"
#include "discovery/registration/registration.h"

static void all_that_is_stated_is_written(void **state)
{
    static const char *const tags[] = { "v7", "a \"b\"" };
    static const struct sc_pair meta[] = { { "version", "1.0.0" } };
    static const struct sc_pair addresses[] = { { "wan", "203.0.113.5:443" }, { "lan", "[fd00::1]" } };
    static const struct registration_check_conf check = { .deregister_critical_after = 60000 };
    struct registration_conf c = { .name = "web", .address = "10.0.0.1", .port = 8443, .tags = { tags, 2 },
                                   .meta = { meta, 1 }, .tagged_addresses = { addresses, 2 },
                                   .weight = { 10, 3 }, .check = &check };
    struct buf b = BUF_INIT;

    (void)state;
    consul_entry_write(&b, &c, "web-n1-8443", ENROL_PASSING, "outrider 1");
    assert_string_equal(b.p,
        "{\"ID\":\"web-n1-8443\",\"Name\":\"web\",\"Address\":\"10.0.0.1\",\"Port\":8443,"
        "\"TaggedAddresses\":{\"wan\":{\"Address\":\"203.0.113.5\",\"Port\":443},"
        "\"lan\":{\"Address\":\"fd00::1\",\"Port\":8443}},"
        "\"Tags\":[\"v7\",\"a \\\"b\\\"\"],\"Meta\":{\"version\":\"1.0.0\"},\"Weights\":{\"Passing\":10,\"Warning\":3},"
        "\"EnableTagOverride\":false,\"Check\":{\"CheckID\":\"service:web-n1-8443\",\"Name\":\"outrider\","
        "\"Notes\":\"outrider 1\","
        "\"TTL\":\"15000ms\",\"Status\":\"passing\",\"DeregisterCriticalServiceAfter\":\"60000ms\"}}");
    buf_fini(&b);
}

static void the_least_is_written(void **state)
{
    struct registration_conf c = { .name = "web", .port = 1, .weight = { 1, 1 } };
    struct buf b = BUF_INIT;

    (void)state;
    consul_entry_write(&b, &c, "x", ENROL_CRITICAL, "outrider 1");
    assert_string_equal(b.p,
        "{\"ID\":\"x\",\"Name\":\"web\",\"Port\":1,\"Tags\":[],\"Meta\":{},\"Weights\":{\"Passing\":1,\"Warning\":1},"
        "\"EnableTagOverride\":false,\"Check\":{\"CheckID\":\"service:x\",\"Name\":\"outrider\","
        "\"Notes\":\"outrider 1\",\"TTL\":\"15000ms\","
        "\"Status\":\"critical\"}}");
    buf_clear(&b);
    consul_entry_write_report(&b, ENROL_WARNING, "status \"503\"");
    assert_string_equal(b.p, "{\"Status\":\"warning\",\"Output\":\"status \\\"503\\\"\"}");
    buf_fini(&b);
}

static void what_the_agent_does_not_know_is_told_from_failures(void **state)
{
    (void)state;
    assert_int_equal(consul_entry_outcome(ENROL_REPORT, 200, STR("")), ENROL_DONE);
    assert_int_equal(consul_entry_outcome(ENROL_REPORT, 404, STR("Unknown check ID \"x\"")), ENROL_NOT_THERE);
    assert_int_equal(consul_entry_outcome(ENROL_REPORT, 500, STR("CheckID \"x\" does not have associated TTL")),
                     ENROL_NOT_THERE);
    assert_int_equal(consul_entry_outcome(ENROL_REPORT, 500, STR("Unknown check \"service:x\"")), ENROL_NOT_THERE);
    assert_int_equal(consul_entry_outcome(ENROL_REPORT, 500, STR("rpc error")), ENROL_FAILED);
    assert_int_equal(consul_entry_outcome(ENROL_REPORT, 403, STR("Permission denied")), ENROL_REFUSED);
    assert_int_equal(consul_entry_outcome(ENROL_DEREGISTER, 404, STR("Unknown service ID")), ENROL_NOT_THERE);
    assert_int_equal(consul_entry_outcome(ENROL_DEREGISTER, 500, STR("Unknown service \"x\"")), ENROL_NOT_THERE);
    assert_int_equal(consul_entry_outcome(ENROL_REGISTER, 404, STR("")), ENROL_REFUSED);
    assert_int_equal(consul_entry_outcome(ENROL_REGISTER, 400, STR("Invalid")), ENROL_REFUSED);
    assert_int_equal(consul_entry_outcome(ENROL_REGISTER, 500, STR("")), ENROL_FAILED);
}

static void find_is(const char *body, enum enrol_outcome want)
{
    struct sc_error e = SC_ERROR_INIT;

    assert_int_equal(consul_entry_find(str_of(body), "a", "outrider 1", &e), want);
    assert_int_equal(e.text[0] != '\0', want == ENROL_FAILED);
}

static void an_answer_has_it_or_not(void **state)
{
    (void)state;
    find_is("[]", ENROL_NOT_THERE);
    find_is("[{\"Service\":{\"ID\":\"b\"}},{\"Service\":{\"ID\":\"a\"}}]", ENROL_DONE);
    find_is("[{\"Service\":{\"ID\":\"ab\"}},{\"Node\":{\"ID\":\"a\"}},7]", ENROL_NOT_THERE);
    find_is("[{\"Service\":{\"ID\":\"a\"},\"Checks\":[{\"CheckID\":\"service:a\",\"Notes\":\"outrider 1\"}]}]", ENROL_DONE);
    find_is("[{\"Service\":{\"ID\":\"a\"},\"Checks\":[{\"CheckID\":\"service:a\",\"Notes\":\"of others\"}]}]", ENROL_DONE);
    find_is("[{\"Service\":{\"ID\":\"a\"},\"Checks\":[{\"CheckID\":\"service:b\",\"Notes\":\"outrider 2\"}]}]", ENROL_DONE);
    find_is("[{\"Service\":{\"ID\":\"a\"},\"Checks\":[{\"CheckID\":\"service:a\",\"Notes\":\"outrider 2\"}]}]",
            ENROL_NOT_THERE);
    find_is("{}", ENROL_FAILED);
    find_is("[", ENROL_FAILED);
    find_is("", ENROL_FAILED);
}

static bool is_anothers(const char *body)
{
    return consul_entry_is_anothers(str_of(body), "a", "outrider 1");
}

static void a_mark_of_another_process_is_told_from_ours(void **state)
{
    (void)state;
    assert_true(is_anothers("{\"service:a\":{\"Notes\":\"outrider 2\"}}"));
    assert_false(is_anothers("{\"service:a\":{\"Notes\":\"outrider 1\"}}"));
    assert_false(is_anothers("{\"service:a\":{\"Notes\":\"\"}}"));
    assert_false(is_anothers("{\"service:a\":{}}"));
    assert_false(is_anothers("{\"service:b\":{\"Notes\":\"outrider 2\"}}"));
    assert_false(is_anothers("[]"));
    assert_false(is_anothers("Permission denied"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_stated_is_written),
        cmocka_unit_test(the_least_is_written),
        cmocka_unit_test(what_the_agent_does_not_know_is_told_from_failures),
        cmocka_unit_test(an_answer_has_it_or_not),
        cmocka_unit_test(a_mark_of_another_process_is_told_from_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
