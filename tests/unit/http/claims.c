/* tests/unit/http/claims.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "http/claims.h"

#include <ctype.h>

static const struct { const char *name; enum claim kind; } names[] = {
#define ROW(a, kind, name, last) { name, CLAIM_##kind },
    CLAIMS(ROW, 0)
#undef ROW
#define ROW(kind, name, third) { name "q", CLAIM_##kind }, { name "Some-More", CLAIM_##kind },
    CLAIM_PREFIXES(ROW)
#undef ROW
};

enum { NAMES = sizeof names / sizeof *names };

static void every_row_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        char text[64];
        size_t n = strlen(names[i].name);

        for (size_t k = 0; k <= n; k++)
            text[k] = (char)toupper((unsigned char)names[i].name[k]);
        if (claim_of(str_of(names[i].name)) != names[i].kind || claim_of(str_of(text)) != names[i].kind)
            fail_msg("%s", names[i].name);
    }
}

/* Each letter matters, each hyphen may be anything else that a name can hold, and then nobody may say it. */
static void spellings(void **state)
{
    static const char marks[] = "_.~!#$%&'*+^`|";

    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        char text[64];
        size_t n = strlen(names[i].name), fixed = n - (names[i].name[n - 1] == 'q');

        for (size_t k = 0; k < fixed; k++) {
            strcpy(text, names[i].name);
            if (text[k] == '-')
                for (const char *m = marks; *m != '\0'; m++) {
                    text[k] = *m;
                    if (claim_of(str_of(text)) != CLAIM_OURS)
                        fail_msg("%s", text);
                }
            text[k] = text[k] == '7' ? '8' : '7';
            if (k < 5 && claim_of(str_of(text)) != CLAIM_NONE)
                fail_msg("%s", text);
        }
    }
}

static void ordinary_names(void **state)
{
    static const char *const ordinary[] = {
        "", "x", "Host", "X-Custom", "X_Custom", "X-Request-ID", "Authorization", "X-Forward", "X-Forwarde-For", "x-real-i",
        "x-real-ipp", "real-ip", "my-x-real-ip", "X-Consumer", "X-Users", "X-SSL", "XX-Forwarded-For", "X-Auth-Token",
        "X-CSRF-Token", "X-Requested-With", "X-API-Key", "X-HTTP-Method-Override", "Via", "Cookie", "Client-Ips",
        "X-Amzn-Trace-Id", "X-Cloud-Trace-Context", "X-Datadog-Trace-Id", "X-B3-TraceId", "sec-ch-ua", "Sec-Fetch-Site",
        "a-name-that-is-longer-than-any-of-these", "x-a-name-that-is-longer-than-any-of-these",
    };

    (void)state;
    for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
        if (claim_of(str_of(ordinary[i])) != CLAIM_NONE)
            fail_msg("%s", ordinary[i]);
}

static void strip(unsigned kinds, const char *left)
{
    static const char *const fields[] = {
        "Host", "X-Forwarded-For", "X_Forwarded_For", "Forwarded", "X-Real-IP", "X-Real-Ip2", "X-Forwarded-User",
        "X-Forwarded-Prefix", "X-Remote-User", "Remote_User", "X-SSL-Client-Cert", "x-consumer-id", "X-Custom",
    };
    struct header at[16], *f;
    struct headers h;
    struct buf b = BUF_INIT;

    headers_init(&h, NULL, at, 16);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        headers_add(&h, str_of(fields[i]), STR("v"));
    claims_strip(&h, kinds);
    for (unsigned i = 0; (f = headers_each(&h, &i)) != NULL;)
        buf_printf(&b, "%.*s;", STR_ARG(f->name));
    assert_string_equal(b.p, left);
    buf_fini(&b);
}

static void what_goes(void **state)
{
    (void)state;
    strip(CLAIM_ALL, "Host;X-Real-Ip2;X-Custom;");
    strip(CLAIM_PROXY, "Host;X-Real-Ip2;X-Remote-User;X-SSL-Client-Cert;X-Custom;");
    strip(0, "Host;X-Forwarded-For;Forwarded;X-Real-IP;X-Real-Ip2;X-Forwarded-User;X-Forwarded-Prefix;X-Remote-User;"
             "X-SSL-Client-Cert;X-Custom;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found),
        cmocka_unit_test(spellings),
        cmocka_unit_test(ordinary_names),
        cmocka_unit_test(what_goes),
    };

    return cmocka_run_group_tests_name("http/claims", tests, NULL, NULL);
}
