/* tests/unit/http/trailer.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "http/hop.h"
#include "http/trailer.h"

static void names(void **state)
{
    static const char *const allowed[] = { "ETag", "Accept-Ranges", "Proxy-Status", "X-Checksum", "Server-Timing", "Digest",
                                           "grpc-status", "grpc-message", "Authentication-Info" };
    static const char *const denied[] = {
        "Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "TE", "Upgrade", "Keep-Alive",
        "Cache-Control", "Expect", "Max-Forwards", "Pragma", "Range", "If-Match", "If-None-Match", "If-Modified-Since",
        "If-Unmodified-Since", "If-Range", "Authorization", "Proxy-Authorization", "Proxy-Authenticate", "WWW-Authenticate",
        "Cookie", "Set-Cookie", "Age", "Date", "Expires", "Location", "Retry-After", "Vary", "Content-Encoding",
        "Content-Type", "Content-Range", "Via", "Forwarded", "X-Forwarded-For", "x_forwarded_for", "X-Real-IP",
        "X-Consumer-Username", "X-Remote-User", "Strict-Transport-Security", "Access-Control-Allow-Origin", "X-Request-ID",
        "traceparent", "Sec-WebSocket-Key",
    };

    (void)state;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (!trailer_may(hdr_id(allowed[i], strlen(allowed[i])), str_of(allowed[i])))
            fail_msg("%s", allowed[i]);
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
        if (trailer_may(hdr_id(denied[i], strlen(denied[i])), str_of(denied[i])))
            fail_msg("%s", denied[i]);
}

/* fields: name, value ...; what Trailer says then. */
static void announced(const char *const fields[8], const char *want)
{
    struct header at[8], *f;
    struct headers h;
    struct arena arena;
    struct hop hop;

    arena_init(&arena, 256);
    headers_init(&h, &arena, at, 8);
    for (unsigned i = 0; i < 8 && fields[i] != NULL; i += 2)
        headers_add(&h, str_of(fields[i]), str_of(fields[i + 1]));
    hop_strip(&h, &hop);
    trailer_announce(&h, &arena);
    f = headers_first(&h, HDR_TRAILER);
    if (want == NULL)
        assert_null(f);
    else
        assert_str(f->value, want);
    assert_true(f == NULL || headers_next(&h, f, HDR_TRAILER) == NULL);
    arena_fini(&arena);
}

static void announces(void **state)
{
    (void)state;
    announced((const char *const[8]){ "Host", "a" }, NULL);
    announced((const char *const[8]){ "Trailer", "X-A" }, "X-A");
    announced((const char *const[8]){ "Trailer", "X-A,x-b ,, ETag", "Trailer", "X-C" }, "X-A, x-b, ETag, X-C");
    announced((const char *const[8]){ "Trailer", "Content-Length, Host, X-Forwarded-For", "Trailer", "" }, NULL);
    announced((const char *const[8]){ "Trailer", "Set-Cookie, X-A, not a token, \"q\"" }, "X-A");
    announced((const char *const[8]){ "Connection", "close, x-a", "Trailer", "X-A, X-B", "Connection", "X-C" }, "X-B");
}

static void ends_here(void **state)
{
    struct header at[4];
    struct headers h;

    (void)state;
    headers_init(&h, NULL, at, 4);
    headers_add(&h, STR("X-A"), STR("x-b"));
    assert_false(trailer_ends_here(&h, STR("x-b")));
    headers_add(&h, STR("Connection"), STR("close"));
    headers_add(&h, STR("Connection"), STR("a, X-B"))->gone = true;
    assert_true(trailer_ends_here(&h, STR("x-b")));
    assert_false(trailer_ends_here(&h, STR("x-c")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(announces),
        cmocka_unit_test(ends_here),
    };

    return cmocka_run_group_tests_name("http/trailer", tests, NULL, NULL);
}
