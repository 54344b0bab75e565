/* tests/unit/discovery/etcd_answer.c - what the JSON gateways of etcd 3.4 and 3.5 say, and what nobody says.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/providers/etcd_answer.h"
#include "discovery/providers/lines.h"

#include <stdlib.h>

#define HEADER \
    "\"header\":{\"cluster_id\":\"6001611773266757492\",\"member_id\":\"1\",\"revision\":\"7\",\"raft_term\":\"2\"}"
#define KEY_A "\"key\":\"L3NlcnZpY2VzL3dlYi9h\""           /* /services/web/a */
#define KEY_B "\"key\":\"L3NlcnZpY2VzL3dlYi9i\""
#define VALUE "\"value\":\"MTI3LjAuMC4xOjgx\""              /* 127.0.0.1:81 */

/* --- ranges --- */

/* As 3.5 spells it, with spaces. */
static void reads_a_range(void **state)
{
    struct sc_error e = SC_ERROR_INIT;
    struct etcd_range r;

    (void)state;
    assert_true(etcd_range_read(&r, STR("{" HEADER ", \"kvs\":[{" KEY_A ", \"create_revision\":\"2\", "
                                        "\"mod_revision\":\"2\", \"version\":\"1\", \"value\":\"eyJhIjoxfQ==\"}, {" KEY_B
                                        ",\"mod_revision\":\"7\"}], "
                                        "\"count\":\"2\", \"later\":[1]}"), &e));
    assert_true(r.cluster == 6001611773266757492 && r.revision == 7);
    assert_int_equal(r.events.n, 2);
    assert_str(r.events.at[0].key, "/services/web/a");
    assert_str(r.events.at[0].value, "{\"a\":1}");
    assert_true(r.events.at[0].revision == 2 && !r.events.at[0].deleted && !r.events.at[0].garbled);
    assert_str(r.events.at[1].value, "");
    assert_false(r.events.at[1].garbled);
    etcd_range_fini(&r);
    assert_true(etcd_range_read(&r, STR("{" HEADER "}"), &e));
    assert_int_equal(r.events.n, 0);
    etcd_range_fini(&r);
}

static void refuses_ranges(void **state)
{
    static const char *const wrong[] = {
        "", "{", "[]", "{}", "null", "{\"kvs\":[]}", "{\"header\":{}}", "{\"header\":{\"revision\":7}}",
        "{\"header\":{\"revision\":\"0\"}}", "{\"header\":{\"revision\":\"-1\"}}",
        "{\"header\":{\"revision\":\"99999999999999999999\"}}", "{\"header\":{\"revision\":\"7\",\"cluster_id\":8}}",
        "{" HEADER ",\"more\":true}", "{" HEADER ",\"more\":\"no\"}", "{" HEADER ",\"kvs\":{}}", "{" HEADER ",\"kvs\":[1]}",
        "{" HEADER ",\"kvs\":[{}]}", "{" HEADER ",\"kvs\":[{\"key\":\"\",\"mod_revision\":\"2\"}]}",
        "{" HEADER ",\"kvs\":[{\"key\":\"L3N=\",\"mod_revision\":\"2\"}]}", "{" HEADER ",\"kvs\":[{" KEY_A "}]}",
        "{" HEADER ",\"kvs\":[{" KEY_A ",\"mod_revision\":2}]}", "{" HEADER "," HEADER "}",
        "{\"code\":11, \"message\":\"etcdserver: mvcc: required revision has been compacted\"}",
        "{\"error\":\"etcdserver: request timed out\",\"message\":\"etcdserver: request timed out\",\"code\":14}",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sc_error e = SC_ERROR_INIT;
        struct etcd_range r;

        if (etcd_range_read(&r, str_of(wrong[i]), &e))
            fail_msg("taken: %s", wrong[i]);
        assert_true(e.text[0] != '\0');
    }
}

/* Nothing that is cut is taken. */
static void a_range_that_is_cut_is_none(void **state)
{
    static const struct sc_str whole = STR_INIT("{" HEADER ",\"kvs\":[{" KEY_A ",\"mod_revision\":\"2\"," VALUE "}]}");

    (void)state;
    for (size_t n = 0; n < whole.n; n++) {
        struct sc_error e = SC_ERROR_INIT;
        char *copy = malloc(n + 1);
        struct etcd_range r;

        memcpy(copy, whole.p, n);
        if (etcd_range_read(&r, (struct sc_str){ copy, n }, &e))
            fail_msg("taken: %.*s", (int)n, copy);
        free(copy);
    }
}

static void a_value_that_is_no_base64_touches_no_other(void **state)
{
    struct sc_error e = SC_ERROR_INIT;
    struct etcd_range r;

    (void)state;
    assert_true(etcd_range_read(&r, STR("{" HEADER ",\"kvs\":[{" KEY_A ",\"mod_revision\":\"2\",\"value\":\"*\"},{" KEY_B
                                        ",\"mod_revision\":\"3\"," VALUE "},{" KEY_B
                                        ",\"mod_revision\":\"3\",\"value\":7}]}"), &e));
    assert_true(r.events.at[0].garbled && !r.events.at[1].garbled && r.events.at[2].garbled);
    assert_str(r.events.at[1].value, "127.0.0.1:81");
    etcd_range_fini(&r);
}

/* --- records --- */

static struct etcd_record record(const char *line)
{
    struct sc_error e = SC_ERROR_INIT;
    struct etcd_record r;

    if (!etcd_record_read(&r, str_of(line), &e))
        fail_msg("%s: %s", line, e.text);
    return r;
}

static void kind_is(const char *line, enum etcd_kind kind, const char *text)
{
    struct etcd_record r = record(line);

    if (r.kind != kind || (text == NULL) != (r.text == NULL) || (text != NULL && strcmp(text, r.text) != 0))
        fail_msg("%s: %d, %s", line, (int)r.kind, r.text == NULL ? "no text" : r.text);
    etcd_record_fini(&r);
}

static void tells_records_apart(void **state)
{
    (void)state;
    kind_is("{\"result\":{" HEADER ",\"created\":true}}", ETCD_CREATED, NULL);
    kind_is("{\"result\":{" HEADER "}}", ETCD_PROGRESS, NULL);
    kind_is("{\"result\":{" HEADER ",\"watch_id\":\"-1\"}}", ETCD_PROGRESS, NULL);
    kind_is("{\"result\":{" HEADER ",\"events\":[{\"kv\":{" KEY_A ",\"mod_revision\":\"7\"}}]}}", ETCD_CHANGES, NULL);
    kind_is("{\"result\":{" HEADER ",\"fragment\":true}}", ETCD_CHANGES, NULL);
    kind_is("{\"result\":{\"header\":{\"cluster_id\":\"1\"},\"canceled\":true,\"compact_revision\":\"5\"}}", ETCD_COMPACTED,
            NULL);
    kind_is("{\"result\":{" HEADER ",\"watch_id\":\"-1\",\"created\":true,\"canceled\":true,\"cancel_reason\":\"no\"}}",
            ETCD_CANCELED, "no");
    kind_is("{\"result\":{" HEADER ",\"canceled\":true}}", ETCD_CANCELED, "no reason was given");
    kind_is("{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"transport is closing\"}}", ETCD_FAILED,
            "transport is closing");
    kind_is("{\"error\":{\"code\":14,\"message\":\"error reading from server: EOF\"}}", ETCD_FAILED,
            "error reading from server: EOF");
    kind_is("{\"error\":\"old words\",\"code\":14}", ETCD_FAILED, "old words");
    kind_is("{\"error\":{}}", ETCD_FAILED, "no reason was given");
    kind_is("{\"error\":{\"message\":\"m\"},\"result\":{" HEADER ",\"created\":true}}", ETCD_FAILED, "m");
}

static void reads_changes(void **state)
{
    struct etcd_record r = record("{\"result\":{" HEADER ",\"fragment\":true,\"events\":[{\"kv\":{" KEY_A
                                  ",\"mod_revision\":\"6\"," VALUE "}},{\"type\":\"DELETE\",\"kv\":{" KEY_B
                                  ",\"mod_revision\":\"7\"}},{\"type\":\"PUT\",\"kv\":{" KEY_B
                                  ",\"mod_revision\":\"7\"}}]}}");

    (void)state;
    assert_true(r.fragment && r.revision == 7 && r.cluster == 6001611773266757492);
    assert_int_equal(r.events.n, 3);
    assert_true(!r.events.at[0].deleted && r.events.at[1].deleted && !r.events.at[2].deleted);
    assert_true(r.events.at[0].revision == 6 && r.events.at[1].revision == 7);
    assert_str(r.events.at[0].value, "127.0.0.1:81");
    etcd_record_fini(&r);
}

static void refuses_records(void **state)
{
    static const char *const wrong[] = {
        "{}", "[]", "x", "{\"result\":[]}", "{\"result\":{}}", "{\"result\":{\"header\":{}}}", "{\"resul\":{" HEADER "}}",
        "{\"result\":{" HEADER ",\"events\":{}}}", "{\"result\":{" HEADER ",\"events\":[{}]}}",
        "{\"result\":{" HEADER ",\"events\":[{\"type\":\"MOVE\",\"kv\":{" KEY_A ",\"mod_revision\":\"7\"}}]}}",
        "{\"result\":{" HEADER ",\"events\":[{\"type\":1,\"kv\":{" KEY_A ",\"mod_revision\":\"7\"}}]}}",
        "{\"result\":{" HEADER ",\"events\":[{\"kv\":{\"key\":\"*\",\"mod_revision\":\"7\"}}]}}",
        "{\"result\":{" HEADER ",\"fragment\":\"x\"}}", "{\"result\":{" HEADER ",\"canceled\":true,\"compact_revision\":5}}",
        "{\"result\":{" HEADER ",\"created\":true,\"events\":[{\"kv\":{" KEY_A ",\"mod_revision\":\"7\"}}]}}",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sc_error e = SC_ERROR_INIT;
        struct etcd_record r;

        if (etcd_record_read(&r, str_of(wrong[i]), &e))
            fail_msg("taken: %s", wrong[i]);
        assert_true(e.text[0] != '\0');
    }
}

/* A stream as it comes, cut into two pieces at every byte. */
static void a_stream_reads_the_same_however_it_is_cut(void **state)
{
    static const struct sc_str stream = STR_INIT(
        "{\"result\":{" HEADER ",\"created\":true}}\n"
        "{\"result\":{" HEADER ",\"events\":[{\"kv\":{" KEY_A ",\"mod_revision\":\"6\"," VALUE "}}]}}\n"
        "{\"result\":{" HEADER "}}\n\n{\"error\":{\"code\":14,\"message\":\"EOF\"}}\n");
    static const enum etcd_kind want[] = { ETCD_CREATED, ETCD_CHANGES, ETCD_PROGRESS, ETCD_FAILED };

    (void)state;
    for (size_t cut = 0; cut <= stream.n; cut++) {
        const struct sc_str pieces[] = { { stream.p, cut }, { stream.p + cut, stream.n - cut } };
        struct lines lines;
        struct sc_str line;
        unsigned n = 0;

        lines_init(&lines, 1000);
        for (unsigned i = 0; i < 2; i++) {
            lines_feed(&lines, pieces[i]);
            while (lines_next(&lines, &line) == LINES_ONE) {
                struct sc_error e = SC_ERROR_INIT;
                struct etcd_record r;

                assert_true(n < 4 && etcd_record_read(&r, line, &e));
                assert_int_equal(r.kind, want[n++]);
                etcd_record_fini(&r);
            }
        }
        assert_int_equal(n, 4);
        lines_fini(&lines);
    }
}

/* --- tokens, errors --- */

static void reads_tokens_and_errors(void **state)
{
    struct sc_error e = SC_ERROR_INIT;
    struct arena a;

    (void)state;
    arena_init(&a, 256);
    assert_string_equal(etcd_token_read(&a, STR("{" HEADER ", \"token\":\"gJir.22\"}"), &e), "gJir.22");
    assert_null(etcd_token_read(&a, STR("{" HEADER "}"), &e));
    assert_null(etcd_token_read(&a, STR("{\"token\":7}"), &e));
    assert_null(etcd_token_read(&a, STR("nothing"), &e));
    assert_string_equal(etcd_error_read(&a, STR("{\"error\":\"a\",\"message\":\"b\",\"code\":5}")), "b");
    assert_string_equal(etcd_error_read(&a, STR("{\"error\":\"a\",\"code\":5}")), "a");
    assert_null(etcd_error_read(&a, STR("Not Found")));
    assert_null(etcd_error_read(&a, STR("{\"error\":[]}")));
    arena_fini(&a);
}

static void reads_replies_to_single_calls(void **state)
{
    struct sc_error e = SC_ERROR_INIT;
    struct etcd_reply r;

    (void)state;
    assert_true(etcd_reply_read(&r, STR("{" HEADER ",\"ID\":\"5\",\"TTL\":\"15\"}"), &e));
    assert_true(r.lease == 5 && r.ttl == 15 && !r.found);
    assert_true(etcd_reply_read(&r, STR("{\"result\":{" HEADER ",\"ID\":\"5\"}}\n"), &e));
    assert_true(r.lease == 5 && r.ttl == 0);
    assert_true(etcd_reply_read(&r, STR("{" HEADER ",\"kvs\":[{" KEY_A "}],\"count\":\"1\"}"), &e));
    assert_true(r.found);
    assert_false(etcd_reply_read(&r, STR("{}"), &e));
    assert_false(etcd_reply_read(&r, STR("{" HEADER ",\"ID\":5}"), &e));
    assert_false(etcd_reply_read(&r, STR("{" HEADER ",\"TTL\":\"-1\"}"), &e));
    assert_false(etcd_reply_read(&r, STR("{\"error\":{\"code\":14,\"message\":\"no leader\"}}"), &e));
    assert_string_equal(e.text, "no leader");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_range),
        cmocka_unit_test(refuses_ranges),
        cmocka_unit_test(a_range_that_is_cut_is_none),
        cmocka_unit_test(a_value_that_is_no_base64_touches_no_other),
        cmocka_unit_test(tells_records_apart),
        cmocka_unit_test(reads_changes),
        cmocka_unit_test(refuses_records),
        cmocka_unit_test(a_stream_reads_the_same_however_it_is_cut),
        cmocka_unit_test(reads_tokens_and_errors),
        cmocka_unit_test(reads_replies_to_single_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
