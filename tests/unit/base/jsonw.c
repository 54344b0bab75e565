/* tests/unit/base/jsonw.c - commas, brackets, numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/jsonw.h"

static void every_kind(void **state)
{
    struct buf b = BUF_INIT;
    struct jsonw j = JSONW_INIT(&b);

    (void)state;
    jsonw_object(&j, NULL);
    jsonw_text(&j, "text", "a\"b");
    jsonw_text(&j, "none", NULL);
    jsonw_str(&j, "bytes", STR("\xff\n"));
    jsonw_int(&j, "least", INT64_MIN);
    jsonw_uint(&j, "most", UINT64_MAX);
    jsonw_milli(&j, "seconds", 12034);
    jsonw_milli(&j, "before", -5);
    jsonw_time(&j, "at", 1795166165007);
    jsonw_bool(&j, "yes", true);
    jsonw_null(&j, "null");
    jsonw_array(&j, "empty");
    jsonw_close(&j);
    jsonw_array(&j, "list");
    jsonw_int(&j, NULL, 1);
    jsonw_object(&j, NULL);
    jsonw_close(&j);
    jsonw_array(&j, NULL);
    jsonw_bool(&j, NULL, false);
    jsonw_close(&j);
    jsonw_text(&j, NULL, "z");
    jsonw_close(&j);
    jsonw_object_at(&j, STR("a key \"of theirs\""));
    jsonw_object(&j, "deeper");
    jsonw_close(&j);
    jsonw_close(&j);
    jsonw_int(&j, "last", 0);
    jsonw_close(&j);
    assert_str(buf_view(&b),
        "{\"text\":\"a\\\"b\",\"none\":null,\"bytes\":\"\xef\xbf\xbd\\n\",\"least\":-9223372036854775808,"
        "\"most\":18446744073709551615,\"seconds\":12.034,\"before\":-0.005,\"at\":\"2026-11-20T09:16:05.007Z\","
        "\"yes\":true,\"null\":null,\"empty\":[],\"list\":[1,{},[false],\"z\"],"
        "\"a key \\\"of theirs\\\"\":{\"deeper\":{}},\"last\":0}");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_kind) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
