/* tests/unit/policy/list.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "policy/list.h"
#include "policy/registry.h"

#include <stdio.h>
#include <string.h>

struct holder {
    struct policy_list policies;
};

static const struct sc_field fields[] = {
    SC_CUSTOM(struct holder, policies, struct policy_list, policy_list_load, .schema = policy_list_schema, .doc = "x"),
    SC_END
};

struct fixture {
    struct arena arena;
    struct conf_report report;
    struct holder holder;
    struct buf text;                    /* what was reported */
    bool ok;
};

static void setup(struct fixture *f, const char *yaml)
{
    struct conf_load load;

    memset(f, 0, sizeof *f);
    arena_init(&f->arena, 4096);
    report_init(&f->report);
    conf_load_init(&load, &f->arena, &f->report);
    f->ok = conf_load_object(&load, tree_parse(&f->arena, &f->report, "c.yaml", str_of(yaml)), fields, &f->holder);
    conf_load_fini(&load);
    report_print(&f->report, &f->text);
}

static void teardown(struct fixture *f)
{
    policy_list_fini(&f->holder.policies);
    buf_fini(&f->text);
    report_fini(&f->report);
    arena_fini(&f->arena);
}

static void takes_all_forms(void **state)
{
    const struct policy_entry *at;
    struct fixture f;

    (void)state;
    setup(&f, "policies:\n  - request-id\n  - request-id: { id: b, format: hex }\n"
              "  - request-id: { id: c, enabled: false }\n");
    if (!f.ok)
        fail_msg("%s", f.text.p);
    assert_int_equal(f.holder.policies.n, 3);
    at = f.holder.policies.at;
    assert_ptr_equal(at[0].policy, policy_find(STR("request-id")));
    assert_string_equal(at[0].id, "");
    assert_true(at[0].enabled);
    assert_string_equal(at[1].id, "b");
    assert_false(at[2].enabled);
    teardown(&f);
}

static void off_removes(void **state)
{
    const char *const texts[] = { "policies: [ { request-id: off } ]", "policies: [ { request-id: false } ]",
                                  "policies: [ { request-id: 'off' } ]" };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct fixture f;

        setup(&f, texts[i]);
        assert_true(f.ok);
        assert_true(f.holder.policies.at[0].off);
        teardown(&f);
    }
}

static void prints_what_holds(void **state)
{
    struct buf out = BUF_INIT;
    struct fixture f;

    (void)state;
    setup(&f, "policies: [ { request-id: { id: b, format: hex } } ]");
    policy_list_print(&f.holder.policies, &out);
    assert_string_equal(out.p, "[{\"request-id\":{\"enabled\":true,\"id\":\"b\",\"header_name\":\"X-Request-ID\","
                               "\"trust\":\"trusted\",\"format\":\"hex\"}}]");
    teardown(&f);
    buf_clear(&out);
    setup(&f, "policies: [ { request-id: off } ]");
    policy_list_print(&f.holder.policies, &out);
    assert_string_equal(out.p, "[{\"request-id\":\"off\"}]");
    teardown(&f);
    buf_fini(&out);
}

static bool same(const char *a, const char *b)
{
    char text[512];
    struct fixture f, g;
    bool equal;

    snprintf(text, sizeof text, "policies: [ { request-id: %s } ]", a);
    setup(&f, text);
    snprintf(text, sizeof text, "policies: [ { request-id: %s } ]", b);
    setup(&g, text);
    assert_true(f.ok && g.ok);
    equal = str_eq(f.holder.policies.at[0].conf->identity, g.holder.policies.at[0].conf->identity);
    teardown(&f);
    teardown(&g);
    return equal;
}

static void knows_equal_configurations(void **state)
{
    (void)state;
    assert_true(same("{ format: hex, trust: always }", "{ trust: always,   format: hex }"));
    assert_true(same("{ format: hex }", "{ format: hex, enabled: true, id: x }"));
    assert_false(same("{ format: hex }", "{ format: uuid4 }"));
    assert_false(same("{ header_name: a }", "{ header_name: b }"));
}

static void configurations_outlive_what_they_were_loaded_from(void **state)
{
    struct policy_conf *kept;
    struct fixture f;

    (void)state;
    setup(&f, "policies: [ { request-id: { header_name: Correlation-ID } } ]");
    kept = policy_conf_ref(f.holder.policies.at[0].conf);
    teardown(&f);
    /* header_name is its first member */
    assert_string_equal(*(const char *const *)kept->conf, "Correlation-ID");
    policy_conf_unref(&kept);
    assert_null(kept);
}

static void mistakes_are_told_with_their_place(void **state)
{
    static const struct {
        const char *in, *want;
    } cases[] = {
        { "policies: request-id", "c.yaml:1:11: policies: a list of policies is expected" },
        { "policies: { request-id: {} }", "c.yaml:1:11: policies: a list of policies is expected" },
        { "policies:\n  - request-ids: {}\n", "c.yaml:2:5: policies[0]: unknown policy \"request-ids\"; did you mean "
                                              "\"request-id\"?" },
        { "policies:\n  - request-id: { hedder: x }\n", "c.yaml:2:19: policies[0].request-id.hedder: unknown key" },
        { "policies:\n  - request-id: { format: guid }\n", "policies[0].request-id.format:" },
        { "policies:\n  - request-id: { enabled: maybe }\n", "policies[0].request-id.enabled:" },
        { "policies:\n  - request-id: { header_name: Host }\n",
          "policies[0].request-id: header_name: Host has a meaning" },
        { "policies:\n  - request-id: on\n", "policies[0].request-id: a map" },
        { "policies:\n  - request-id: {}\n    cors: {}\n", "policies[0]: one policy is expected here" },
        { "policies:\n  - 7\n", "policies[0]: one policy is expected here" },
        { "policies:\n  - request-id: {}\n  - request-id: {}\n", "c.yaml:3:5: policies[1]: request-id stands twice" },
        { "policies:\n  - request-id: off\n  - request-id: { id: x }\n", "policies[1]: request-id stands twice" },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;

        setup(&f, cases[i].in);
        assert_false(f.ok);
        if (f.text.p == NULL || strstr(f.text.p, cases[i].want) == NULL)
            fail_msg("wanted %s\ngot %s", cases[i].want, f.text.p);
        teardown(&f);
    }
}

static void every_policy_is_found_by_its_name(void **state)
{
    const struct sc_policy *p;
    unsigned n = 0;

    (void)state;
    for (; (p = policy_at(n)) != NULL; n++) {
        assert_ptr_equal(policy_find(str_of(p->name)), p);
        assert_string_equal(policy_names()[n], p->name);
        assert_int_equal(p->abi_major, SC_ABI_MAJOR);
        assert_true(p->abi_minor <= SC_ABI_MINOR && p->size <= sizeof *p && p->summary != NULL);
        assert_true(n == 0 || strcmp(policy_at(n - 1)->name, p->name) < 0);
    }
    assert_null(policy_names()[n]);
    assert_null(policy_find(STR("")));
    assert_true(n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_all_forms),
        cmocka_unit_test(off_removes),
        cmocka_unit_test(prints_what_holds),
        cmocka_unit_test(knows_equal_configurations),
        cmocka_unit_test(configurations_outlive_what_they_were_loaded_from),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(every_policy_is_found_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
