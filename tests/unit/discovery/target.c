/* tests/unit/discovery/target.c - targets, their addresses, and sets of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/endpoint.h"
#include "discovery/table.h"
#include "tests/unit/discovery/kit.h"

#define N(array) (sizeof(array) / sizeof (array)[0])

static void prints_addresses(void **state)
{
    static const struct { const char *host, *text; } cases[] = {
        { "127.0.0.1", "127.0.0.1:8083" },       { "::1", "[::1]:8083" },
        { "2001:db8:0::7", "[2001:db8::7]:8083" }, { "::1%lo", "[::1%lo]:8083" },
        { "127.0.0.256", NULL },                 { "127.1", NULL },
        { "[::1]", NULL },                       { "::1%nosuchif0", NULL },
        { "localhost", NULL },                   { "", NULL },
    };

    (void)state;
    for (unsigned i = 0; i < N(cases); i++) {
        char text[ADDRESS_TEXT_MAX];
        struct address a;

        assert_int_equal(address_numeric(&a, cases[i].host, 8083), cases[i].text != NULL);
        if (cases[i].text == NULL)
            continue;
        address_print(text, (struct sockaddr *)&a.sa);
        assert_string_equal(text, cases[i].text);
    }
}

static void knows_names(void **state)
{
    static const struct { const char *host; bool ok; } cases[] = {
        { "localhost", true }, { "users.internal", true },   { "users.internal.", true }, { "a_b.c-d.e1", true },
        { "1.example", true }, { "xn--bcher-kva.example", true }, { "3com", true },  { "0x7g", true },
        { "", false },         { ".", false },               { "a..b", false },           { ".a", false },
        { "-a", false },       { "a-.b", false },            { "a b", false },            { "a/b", false },
        { "127.0.0.256", false }, { "0x7f.1", false },       { "0x7f", false },           { "2130706433", false },
        { "a\r\nb", false },   { "a:80", false },            { "b\xc3\xbc" "cher", false },
        { "a123456789012345678901234567890123456789012345678901234567890123.x", false },
    };

    (void)state;
    for (unsigned i = 0; i < N(cases); i++)
        if (address_is_name(cases[i].host) != cases[i].ok)
            fail_msg("\"%s\"", cases[i].host);
}

static void checks_records(void **state)
{
    static const struct { struct endpoint e; const char *wrong; } cases[] = {
        { { .host = "127.0.0.1", .port = 80, .weight = 1 }, NULL },
        { { .host = "users.internal", .port = 80 }, NULL },
        { { .path = "/run/users.sock", .weight = 1 }, NULL },
        { { .host = "127.0.0.1" }, "port is missing" },
        { { .port = 80 }, "needs `host` and `port`, or `unix`" },
        { { .host = "a", .path = "/b", .port = 80 }, "has both `host` and `unix`" },
        { { .path = "/b", .port = 80 }, "port: a unix socket has none" },
        { { .path = "b" }, "unix: the path of a socket starts with a slash" },
        { { .host = "[::1]", .port = 80 }, "host: an IPv6 address is written without brackets" },
        { { .host = "1.2.3.400", .port = 80 }, "host: neither an address nor a host name" },
        { { .host = "a\r\nHost: b", .port = 80 }, "host: neither an address nor a host name" },
        { { .host = "a", .port = 80, .weight = 65536 }, "weight: more than 65535" },
    };

    (void)state;
    for (unsigned i = 0; i < N(cases); i++) {
        struct sc_error e = SC_ERROR_INIT;

        assert_int_equal(endpoint_check(&cases[i].e, &e), cases[i].wrong == NULL);
        assert_string_equal(e.text, cases[i].wrong == NULL ? "" : cases[i].wrong);
    }
}

static void copies_are_equal_and_deep(void **state)
{
    char tag[] = "v1";
    const char *tags[] = { tag };
    struct sc_pair meta[] = { { "version", "1.2.0" }, { "empty", NULL } };
    struct endpoint e = { .id = "u1", .host = "h", .port = 1, .weight = 2, .zone = "z", .node = "n",
                          .tags = { tags, 1 }, .meta = { meta, 2 } }, c;
    struct arena a;

    (void)state;
    arena_init(&a, 256);
    c = endpoint_copy(&a, &e);
    assert_true(endpoint_equal(&e, &c));
    tag[1] = '2';
    assert_false(endpoint_equal(&e, &c));
    tag[1] = '1';
    c.zone = NULL;
    assert_false(endpoint_equal(&e, &c));
    arena_fini(&a);
}

static void slots_are_reused_and_ids_are_not(void **state)
{
    struct target *a, *b;
    struct address at;
    uint32_t slot;
    uint64_t id;

    (void)state;
    address_numeric(&at, "127.0.0.1", 1);
    a = target_new("one", &at, false);
    assert_string_equal(a->address, "127.0.0.1:1");
    assert_string_equal(a->host, "one");
    assert_int_equal(a->port, 1);
    assert_int_equal((uintptr_t)a % 64, 0);
    slot = a->slot;
    id = a->id;
    b = target_ref(a);
    target_unref(&a);
    assert_null(a);
    a = target_new("two", &at, false);
    assert_int_not_equal(a->slot, slot);                    /* b still holds the first */
    target_unref(&b);
    b = target_new("three", &at, false);
    assert_int_equal(b->slot, slot);
    assert_true(b->id > id);
    assert_true(target_slots() > slot);
    target_unref(&a);
    target_unref(&b);
}

/* What of {state, tier, weight} may serve. */
static void judges_states_and_tiers(void **state)
{
    static const struct {
        struct { enum endpoint_state state; uint16_t tier; uint32_t weight; } in[3];
        const char *reason[3];
    } cases[] = {
        { { { EP_READY, 0, 1 }, { EP_WARNING, 0, 1 }, { EP_CRITICAL, 0, 1 } }, { NULL, NULL, "critical" } },
        { { { EP_READY, 0, 1 }, { EP_READY, 1, 1 }, { EP_READY, 0, 0 } }, { NULL, "tier", "weight 0" } },
        { { { EP_CRITICAL, 0, 1 }, { EP_READY, 1, 1 }, { EP_READY, 2, 1 } }, { "critical", NULL, "tier" } },
        { { { EP_READY, 0, 0 }, { EP_READY, 1, 1 }, { EP_READY, 1, 1 } }, { "weight 0", NULL, NULL } },
        { { { EP_SERVING_TERMINATING, 0, 1 }, { EP_READY, 0, 1 }, { EP_READY, 0, 1 } }, { "terminating", NULL, NULL } },
        { { { EP_SERVING_TERMINATING, 0, 1 }, { EP_CRITICAL, 0, 1 }, { EP_SERVING_TERMINATING, 1, 1 } },
          { NULL, "critical", "tier" } },
        { { { EP_CRITICAL, 0, 1 }, { EP_CRITICAL, 0, 1 }, { EP_READY, 0, 0 } }, { "critical", "critical", "weight 0" } },
    };

    (void)state;
    for (unsigned c = 0; c < N(cases); c++) {
        struct service_shared *service = service_shared_new("users");
        struct target_set *set = target_set_new(service, 3);
        struct endpoint e[3] = { { .host = "h" }, { .host = "h" }, { .host = "h" } };
        unsigned eligible = 0, spare = 0;
        struct address at;

        for (unsigned i = 0; i < 3; i++) {
            e[i].state = cases[c].in[i].state;
            set->at[i].tier = cases[c].in[i].tier;
            address_numeric(&at, "127.0.0.1", (uint16_t)(i + 1));
            set->at[i].target = target_new("h", &at, false);
            set->at[i].weight = cases[c].in[i].weight;
            set->at[i].record = &e[i];
        }
        target_set_finish(set, balancers[0], NULL);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(set->at[i].eligible, cases[c].reason[i] == NULL);
            if (cases[c].reason[i] != NULL)
                assert_string_equal(set->at[i].reason, cases[c].reason[i]);
            eligible += set->at[i].eligible;
            spare += cases[c].reason[i] != NULL && strcmp(cases[c].reason[i], "tier") == 0;
        }
        assert_int_equal(set->eligible, eligible);
        assert_int_equal(set->spare, spare);
        target_set_unref(&set);
        service_shared_unref(&service);
    }
}

static void tables_share_sets(void **state)
{
    struct service_shared *service = service_shared_new("users");
    struct target_set *set = kit_set(service, "round_robin", NULL, (uint32_t[]){ 1, 1 }, 2);
    struct table *one = table_new(1), *two = table_new(1), *again = table_ref(one);

    (void)state;
    table_put(one, 0, target_set_ref(set));
    table_put(two, 0, target_set_ref(set));
    table_unref(&one);
    assert_int_equal(set->refs, 3);
    table_unref(&again);
    assert_int_equal(set->refs, 2);
    table_unref(&two);
    assert_int_equal(set->refs, 1);
    target_set_unref(&set);
    service_shared_unref(&service);
}

/* A change of one set copies its page, and leaves the table before as it was. */
static void a_change_costs_a_page(void **state)
{
    enum { N = 3 * TABLE_PAGE + 1 };
    struct service_shared *service = service_shared_new("users");
    struct target_set *set = kit_set(service, "round_robin", NULL, (uint32_t[]){ 1 }, 1);
    struct target_set *other = kit_set(service, "round_robin", NULL, (uint32_t[]){ 1 }, 1);
    struct table *one = table_new(N), *two;

    (void)state;
    for (unsigned i = 0; i < N; i++)
        table_put(one, i, target_set_ref(set));
    assert_int_equal(set->refs, N + 1);
    two = table_copy(one);
    assert_int_equal(set->refs, N + 1);
    table_put(two, TABLE_PAGE, target_set_ref(other));
    table_put(two, TABLE_PAGE + 1, target_set_ref(other));
    assert_int_equal(set->refs, N + 1 + TABLE_PAGE - 2);
    assert_ptr_equal(table_set(one, TABLE_PAGE), set);
    assert_ptr_equal(table_set(two, TABLE_PAGE), other);
    assert_ptr_equal(table_set(two, TABLE_PAGE + 2), set);
    assert_ptr_equal(table_set(two, N - 1), set);
    assert_ptr_equal(one->pages[3], two->pages[3]);
    table_unref(&one);
    assert_int_equal(set->refs, N - 2 + 1);
    table_unref(&two);
    assert_int_equal(set->refs, 1);
    assert_int_equal(other->refs, 1);
    target_set_unref(&set);
    target_set_unref(&other);
    service_shared_unref(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_addresses),
        cmocka_unit_test(knows_names),
        cmocka_unit_test(checks_records),
        cmocka_unit_test(copies_are_equal_and_deep),
        cmocka_unit_test(slots_are_reused_and_ids_are_not),
        cmocka_unit_test(judges_states_and_tiers),
        cmocka_unit_test(tables_share_sets),
        cmocka_unit_test(a_change_costs_a_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
