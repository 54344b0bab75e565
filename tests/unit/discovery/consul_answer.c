/* tests/unit/discovery/consul_answer.c - from Consul's JSON to endpoints.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "discovery/providers/consul_answer.h"

#include <stdio.h>

struct reading {
    struct consul_answer answer;
    const struct endpoint *at;
    unsigned n;
};

static struct reading read_as(const char *text, const struct consul_want *want)
{
    struct sc_error e = SC_ERROR_INIT;
    struct reading r;

    consul_answer_init(&r.answer, 0);
    if (!consul_answer_read(&r.answer, want, str_of(text), &e))
        fail_msg("%s", e.text);
    r.at = consul_answer_end(&r.answer, &r.n);
    return r;
}

static bool is_refused(const char *text, const struct consul_want *want, struct sc_error *e)
{
    struct consul_answer a;
    bool ok;

    consul_answer_init(&a, 0);
    ok = consul_answer_read(&a, want, str_of(text), e);
    consul_answer_fini(&a);
    return !ok;
}

static struct reading read_it(const char *text)
{
    return read_as(text, &(struct consul_want){ false, NULL, false });
}

/* What stands for one entry, with a service and checks as said. */
#define ENTRY(service, checks) \
    "[{\"Node\":{\"Node\":\"n\",\"Address\":\"192.0.2.9\"},\"Service\":" service ",\"Checks\":" checks "}]"
#define PLAIN "{\"ID\":\"a\",\"Address\":\"192.0.2.1\",\"Port\":80"

static void reads_all_of_an_entry(void **state)
{
    struct reading a = read_it(
        "[{\"Node\":{\"ID\":\"x\",\"Node\":\"n1\",\"Address\":\"192.0.2.9\",\"Datacenter\":\"dc1\"},"
        "\"Service\":{\"ID\":\"web-1\",\"Service\":\"web\",\"Tags\":[\"v1\",\"x\"],\"Address\":\"192.0.2.1\","
        "\"Meta\":{\"version\":\"2\",\"zone\":\"z\"},\"Port\":8080,\"Weights\":{\"Passing\":10,\"Warning\":3}},"
        "\"Checks\":[{\"CheckID\":\"serfHealth\",\"Status\":\"passing\"}]}]");
    const struct endpoint *e = a.at;

    (void)state;
    assert_int_equal(a.n, 1);
    assert_null(e->wrong);
    assert_string_equal(e->id, "web-1");
    assert_string_equal(e->host, "192.0.2.1");
    assert_int_equal(e->port, 8080);
    assert_int_equal(e->weight, 10);
    assert_int_equal(e->state, EP_READY);
    assert_string_equal(e->node, "n1");
    assert_string_equal(e->zone, "z");
    assert_int_equal(e->tags.n, 2);
    assert_string_equal(e->tags.at[1], "x");
    assert_int_equal(e->meta.n, 2);
    assert_string_equal(e->meta.at[0].name, "version");
    assert_string_equal(e->meta.at[0].value, "2");
    consul_answer_fini(&a.answer);
}

static void reads_a_prepared_query(void **state)
{
    struct consul_want want = { false, NULL, true };
    struct sc_error e = SC_ERROR_INIT;
    struct reading a = read_as("{\"Service\":\"web\",\"Nodes\":" ENTRY(PLAIN "}", "[]") ",\"Failovers\":1}", &want);

    (void)state;
    assert_int_equal(a.n, 1);
    assert_string_equal(a.at[0].host, "192.0.2.1");
    consul_answer_fini(&a.answer);
    assert_true(is_refused("[]", &want, &e));
    assert_true(is_refused("{\"Nodes\":null}", &want, &e));
    assert_true(is_refused("{}", &want, &e));
}

static void state_of(const char *checks, bool passing_only, enum endpoint_state want, unsigned weight)
{
    char text[1000];
    struct reading a;

    snprintf(text, sizeof text, ENTRY(PLAIN ",\"Weights\":{\"Passing\":10,\"Warning\":3}}", "%s"), checks);
    a = read_as(text, &(struct consul_want){ passing_only, NULL, false });
    assert_null(a.at[0].wrong);
    assert_int_equal(a.at[0].state, want);
    assert_int_equal(a.at[0].weight, weight);
    consul_answer_fini(&a.answer);
}

static void the_worst_check_counts(void **state)
{
    (void)state;
    state_of("[]", false, EP_READY, 10);
    state_of("null", false, EP_READY, 10);
    state_of("[{\"Status\":\"passing\"},{\"Status\":\"warning\"}]", false, EP_WARNING, 3);
    state_of("[{\"Status\":\"warning\"},{\"Status\":\"passing\"}]", true, EP_NOT_PASSING, 3);
    state_of("[{\"Status\":\"critical\"},{\"Status\":\"warning\"}]", false, EP_CRITICAL, 10);
    state_of("[{\"Status\":\"odd\"}]", false, EP_CRITICAL, 10);
    state_of("[{}]", false, EP_CRITICAL, 10);
    state_of("[7]", false, EP_CRITICAL, 10);
    state_of("[{\"CheckID\":\"_node_maintenance\",\"Status\":\"critical\"},{\"Status\":\"critical\"}]", false,
             EP_MAINTENANCE, 10);
    state_of("[{\"CheckID\":\"_service_maintenance:a\",\"Status\":\"critical\"}]", false, EP_MAINTENANCE, 10);
}

static void host_of(const char *service, const char *node, const char *tag, const char *want, unsigned port)
{
    char text[1000];
    struct reading a;

    snprintf(text, sizeof text, "[{\"Node\":%s,\"Service\":%s}]", node, service);
    a = read_as(text, &(struct consul_want){ false, tag, false });
    if (a.at[0].wrong != NULL)
        fail_msg("%s: %s", text, a.at[0].wrong);
    assert_string_equal(a.at[0].host, want);
    assert_int_equal(a.at[0].port, port);
    consul_answer_fini(&a.answer);
}

static void addresses_have_an_order(void **state)
{
    static const char *const both = "{\"Address\":\"10.0.0.1\",\"Port\":1,\"TaggedAddresses\":{\"wan\":{\"Address\":"
                                    "\"203.0.113.1\",\"Port\":2}}}";
    static const char *const node = "{\"Address\":\"10.9.9.9\",\"TaggedAddresses\":{\"wan\":\"203.0.113.9\"}}";

    (void)state;
    host_of(both, node, NULL, "10.0.0.1", 1);
    host_of(both, node, "wan", "203.0.113.1", 2);
    host_of(both, node, "lan", "10.0.0.1", 1);
    host_of("{\"Port\":3}", node, NULL, "10.9.9.9", 3);
    host_of("{\"Address\":\"\",\"Port\":3}", node, "wan", "203.0.113.9", 3);
    host_of("{\"Address\":\"\",\"Port\":3}", node, "lan", "10.9.9.9", 3);
    host_of("{\"Address\":\"::1\",\"Port\":3}", "{}", NULL, "::1", 3);
    host_of("{\"Address\":\"10.0.0.1\",\"Port\":3}", "null", "wan", "10.0.0.1", 3);
}

static void wrong_is(const char *text, const char *want)
{
    struct reading a = read_it(text);

    assert_int_equal(a.n, 1);
    if (a.at[0].wrong == NULL || strstr(a.at[0].wrong, want) == NULL)
        fail_msg("%s: %s", text, a.at[0].wrong == NULL ? "fine" : a.at[0].wrong);
    assert_false(endpoint_check(&a.at[0], NULL));
    consul_answer_fini(&a.answer);
}

static void what_makes_no_sense_is_wrong(void **state)
{
    (void)state;
    wrong_is("[null]", "without `Service`");
    wrong_is("[{}]", "without `Service`");
    wrong_is("[[]]", "without `Service`");
    wrong_is("[{\"Service\":[]}]", "without `Service`");
    wrong_is("[{\"Service\":{}}]", "neither");
    wrong_is("[{\"Service\":{\"Address\":7,\"Port\":1}}]", "neither");
    wrong_is("[{\"Service\":{\"Address\":\"a\\u0000b\",\"Port\":1}}]", "neither");
    wrong_is(ENTRY("{\"ID\":\"a\"}", "[]"), "`Service.Port`");
    wrong_is(ENTRY("{\"ID\":\"a\",\"Port\":\"80\"}", "[]"), "`Service.Port`");
    wrong_is(ENTRY("{\"ID\":\"a\",\"Port\":-1}", "[]"), "`Service.Port`");
    wrong_is(ENTRY("{\"ID\":\"a\",\"Port\":65536}", "[]"), "`Service.Port`");
    wrong_is(ENTRY("{\"ID\":\"a\",\"Port\":1.5}", "[]"), "`Service.Port`");
    wrong_is(ENTRY("{\"ID\":\"a\",\"Port\":0}", "[]"), "no port");
    wrong_is(ENTRY(PLAIN "}", "{}"), "`Checks`");
    wrong_is(ENTRY(PLAIN ",\"Weights\":[]}", "[]"), "`Service.Weights`");
    wrong_is(ENTRY(PLAIN ",\"Weights\":{\"Passing\":-1}}", "[]"), "`Service.Weights`");
    wrong_is(ENTRY(PLAIN ",\"Weights\":{\"Passing\":65536}}", "[]"), "`Service.Weights`");
    wrong_is(ENTRY(PLAIN ",\"Weights\":{\"Passing\":\"1\"}}", "[]"), "`Service.Weights`");
    wrong_is(ENTRY(PLAIN ",\"SocketPath\":\"/run/x\"}", "[]"), "unix socket");
}

static void odd_tags_and_meta_are_left_out(void **state)
{
    struct reading a =
        read_it(ENTRY(PLAIN ",\"Tags\":[1,\"t\",null,\"a\\u0000b\"],\"Meta\":{\"a\":1,\"b\":\"c\"}}", "[]"));

    (void)state;
    assert_null(a.at[0].wrong);
    assert_int_equal(a.at[0].tags.n, 1);
    assert_string_equal(a.at[0].tags.at[0], "t");
    assert_int_equal(a.at[0].meta.n, 1);
    assert_string_equal(a.at[0].meta.at[0].value, "c");
    consul_answer_fini(&a.answer);
    a = read_it(ENTRY(PLAIN ",\"Tags\":{},\"Meta\":[]}", "[]"));
    assert_null(a.at[0].wrong);
    assert_int_equal(a.at[0].tags.n + a.at[0].meta.n, 0);
    consul_answer_fini(&a.answer);
}

static void the_weight_is_1_where_none_is_stated(void **state)
{
    struct reading a = read_it(ENTRY(PLAIN "}", "[]"));

    (void)state;
    assert_int_equal(a.at[0].weight, 1);
    consul_answer_fini(&a.answer);
}

static void the_order_is_ours(void **state)
{
    struct reading a =
        read_it("[{\"Service\":{\"ID\":\"b\",\"Address\":\"192.0.2.2\",\"Port\":2}},"
                "{\"Service\":{\"ID\":\"a\",\"Address\":\"192.0.2.3\",\"Port\":3},\"Node\":{\"Node\":\"2\"}},"
                "{\"Service\":{\"ID\":\"a\",\"Address\":\"192.0.2.1\",\"Port\":1},\"Node\":{\"Node\":\"1\"}}]");

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(a.at[i].port, i == 0 ? 1 : i == 1 ? 3 : 2);
    consul_answer_fini(&a.answer);
}

static void an_empty_list_is_an_answer(void **state)
{
    struct reading a = read_it("[]");

    (void)state;
    assert_int_equal(a.n, 0);
    consul_answer_fini(&a.answer);
}

static void what_is_no_list_is_refused(void **state)
{
    static const char *const texts[] = { "", " ", "{}", "null", "true", "\"[]\"", "[", "[]x", "[{\"a\":1,\"a\":2}]", "[1,]",
                                         "[\"\xff\"]", "['a']", "[01]" };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sc_error e = SC_ERROR_INIT;

        assert_true(is_refused(texts[i], &(struct consul_want){ false, NULL, false }, &e));
        assert_true(strncmp(e.text, "not ", 4) == 0);
    }
}

/* --- what was read before --- */

/* In two pieces. */
static struct reading read_again(const char *text, const struct consul_memory *m, size_t cut)
{
    struct consul_want want = { false, NULL, false };
    struct sc_error e = SC_ERROR_INIT;
    struct sc_str all = str_of(text);
    struct reading r;

    consul_answer_init(&r.answer, m->n);
    assert_true(consul_answer_piece(&r.answer, &want, m, (struct sc_str){ all.p, cut }, &e));
    assert_true(consul_answer_piece(&r.answer, &want, m, str_skip(all, cut), &e));
    assert_true(consul_answer_is_whole(&r.answer, &e));
    r.at = consul_answer_end(&r.answer, &r.n);
    return r;
}

#define SMALL(id, port) "{\"Service\":{\"ID\":\"" #id "\",\"Address\":\"192.0.2.1\",\"Port\":" #port "}}"

static void what_was_read_before_is_known(void **state)
{
    static const char first[] = "[" SMALL(b, 2) ", " SMALL(a, 1) ",\n" SMALL(c, 3) "]",
                      second[] = "[" SMALL(d, 9) "," SMALL(c, 3) "," SMALL(b, 7) "," SMALL(a, 1) "," SMALL(a, 1) "]";
    static const unsigned ports[] = { 1, 1, 7, 3, 9 };

    (void)state;
    for (size_t cut = 0; cut < sizeof second; cut++) {
        struct consul_memory m = { .n = 0 };
        struct reading one = read_again(first, &m, cut < sizeof first ? cut : 0), two;

        assert_false(consul_answer_is_same(&one.answer, &m));
        consul_answer_remember(&one.answer, &m);
        consul_answer_fini(&one.answer);
        assert_int_equal(m.n, 3);
        ((struct endpoint *)(uintptr_t)m.entries[0].at)->weight = 77;      /* a mark on what is remembered of `a` */
        two = read_again(second, &m, cut);
        assert_false(consul_answer_is_same(&two.answer, &m));
        assert_int_equal(two.n, 5);
        for (unsigned i = 0; i < 5; i++) {
            assert_int_equal(two.at[i].port, ports[i]);
            assert_int_equal(two.at[i].weight, i < 2 ? 77 : 1);
        }
        consul_answer_remember(&two.answer, &m);
        consul_answer_fini(&two.answer);
        two = read_again(second, &m, cut);
        assert_true(consul_answer_is_same(&two.answer, &m));
        consul_answer_fini(&two.answer);
        consul_memory_fini(&m);
    }
}

static void another_order_is_another_answer(void **state)
{
    struct consul_memory m = { .n = 0 };
    struct reading one = read_again("[" SMALL(b, 2) "," SMALL(a, 1) "]", &m, 3), two;

    (void)state;
    consul_answer_remember(&one.answer, &m);
    two = read_again("[" SMALL(a, 1) "," SMALL(b, 2) "]", &m, 3);
    assert_false(consul_answer_is_same(&two.answer, &m));
    for (unsigned i = 0; i < 2; i++)
        assert_true(endpoint_equal(m.entries[i].at, &two.at[i]));
    consul_answer_fini(&one.answer);
    consul_answer_fini(&two.answer);
    consul_memory_fini(&m);
}

static void a_prepared_query_is_remembered_as_a_whole(void **state)
{
    static const char text[] = "{\"Nodes\":[" SMALL(a, 1) "]}", other[] = "{\"Nodes\":[" SMALL(a, 2) "]}";
    struct consul_want want = { false, NULL, true };
    struct reading one = read_as(text, &want), same = read_as(text, &want), two = read_as(other, &want);
    struct consul_memory m = { .n = 0 };

    (void)state;
    consul_answer_remember(&one.answer, &m);
    assert_true(consul_answer_is_same(&same.answer, &m));
    assert_false(consul_answer_is_same(&two.answer, &m));
    consul_answer_fini(&one.answer);
    consul_answer_fini(&same.answer);
    consul_answer_fini(&two.answer);
    consul_memory_fini(&m);
}

static void small_entries_are_counted(void **state)
{
    struct consul_want want = { false, NULL, false };
    struct sc_error e = SC_ERROR_INIT;
    struct buf text = BUF_INIT;

    (void)state;
    buf_puts(&text, "[1");
    for (unsigned i = 1; i < 1u << 17; i++)
        buf_puts(&text, ",1");
    buf_puts(&text, "]");
    assert_false(is_refused(text.p, &want, &e));
    text.p[text.n - 1] = ',';
    buf_puts(&text, "1]");
    assert_true(is_refused(text.p, &want, &e));
    assert_string_equal(e.text, "the answer has too many entries");
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_of_an_entry),
        cmocka_unit_test(reads_a_prepared_query),
        cmocka_unit_test(the_worst_check_counts),
        cmocka_unit_test(addresses_have_an_order),
        cmocka_unit_test(what_makes_no_sense_is_wrong),
        cmocka_unit_test(odd_tags_and_meta_are_left_out),
        cmocka_unit_test(the_weight_is_1_where_none_is_stated),
        cmocka_unit_test(the_order_is_ours),
        cmocka_unit_test(an_empty_list_is_an_answer),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(what_was_read_before_is_known),
        cmocka_unit_test(another_order_is_another_answer),
        cmocka_unit_test(a_prepared_query_is_remembered_as_a_whole),
        cmocka_unit_test(small_entries_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
