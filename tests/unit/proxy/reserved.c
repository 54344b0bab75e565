/* tests/unit/proxy/reserved.c - what may be public, and which paths that takes from the routes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "proxy/reserved.h"

static void may_be_public(void **state)
{
    static const char *const fine[] = {
        "/health", "/health/ready", "/health/services/a%2Fb", "/livez", "/readyz", "/metrics", "/routes", "/services/web",
        "/policies", "/version",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof fine / sizeof fine[0]; i++)
        assert_null(reserved_check(str_of(fine[i])));
}

static void may_not(void **state)
{
    static const char *const wrong[] = {
        "", "/", "health", "/healthy", "/Health", "/config", "/config/x", "/admin", "/admin/status", "/admin/drain",
        "/health/",
        "/health//live", "/health/../config", "/health/%6Cive", "/health?strict=1", "/health/%2f", "/health/ live",
        "/health/\t",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_non_null(reserved_check(str_of(wrong[i])));
}

static void takes(void **state)
{
    const char *const at[] = { "/health/ready", "/routes" };
    const struct sc_strings list = { at, 2 };

    (void)state;
    assert_true(reserved_has(&list, STR("/health/ready")));
    assert_true(reserved_has(&list, STR("/health/ready/")));
    assert_true(reserved_has(&list, STR("/health/ready/x")));
    assert_true(reserved_has(&list, STR("/routes")));
    assert_false(reserved_has(&list, STR("/health")));
    assert_false(reserved_has(&list, STR("/health/readyx")));
    assert_false(reserved_has(&list, STR("/health/read")));
    assert_false(reserved_has(&list, STR("/Routes")));
    assert_false(reserved_has(&list, STR("/")));
    assert_false(reserved_has(&list, STR("*")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(may_be_public), cmocka_unit_test(may_not), cmocka_unit_test(takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
