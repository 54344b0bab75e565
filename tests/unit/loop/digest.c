/* tests/unit/loop/digest.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "loop/digest.h"

/* The example of RFC 6455 1.3. */
static void accepts_the_key_of_the_rfc(void **state)
{
    char to[DIGEST_WEBSOCKET + 1];

    (void)state;
    assert_true(digest_websocket_accept(STR("dGhlIHNhbXBsZSBub25jZQ=="), to));
    assert_string_equal(to, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(accepts_the_key_of_the_rfc) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
