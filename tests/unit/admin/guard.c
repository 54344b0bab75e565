/* tests/unit/admin/guard.c - a web page cannot ask, an operator can.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "admin/guard.h"

static const struct {
    const char *host, *origin, *site;
    bool local, remote, allowed;
} cases[] = {
    { "127.0.0.1:8001", .allowed = true },
    { "127.0.0.1", .allowed = true },
    { "127.1.2.3:9", .allowed = true },
    { "localhost:8001", .allowed = true },
    { "LocalHost", .allowed = true },
    { "[::1]:8001", .allowed = true },
    { "10.1.2.3:8001", .allowed = true },                   /* the listener's own address */
    { "Web-7:8001", .allowed = true },                      /* as stated in the configuration */
    { NULL, .allowed = true },                              /* HTTP/1.0 */
    { "10.1.2.4:8001", .allowed = false },
    { "evil.example", .allowed = false },
    { "evil.example:8001", .allowed = false },
    { "127.0.0.1.evil.example", .allowed = false },
    { "localhost.evil.example:8001", .allowed = false },
    { "evil.example@127.0.0.1", .allowed = false },
    { "127.0.0.1 evil", .allowed = false },
    { "2130706433", .allowed = false },
    { "0x7f.1", .allowed = false },
    { "[::ffff:7f00:1]", .allowed = false },
    { "", .allowed = false },
    { "localhost:8001", "http://localhost:8001", .allowed = true },
    { "localhost:8001", "HTTP://localhost:8001", .allowed = false },
    { "localhost:8001", "http://localhost:8002", .allowed = false },
    { "localhost:8001", "https://localhost:8001", .allowed = false },
    { "localhost:8001", "http://evil.example", .allowed = false },
    { "localhost:8001", "null", .allowed = false },
    { "localhost:8001", "", .allowed = false },
    { NULL, "http://evil.example", .allowed = false },
    { "localhost", NULL, "same-origin", .allowed = true },
    { "localhost", NULL, "none", .allowed = true },
    { "localhost", NULL, "same-site", .allowed = false },
    { "localhost", NULL, "cross-site", .allowed = false },
    { "localhost", NULL, "", .allowed = false },
    { "localhost", "http://localhost", "cross-site", .allowed = false },
    { "whatever", .local = true, .allowed = true },         /* a unix socket has no name to rebind */
    { "not a host at all", .local = true, .allowed = true },
    { "localhost", "http://evil.example", .local = true, .allowed = false },
    { "localhost", NULL, "cross-site", .local = true, .allowed = false },
    { "127.0.0.1:8001", .remote = true, .allowed = false },
    { "10.1.2.3:8001", .remote = true, .allowed = false },
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct admin_request r = {
            .host = str_of(cases[i].host), .origin = str_of(cases[i].origin), .site = str_of(cases[i].site),
            .local = cases[i].local, .loopback = !cases[i].remote, .own = { STR("10.1.2.3"), STR("web-7") },
        };
        const char *why;
        enum err e = guard_check(&r, &why);

        if ((e == ERR_NONE) != cases[i].allowed)
            fail_msg("case %zu (%s): %s", i, cases[i].host, why == NULL ? "allowed" : why);
        assert_true((e == ERR_NONE) == (why == NULL));
    }
}

/* A listener that is only known as a unix socket, or by nothing, opens no door for an empty name. */
static void no_names(void **state)
{
    struct admin_request r = { .host = STR(""), .loopback = true };
    const char *why;

    (void)state;
    assert_int_equal(guard_check(&r, &why), ERR_FORBIDDEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(table), cmocka_unit_test(no_names) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
