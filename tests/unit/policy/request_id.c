/* tests/unit/policy/request_id.c - policy/request-id.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "conf/load.h"
#include "policy/registry.h"
#include "tests/unit/policy/fake.h"

#include <stdio.h>
#include <stdlib.h>

/* The policy as a configuration of this text makes it, on one exchange. */
struct fixture {
    struct arena arena;
    struct conf_report report;
    const struct sc_policy *policy;
    void *conf;
    uint64_t counters[3];
    struct sc_self self;
    struct sc_exchange x;
    bool ok;
};

static void setup(struct fixture *f, const char *yaml)
{
    struct conf_load load;
    struct sc_error e = SC_ERROR_INIT;

    memset(f, 0, sizeof *f);
    arena_init(&f->arena, 4096);
    report_init(&f->report);
    f->policy = policy_find(STR("request-id"));
    assert_non_null(f->policy);
    f->conf = arena_zero(&f->arena, f->policy->conf_size);
    conf_load_init(&load, &f->arena, &f->report);
    f->ok = conf_load_object(&load, tree_parse(&f->arena, &f->report, "test.yaml", str_of(yaml)), f->policy->fields,
                             f->conf) && f->policy->check(f->conf, &e);
    conf_load_fini(&load);
    f->self = (struct sc_self){ .conf = f->conf, .counters = f->counters };
    fake_init(&f->x);
}

static void teardown(struct fixture *f)
{
    fake_fini(&f->x);
    report_fini(&f->report);
    arena_fini(&f->arena);
}

static void request(struct fixture *f)
{
    assert_true(f->ok);
    assert_int_equal(f->policy->on_request(&f->self, &f->x), SC_CONTINUE);
}

static bool is_uuid(struct sc_str s, char version)
{
    for (size_t i = 0; i < s.n; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23 ? s.p[i] != '-' : strchr("0123456789abcdef", s.p[i]) == NULL)
            return false;
    return s.n == 36 && s.p[14] == version && strchr("89ab", s.p[19]) != NULL;
}

static void makes_one_and_tells_everybody(void **state)
{
    struct fixture f;
    const char *id;

    (void)state;
    setup(&f, "{}");
    request(&f);
    assert_true(is_uuid(f.x.id, '7'));
    id = fake_outgoing(&f.x, "x-request-id");
    assert_non_null(id);
    assert_true(str_eq(str_of(id), f.x.id));
    assert_int_equal(f.counters[1], 1);
    headers_add(&f.x.response, STR("X-Request-Id"), STR("from-the-target"));
    assert_int_equal(f.policy->on_response(&f.self, &f.x), SC_CONTINUE);
    assert_string_equal(fake_response(&f.x, "X-Request-ID"), id);
    teardown(&f);
}

static void begins_with_the_time(void **state)
{
    struct fixture f;
    char want[40];

    (void)state;
    setup(&f, "format: uuid7");
    request(&f);
    snprintf(want, sizeof want, "%08llx-%04llx", (unsigned long long)f.x.wall >> 16,
             (unsigned long long)f.x.wall & 0xffff);
    assert_memory_equal(f.x.id.p, want, 13);
    teardown(&f);
}

static void other_formats(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "format: uuid4");
    request(&f);
    assert_true(is_uuid(f.x.id, '4'));
    teardown(&f);
    setup(&f, "{ format: hex, header_name: Correlation }");
    request(&f);
    assert_int_equal(f.x.id.n, 32);
    assert_int_equal(strspn(f.x.id.p, "0123456789abcdef"), 32);
    assert_non_null(fake_outgoing(&f.x, "correlation"));
    teardown(&f);
}

static void keeps_what_it_may_believe(void **state)
{
    char longest[129], too_long[130];
    const struct {
        const char *conf;
        bool trusted;
        const char *id;
        bool kept;
    } cases[] = {
        { "{}", true, "abc-123", true },
        { "{}", false, "abc-123", false },
        { "trust: always", false, "abc-123", true },
        { "trust: never", true, "abc-123", false },
        { "{}", true, "!#$%&'*+-.^_`|~09azAZ", true },
        { "{}", true, "", false },
        { "{}", true, "a b", false },
        { "{}", true, "a\"b", false },
        { "{}", true, "a,b", false },
        { "{}", true, "<script>", false },
        { "{}", true, "caf\xc3\xa9", false },
        { "{}", true, longest, true },
        { "{}", true, too_long, false },
    };

    (void)state;
    memset(longest, 'x', 128);
    longest[128] = '\0';
    memset(too_long, 'x', 129);
    too_long[129] = '\0';
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;

        setup(&f, cases[i].conf);
        f.x.trusted = cases[i].trusted;
        fake_header(&f.x, "x-request-id", cases[i].id);
        request(&f);
        if (str_eq(f.x.id, str_of(cases[i].id)) != cases[i].kept)
            fail_msg("case %u: \"%s\" became \"%.*s\"", i, cases[i].id, STR_ARG(f.x.id));
        assert_true(str_eq(str_of(fake_outgoing(&f.x, "X-Request-ID")), f.x.id));
        assert_int_equal(f.counters[0], cases[i].kept);
        assert_int_equal(f.counters[1], !cases[i].kept);
        assert_int_equal(f.counters[2], !cases[i].kept);
        teardown(&f);
    }
}

static void two_ids_are_none(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "trust: always");
    fake_header(&f.x, "X-Request-ID", "one");
    fake_header(&f.x, "x-request-id", "two");
    request(&f);
    assert_true(is_uuid(f.x.id, '7'));
    assert_true(str_eq(str_of(fake_outgoing(&f.x, "X-Request-ID")), f.x.id));
    teardown(&f);
}

static void ids_differ(void **state)
{
    struct fixture f;
    struct sc_str last = STR_NONE;

    (void)state;
    setup(&f, "{}");
    for (unsigned i = 0; i < 1000; i++) {
        request(&f);
        assert_false(str_eq(f.x.id, last));
        last = f.x.id;
    }
    teardown(&f);
}

static void refuses_what_cannot_be_meant(void **state)
{
    const char *const bad[] = { "header_name: Host", "header_name: content-length", "header_name: 'a b'",
                                "format: uuid", "trust: yes", "header: X" };

    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fixture f;

        setup(&f, bad[i]);
        assert_false(f.ok);
        teardown(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_one_and_tells_everybody),
        cmocka_unit_test(begins_with_the_time),
        cmocka_unit_test(other_formats),
        cmocka_unit_test(keeps_what_it_may_believe),
        cmocka_unit_test(two_ids_are_none),
        cmocka_unit_test(ids_differ),
        cmocka_unit_test(refuses_what_cannot_be_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
