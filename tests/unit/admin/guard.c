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
        struct guard_pass pass;
        enum err e = guard_check(&r, NULL, &pass);

        if ((e == ERR_NONE) != cases[i].allowed)
            fail_msg("case %zu (%s): %s", i, cases[i].host, pass.why == NULL ? "allowed" : pass.why);
        assert_true((e == ERR_NONE) == (pass.why == NULL));
        assert_int_equal(pass.role, cases[i].allowed ? ROLE_VIEWER : ROLE_NONE);
    }
}

/* A listener that is only known as a unix socket, or by nothing, opens no door for an empty name. */
static void no_names(void **state)
{
    struct admin_request r = { .host = STR(""), .loopback = true };
    struct guard_pass pass;

    (void)state;
    assert_int_equal(guard_check(&r, NULL, &pass), ERR_FORBIDDEN);
}

/* ---- tokens and roles ---- */

static struct admin_token tokens[] = {
    { "watcher", { .value = STR_INIT("0123456789abcdef") }, ROLE_VIEWER },
    { "operator", { .value = STR_INIT("0123456789abcdeg") }, ROLE_OPERATOR },
    { "boss", { .value = STR_INIT("a-very-long-token-of-the-boss") }, ROLE_ADMIN },
};
static const struct admin_conf with_tokens = { .tokens = { tokens, 3 } };

/* From another host, by a name of any kind: only the token counts. */
static void bearer_tokens(void **state)
{
    static const struct {
        const char *field;
        int role;
    } shown[] = {
        { "Bearer 0123456789abcdef", ROLE_VIEWER }, { "bearer 0123456789abcdeg", ROLE_OPERATOR },
        { "BEARER   a-very-long-token-of-the-boss", ROLE_ADMIN },
        { "Bearer 0123456789abcde", ROLE_NONE }, { "Bearer 0123456789abcdef0123456789abcdef", ROLE_NONE },
        { "Bearer 0123456789abcdefg", ROLE_NONE }, { "Bearer", ROLE_NONE }, { "Bearer ", ROLE_NONE }, { "", ROLE_NONE },
        { "0123456789abcdef", ROLE_NONE }, { "Basic 0123456789abcdef", ROLE_NONE },
        { "Bearer\t0123456789abcdef", ROLE_NONE },
        { "Bearer 0123456789ABCDEF", ROLE_NONE }, { "Bearer 0123456789abcdef, x", ROLE_NONE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        struct admin_request r = { .host = STR("some.where:1"), .authorization = str_of(shown[i].field) };
        struct guard_pass pass;
        enum err e = guard_check(&r, &with_tokens, &pass);

        if (pass.role != shown[i].role)
            fail_msg("\"%s\": role %d", shown[i].field, pass.role);
        assert_int_equal(e, pass.role == ROLE_NONE ? ERR_UNAUTHENTICATED : ERR_NONE);
        assert_true((pass.challenge != NULL) == (e != ERR_NONE));
        assert_true((pass.token != NULL) == (e == ERR_NONE));
        assert_int_equal(guard_check(&r, NULL, &pass), ERR_UNAUTHENTICATED);
    }
}

static void who_may_what(void **state)
{
    struct admin_request trusted = { .local = true, .trusted = true }, anybody = { .local = true };
    struct admin_request here = { .loopback = true, .host = STR("localhost") }, away = { .host = STR("localhost") };
    struct admin_request web = { .local = true, .trusted = true, .origin = STR("http://evil.example") };
    struct guard_pass pass;

    (void)state;
    assert_int_equal(guard_check(&trusted, NULL, &pass), ERR_NONE);
    assert_int_equal(guard_allows(&trusted, NULL, &pass, ROLE_ADMIN), ERR_NONE);
    assert_int_equal(guard_check(&anybody, NULL, &pass), ERR_NONE);
    assert_int_equal(guard_allows(&anybody, NULL, &pass, ROLE_NONE), ERR_NONE);
    assert_int_equal(guard_allows(&anybody, NULL, &pass, ROLE_OPERATOR), ERR_FORBIDDEN);
    assert_int_equal(guard_check(&here, NULL, &pass), ERR_NONE);
    assert_int_equal(guard_allows(&here, NULL, &pass, ROLE_OPERATOR), ERR_FORBIDDEN);
    assert_null(pass.challenge);
    assert_int_equal(guard_check(&here, &with_tokens, &pass), ERR_NONE);
    assert_int_equal(guard_allows(&here, &with_tokens, &pass, ROLE_ADMIN), ERR_UNAUTHENTICATED);
    assert_non_null(pass.challenge);
    assert_int_equal(guard_check(&away, NULL, &pass), ERR_FORBIDDEN);
    assert_int_equal(guard_check(&away, &with_tokens, &pass), ERR_UNAUTHENTICATED);
    assert_int_equal(guard_check(&web, NULL, &pass), ERR_FORBIDDEN);
    here.authorization = STR("Bearer 0123456789abcdeg");
    assert_int_equal(guard_check(&here, &with_tokens, &pass), ERR_NONE);
    assert_int_equal(guard_allows(&here, &with_tokens, &pass, ROLE_OPERATOR), ERR_NONE);
    assert_int_equal(guard_allows(&here, &with_tokens, &pass, ROLE_ADMIN), ERR_FORBIDDEN);
    assert_string_equal(pass.token, "operator");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(table), cmocka_unit_test(no_names), cmocka_unit_test(bearer_tokens),
                                        cmocka_unit_test(who_may_what) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
