/* tests/unit/base/base64.c - RFC 4648.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/base64.h"
#include "base/rand.h"

/* RFC 4648 section 10. */
static const struct { const char *plain, *coded; } vectors[] = {
    { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfb", "//77" }, { "\xfb\xef\xbe", "++++" },
};

static void the_vectors_of_the_rfc(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buf coded = BUF_INIT, plain = BUF_INIT;

        buf_puts(&coded, ">");
        buf_puts(&plain, "<");
        base64_add(&coded, str_of(vectors[i].plain));
        assert_string_equal(coded.p + 1, vectors[i].coded);
        assert_true(base64_read(&plain, str_of(vectors[i].coded)));
        assert_string_equal(plain.p + 1, vectors[i].plain);
        buf_fini(&coded);
        buf_fini(&plain);
    }
}

static void what_is_no_base64_is_refused(void **state)
{
    static const char *const wrong[] = {
        "Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zh==", "Zm9=", "Zm8=Zm8=", "Zg==Zg==", "Zm 9", "Zm9v\n",
        "Zm9v\nAAA", "-_-_", "Zm=v", "Z\xc3\xa4g", "Zm9v====", "*m9v",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct buf plain = BUF_INIT;

        buf_puts(&plain, "<");
        if (base64_read(&plain, str_of(wrong[i])))
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(plain.n, 1);
        buf_fini(&plain);
    }
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 300; n++) {
        struct buf coded = BUF_INIT, plain = BUF_INIT;
        char bytes[300];

        for (unsigned i = 0; i < n; i++)
            bytes[i] = (char)rand_u64();
        base64_add(&coded, (struct sc_str){ bytes, n });
        assert_int_equal(coded.n, (n + 2) / 3 * 4);
        assert_true(base64_read(&plain, buf_view(&coded)));
        assert_int_equal(plain.n, n);
        assert_memory_equal(n == 0 ? "" : plain.p, bytes, n);
        buf_fini(&coded);
        buf_fini(&plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc),
        cmocka_unit_test(what_is_no_base64_is_refused),
        cmocka_unit_test(what_goes_in_comes_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
