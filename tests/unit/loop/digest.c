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

/* The examples of FIPS 180-2, appendix B.1, and of nothing at all. */
static void digests(void **state)
{
    char to[DIGEST_SHA256 + 1];

    (void)state;
    assert_true(digest_sha256(STR("abc"), to));
    assert_string_equal(to, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(digest_sha256(STR(""), to));
    assert_string_equal(to, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_the_key_of_the_rfc),
        cmocka_unit_test(digests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
