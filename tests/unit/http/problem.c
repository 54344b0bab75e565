/* tests/unit/http/problem.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "http/method.h"
#include "http/problem.h"
#include "http/status.h"

static void has_a_row_for_every_error(void **state)
{
    (void)state;
    for (unsigned e = 1; e < ERR_COUNT; e++) {
        const struct problem *p = problem_of((enum err)e);

        assert_true(p->code.n > 0 && p->title.n > 0 && p->proxy_error.n > 0);
        assert_true(p->status >= 400 && p->status < 600);
        assert_false(str_eq(status_reason(p->status), STR("Unknown")));
        assert_true(str_eq(problem_of(problem_find(p->code))->code, p->code));
    }
    assert_int_equal(problem_of(ERR_NONE)->status, 0);
    assert_int_equal(problem_find(STR("no-such-code")), ERR_NONE);
    assert_int_equal(problem_find(STR("no-target")), ERR_NO_TARGET);
    assert_int_equal(problem_of(ERR_NO_TARGET)->status, 503);
    assert_int_equal(problem_of(ERR_CONNECT_TIMEOUT)->status, 504);
}

static void names_verdicts(void **state)
{
    static const unsigned statuses[] = { 400, 414, 431, 501, 505 };

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        assert_int_equal(problem_of(problem_of_verdict(statuses[i]))->status, statuses[i]);
}

static void writes_bodies(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    problem_body(&b, problem_of(ERR_NO_ROUTE), STR("no \"x\"\r\n\xff"), STR("id-1"));
    assert_str(buf_view(&b),
               "{\"type\":\"urn:outrider:error:no-route\",\"title\":\"No route matches the request\",\"status\":404,"
               "\"detail\":\"no \\\"x\\\"\\r\\n\xef\xbf\xbd\",\"instance\":\"id-1\",\"code\":\"no-route\"}\n");
    buf_clear(&b);
    problem_body(&b, problem_of(ERR_OVERLOADED), STR_NONE, STR_NONE);
    assert_str(buf_view(&b), "{\"type\":\"urn:outrider:error:overloaded\",\"title\":\"The sidecar is overloaded\","
                             "\"status\":503,\"detail\":\"The sidecar is overloaded\",\"code\":\"overloaded\"}\n");
    buf_fini(&b);
}

static void writes_proxy_status(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    problem_proxy_status(&b, problem_of(ERR_NO_TARGET), STR("web-7.example:80"), STR_NONE);
    assert_str(buf_view(&b), "web-7.example:80; error=destination_unavailable");
    buf_clear(&b);
    problem_proxy_status(&b, problem_of(ERR_INTERNAL), STR("7 of\r\n\"9\""), STR("a\\b\x80"));
    assert_str(buf_view(&b), "\"7 of??\\\"9\\\"\"; error=proxy_internal_error; details=\"a\\\\b?\"");
    buf_fini(&b);
}

static void writes_whole_answers(void **state)
{
    static const char body[] = "{\"type\":\"urn:outrider:error:uri-too-long\","
                               "\"title\":\"The request target is too long\","
                               "\"status\":414,\"detail\":\"The request target is too long\",\"code\":\"uri-too-long\"}\n";
    struct buf b = BUF_INIT, want = BUF_INIT;

    (void)state;
    buf_printf(&want, "HTTP/1.1 414 URI Too Long\r\nDate: now\r\nContent-Type: application/problem+json\r\n"
                      "Content-Length: %zu\r\nConnection: close\r\nProxy-Status: o; error=http_request_denied\r\n\r\n%s",
               sizeof body - 1, body);
    problem_response(&b, problem_of(ERR_URI_TOO_LONG), STR("o"), STR_NONE, STR("now"));
    assert_string_equal(b.p, want.p);
    buf_clear(&b);
    problem_response(&b, problem_of(ERR_URI_TOO_LONG), STR("o"), STR_NONE, STR_NONE);
    assert_null(strstr(b.p, "Date"));
    buf_fini(&b);
    buf_fini(&want);
}

static void knows_methods(void **state)
{
    (void)state;
    for (unsigned m = 1; m < METHOD_COUNT; m++)
        assert_int_equal(method_id(method_info[m].name), m);
    assert_int_equal(method_id(STR("get")), METHOD_OTHER);
    assert_int_equal(method_id(STR("GETS")), METHOD_OTHER);
    assert_int_equal(method_id(STR("PURGE")), METHOD_OTHER);
    assert_int_equal(method_id(STR("P")), METHOD_OTHER);
    assert_int_equal(method_id(STR("")), METHOD_OTHER);
    assert_true(method_info[METHOD_PUT].idempotent && !method_info[METHOD_PUT].safe);
    assert_false(method_info[METHOD_POST].idempotent || method_info[METHOD_PATCH].idempotent);
    assert_false(method_info[METHOD_OTHER].safe || method_info[METHOD_OTHER].idempotent);
}

static void knows_reasons(void **state)
{
    (void)state;
    assert_str(status_reason(100), "Continue");
    assert_str(status_reason(204), "No Content");
    assert_str(status_reason(511), "Network Authentication Required");
    assert_str(status_reason(99), "Unknown");
    assert_str(status_reason(299), "Unknown");
    assert_str(status_reason(999), "Unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_a_row_for_every_error),
        cmocka_unit_test(names_verdicts),
        cmocka_unit_test(writes_bodies),
        cmocka_unit_test(writes_proxy_status),
        cmocka_unit_test(writes_whole_answers),
        cmocka_unit_test(knows_methods),
        cmocka_unit_test(knows_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
