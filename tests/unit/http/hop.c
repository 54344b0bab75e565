/* tests/unit/http/hop.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "http/hop.h"

#define PAIRS 8

/* fields: name, value, name, value ...; left: the names that stay, each followed by ';'. */
static const struct { const char *name, *fields[2 * PAIRS], *left; bool close, keep_alive, upgrade, te; } cases[] = {
    { "nothing to do", { "Host", "a", "X-A", "b" }, "Host;X-A;", false, false, false, false },
    { "the fixed ones", { "Keep-Alive", "timeout=5", "Proxy-Connection", "x", "TE", "trailers", "Trailer", "x",
                          "Transfer-Encoding", "chunked", "Upgrade", "h2c", "Proxy-Authorization", "x", "X-A", "b" },
      "X-A;", false, false, false, false },
    { "the fixed ones of responses", { "Proxy-Authenticate", "x", "Proxy-Authentication-Info", "y", "Via", "z" }, "Via;",
      false, false, false, false },
    { "proxy variable of CGI", { "Proxy", "http://evil/", "Host", "a" }, "Host;", false, false, false, false },
    { "close", { "Connection", "Close" }, "", true, false, false, false },
    { "keep-alive, twice", { "Connection", "x-b", "Connection", "keep-alive", "X-B", "1", "x-b", "2", "X-C", "3" },
      "X-C;",
      false, true, false, false },
    { "named ones", { "X-A", "1", "Connection", "x-a, X-Request-Start,close", "X-Request-Start", "2", "Pragma", "3" },
      "Pragma;", true, false, false, false },
    { "named, known", { "Pragma", "1", "Connection", "pragma", "Accept", "2" }, "Accept;", false, false, false, false },
    { "upgrade", { "Connection", "Upgrade", "Upgrade", "websocket" }, "", false, false, true, false },
    { "upgrade without a protocol", { "Connection", "Upgrade" }, "", false, false, false, false },
    { "protocol without the option", { "Upgrade", "websocket" }, "", false, false, false, false },
    { "the option without TE", { "Connection", "TE" }, "", false, false, false, false },
    { "TE without trailers", { "Connection", "TE", "TE", "gzip", "TE", "br" }, "", false, false, false, false },
    { "trailers in a second field", { "Connection", "te", "TE", "gzip", "TE", "trailers" }, "", false, false, false, true },
    { "trailers without the option", { "TE", "trailers" }, "", false, false, false, false },
    { "trailers", { "Connection", "TE", "TE", "gzip;q=1, Trailers" }, "", false, false, false, true },
    { "t9 what the proxy needs", { "Connection", "host, content-length, Authorization, X-Forwarded-For, via, cookie",
                                   "Host", "a", "Content-Length", "1", "Authorization", "b", "X-Forwarded-For", "c",
                                   "Via", "d", "Cookie", "e" },
      "Host;Content-Length;Authorization;X-Forwarded-For;Via;Cookie;", false, false, false, false },
    { "t9 tracing", { "Connection", "traceparent,tracestate,b3,x-b3-traceid,forwarded,x-real-ip", "traceparent", "a",
                      "tracestate", "b", "b3", "c", "X-B3-TraceId", "d", "Forwarded", "e", "X-Real-IP", "f" },
      "traceparent;tracestate;b3;X-B3-TraceId;Forwarded;X-Real-IP;", false, false, false, false },
};

static void fill(struct headers *h, const char *const *fields)
{
    for (size_t i = 0; i < 2 * PAIRS && fields[i] != NULL; i += 2)
        headers_add(h, str_of(fields[i]), str_of(fields[i + 1]));
}

static void strips_what_ends_here(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct header at[PAIRS], *f;
        struct headers h;
        struct hop hop;
        struct buf left = BUF_INIT;

        headers_init(&h, NULL, at, PAIRS);
        fill(&h, cases[i].fields);
        hop_strip(&h, &hop);
        buf_puts(&left, "");
        for (unsigned k = 0; (f = headers_each(&h, &k)) != NULL;)
            buf_printf(&left, "%.*s;", STR_ARG(f->name));
        if (strcmp(left.p, cases[i].left) != 0)
            fail_msg("%s: left %s, not %s", cases[i].name, left.p, cases[i].left);
        if (hop.close != cases[i].close || hop.keep_alive != cases[i].keep_alive || hop.upgrade != cases[i].upgrade ||
            hop.te_trailers != cases[i].te)
            fail_msg("%s: options", cases[i].name);
        buf_fini(&left);
    }
}

static void reads_what_is_asked_for(void **state)
{
    static const struct { const char *value; uint32_t seconds; } rows[] = {
        { "timeout=5, max=100", 5 }, { "max=1,Timeout=30", 30 }, { "timeout=", 0 }, { "timeout=-1", 0 },
        { "timeout=99999999999999999999", 0 }, { "timeout=1000000", 86400 }, { "max=3", 0 }, { "", 0 },
        { "timeout=x", 0 }, { "timeouts=5", 0 }, { "timeout=x, timeout=7", 7 },
    };
    struct header at[2];
    struct headers h;
    struct hop hop;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        headers_init(&h, NULL, at, 2);
        headers_add(&h, STR("Keep-Alive"), str_of(rows[i].value));
        hop_strip(&h, &hop);
        assert_int_equal(hop.keep_alive_s, rows[i].seconds);
    }
    headers_init(&h, NULL, at, 2);              /* one that was taken away before */
    headers_add(&h, STR("Keep-Alive"), STR("timeout=5"))->gone = true;
    hop_strip(&h, &hop);
    assert_int_equal(hop.keep_alive_s, 0);
    headers_init(&h, NULL, at, 2);
    headers_add(&h, STR("Connection"), STR("upgrade"));
    headers_add(&h, STR("Upgrade"), STR("websocket"));
    hop_strip(&h, &hop);
    assert_str(hop.upgrade_to, "websocket");
}

static void bounds_the_names_it_follows(void **state)
{
    struct arena arena;
    struct headers h;
    struct hop hop;
    struct buf names = BUF_INIT;

    (void)state;
    arena_init(&arena, 1024);
    headers_init(&h, &arena, NULL, 0);
    for (int i = 0; i < 5000; i++)
        buf_printf(&names, "n%d,", i);
    headers_add(&h, STR("Connection"), buf_view(&names));
    headers_add(&h, STR("n0"), STR("x"));
    headers_add(&h, STR("n4999"), STR("x"));
    hop_strip(&h, &hop);
    assert_true(h.at[0].gone);
    assert_true(h.at[1].gone);
    assert_false(h.at[2].gone);
    buf_fini(&names);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strips_what_ends_here),
        cmocka_unit_test(reads_what_is_asked_for),
        cmocka_unit_test(bounds_the_names_it_follows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
