/* tests/unit/discovery/dns_message.c - what a name server's message says.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "discovery/providers/dns_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof (array)[0])

/* Messages as bytes. The question's name stands at 12; "\xc0\x0c" points there. */
#define HEAD(answers, authorities) "\x12\x67\x81\x80\0\1\0" answers "\0" authorities "\0\0"
#define ASK(type) "\3Web\4test\0\0" type "\0\1"
#define OWN "\xc0\x0c"
#define RR(owner, type, ttl, length, data) owner "\0" type "\0\1\0\0\0" ttl "\0" length data
#define ADDRESS(owner, ttl, ip) RR(owner, "\1", ttl, "\4", ip)
#define ALIAS(owner, ttl, length, to) RR(owner, "\5", ttl, length, to)
#define SOA(ttl, minimum) RR("\4test\0", "\6", ttl, "\x1c", "\2ns\0\2me\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0" minimum)
#define M(bytes) bytes, sizeof bytes - 1

static const struct row {
    enum dns_type type;
    const char *message;
    size_t size;
    const char *want;
} rows[] = {
    /* addresses */
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") ADDRESS(OWN, "\5", "\x7f\0\0\1")), "127.0.0.1 for 5" },
    { DNS_A, M(HEAD("\2", "\0") ASK("\1") ADDRESS(OWN, "\5", "\x0a\0\0\1") ADDRESS(OWN, "\3", "\x0a\0\0\2")),
      "10.0.0.1 10.0.0.2 for 3" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") ADDRESS("\3wEB\4TEST\0", "\5", "\x7f\0\0\1")), "127.0.0.1 for 5" },
    { DNS_AAAA, M(HEAD("\1", "\0") ASK("\x1c") RR(OWN, "\x1c", "\7", "\x10", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1")),
      "::1 for 7" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") OWN "\0\1\0\1\xff\0\0\0\0\4" "\x7f\0\0\1"), "127.0.0.1 for 0" },
    /* of other names, classes and types: nobody's */
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") ADDRESS("\4evil\0", "\5", "\x7f\0\0\1")), "" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") ADDRESS("\3web\0", "\5", "\x7f\0\0\1")), "" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") OWN "\0\1\0\3\0\0\0\5\0\4" "\x7f\0\0\1"), "" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") RR(OWN, "\x10", "\5", "\2", "\1x")), "" },
    /* aliases, in whatever order */
    { DNS_A, M(HEAD("\2", "\0") ASK("\1") ALIAS(OWN, "\2", "\3", "\1b\0") ADDRESS("\1b\0", "\5", "\x7f\0\0\1")),
      "127.0.0.1 for 2" },
    { DNS_A, M(HEAD("\3", "\0") ASK("\1") ADDRESS("\1c\0", "\5", "\x7f\0\0\1") ALIAS("\1b\0", "\7", "\3", "\1c\0")
               ALIAS(OWN, "\6", "\3", "\1B\0")), "127.0.0.1 for 5" },
    { DNS_A, M(HEAD("\2", "\0") ASK("\1") ALIAS(OWN, "\2", "\3", "\1b\0") ADDRESS(OWN, "\5", "\x7f\0\0\1")), " for 2" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") ALIAS(OWN, "\2", "\2", OWN)), "! the name is an alias of an alias without end" },
    { DNS_A, M(HEAD("\2", "\0") ASK("\1") ALIAS(OWN, "\2", "\3", "\1b\0") ALIAS("\1b\0", "\2", "\2", OWN)),
      "! the name is an alias of an alias without end" },
    /* SRV */
    { DNS_SRV, M(HEAD("\1", "\0") ASK("\x21") RR(OWN, "\x21", "\5", "\x10", "\0\1\0\2\x1f\x90" "\3Abc\4test\0")),
      "abc.test/1/2/8080 for 5" },
    { DNS_SRV, M(HEAD("\1", "\0") ASK("\x21") RR(OWN, "\x21", "\5", "\x0c", "\0\1\0\2\x1f\x90" "\3abc\xc0\x10")),
      "abc.test/1/2/8080 for 5" },
    { DNS_SRV, M(HEAD("\1", "\0") ASK("\x21") RR(OWN, "\x21", "\5", "\7", "\0\0\0\0\0\0\0")), "/0/0/0 for 5" },
    { DNS_SRV, M(HEAD("\1", "\0") ASK("\x21") RR(OWN, "\x21", "\5", "\x0b", "\0\0\0\0\0\1\3a.b\0")),
      "a?b/0/0/1 (the record names no host) for 5" },
    { DNS_SRV, M(HEAD("\1", "\0") ASK("\x21") RR(OWN, "\x21", "\5", "\x0a", "\0\0\0\0\0\1\2\0 \0")),
      "?" "?/0/0/1 (the record names no host) for 5" },
    /* nothing: how long that holds */
    { DNS_A, M(HEAD("\0", "\1") ASK("\1") SOA("\x50", "\x1e")), " for 30" },
    { DNS_A, M(HEAD("\0", "\1") ASK("\1") SOA("\x0a", "\x1e")), " for 10" },
    { DNS_A, M(HEAD("\0", "\0") ASK("\1")), "" },
    { DNS_A, M(HEAD("\1", "\1") ASK("\1") ADDRESS(OWN, "\x50", "\x7f\0\0\1") SOA("\1", "\1")), "127.0.0.1 for 80" },
    /* what follows the sections is not looked at */
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") ADDRESS(OWN, "\5", "\x7f\0\0\1") "\xff\xff"), "127.0.0.1 for 5" },
    /* broken */
    { DNS_A, M(""), "! not an answer" },
    { DNS_A, M("\x12\x67\x81\x80\0\1\0\0\0\0\0"), "! not an answer" },
    { DNS_A, M("\x12\x67\x01\x00\0\1\0\0\0\0\0\0" ASK("\1")), "! not an answer" },
    { DNS_A, M("\x12\x67\x83\x80\0\1\0\0\0\0\0\0" ASK("\1")), "! the answer is cut off" },
    { DNS_A, M("\x12\x67\x81\x80\0\0\0\0\0\0\0\0"), "! the answer is not to what was asked" },
    { DNS_A, M("\x12\x67\x81\x80\0\2\0\0\0\0\0\0" ASK("\1") ASK("\1")), "! the answer is not to what was asked" },
    { DNS_A, M(HEAD("\0", "\0") ASK("\x1c")), "! the answer is not to what was asked" },
    { DNS_A, M(HEAD("\0", "\0") "\3Web\4test\0\0\1\0\3"), "! the answer is not to what was asked" },
    { DNS_A, M(HEAD("\0", "\0") "\3Web\4test\0\0\1\0"), "! the answer is not to what was asked" },
    { DNS_A, M(HEAD("\0", "\0") "\3Web\4tes"), "! the answer is not to what was asked" },
    { DNS_A, M(HEAD("\0", "\0") "\xc0\x0c\0\1\0\1"), "! the answer is not to what was asked" },
    { DNS_A, M(HEAD("\2", "\0") ASK("\1") ADDRESS(OWN, "\5", "\x7f\0\0\1")), "! the answer is broken" },
    { DNS_A, M(HEAD("\xff", "\0") ASK("\1") ADDRESS(OWN, "\5", "\x7f\0\0\1")), "! the answer is broken" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") RR(OWN, "\1", "\5", "\5", "\x7f\0\0\1\0")), "! the answer is broken" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") RR(OWN, "\1", "\5", "\4", "\x7f\0\0")), "! the answer is broken" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") RR("\xc0\x1a", "\1", "\5", "\4", "\x7f\0\0\1")), "! the answer is broken" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") RR("\xc0\xff", "\1", "\5", "\4", "\x7f\0\0\1")), "! the answer is broken" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") RR("\x80", "\1", "\5", "\4", "\x7f\0\0\1")), "! the answer is broken" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") RR("\x40", "\1", "\5", "\4", "\x7f\0\0\1")), "! the answer is broken" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") RR("\2a\xc0\x1a", "\1", "\5", "\4", "\x7f\0\0\1")), "! the answer is broken" },
    { DNS_A, M(HEAD("\1", "\0") ASK("\1") ALIAS(OWN, "\2", "\4", "\1b\0\0")), "! the answer is broken" },
    { DNS_SRV, M(HEAD("\1", "\0") ASK("\x21") RR(OWN, "\x21", "\5", "\6", "\0\0\0\0\0\1")), "! the answer is broken" },
    { DNS_A, M(HEAD("\0", "\1") ASK("\1") RR("\0", "\6", "\5", "\4", "\0\0\0\0")), "! the answer is broken" },
};

static void print(const struct dns_message *m, enum dns_type type, struct buf *to)
{
    for (unsigned i = 0; i < m->n; i++) {
        const struct dns_record *r = &m->at[i];

        buf_printf(to, "%s%s", i == 0 ? "" : " ", r->host);
        if (type == DNS_SRV)
            buf_printf(to, "/%u/%u/%u", r->priority, r->weight, r->port);
        if (r->wrong != NULL)
            buf_printf(to, " (%s)", r->wrong);
    }
    if (m->has_ttl)
        buf_printf(to, " for %u", (unsigned)m->ttl);
}

static void messages_are_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N(rows); i++) {
        uint8_t *copy = malloc(rows[i].size + (rows[i].size == 0));     /* whose end the sanitizer knows */
        struct sc_error e = SC_ERROR_INIT;
        struct buf got = BUF_INIT;
        struct dns_message m;
        struct arena a;

        arena_init(&a, 512);
        memcpy(copy, rows[i].message, rows[i].size);
        if (dns_message_read(&a, copy, rows[i].size, rows[i].type, &m, &e))
            print(&m, rows[i].type, &got);
        else
            buf_printf(&got, "! %s", e.text);
        if (!str_eq(buf_view(&got), str_of(rows[i].want)))
            fail_msg("row %u: wanted \"%s\", got \"%.*s\"", i, rows[i].want, (int)got.n, got.p == NULL ? "" : got.p);
        buf_fini(&got);
        arena_fini(&a);
        free(copy);
    }
}

/* Every one of them, cut anywhere: refused, or nothing that was not in it. */
static void cut_messages_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N(rows); i++)
        for (size_t n = 0; n < rows[i].size; n++) {
            uint8_t *copy = malloc(n + 1);
            struct sc_error e = SC_ERROR_INIT;
            struct dns_message m;
            struct arena a;

            arena_init(&a, 512);
            memcpy(copy, rows[i].message, n);
            if (dns_message_read(&a, copy, n, rows[i].type, &m, &e))
                assert_true(n + 2 >= rows[i].size);     /* the bytes behind the sections */
            else
                assert_int_not_equal(e.text[0], '\0');
            arena_fini(&a);
            free(copy);
        }
}

/* Labels that come back to themselves by way of a pointer: as long as a name may be, and no longer. */
static void names_end(void **state)
{
    uint8_t message[600] = "\x12\x67\x81\x80\0\1\0\0\0\0\0\0";
    struct sc_error e = SC_ERROR_INIT;
    struct dns_message m;
    size_t at = 12;
    struct arena a;

    (void)state;
    arena_init(&a, 512);
    for (unsigned i = 0; i < 127; i++, at += 2)
        memcpy(message + at, "\1a", 2);
    memcpy(message + at, "\0\0\1\0\1", 5);
    assert_true(dns_message_read(&a, message, at + 5, DNS_A, &m, &e));      /* 255 bytes */
    memcpy(message + at, "\1a\0\0\1\0\1", 7);
    assert_false(dns_message_read(&a, message, at + 7, DNS_A, &m, &e));
    memcpy(message + at, "\xc0\x0c\0\1\0\1", 6);
    assert_false(dns_message_read(&a, message, at + 6, DNS_A, &m, &e));
    arena_fini(&a);
}

static void names_and_servers_are_checked(void **state)
{
    static const struct { const char *text; bool name, server; } cases[] = {
        { "web.test", true, false }, { "web.test.", true, false }, { "_http._tcp.web.test", true, false },
        { "a", true, false }, { "", false, false }, { ".", false, false }, { "a..b", false, false }, { ".a", false, false },
        { "a b", false, false }, { "a\\b", false, false }, { "127.0.0.1", true, true }, { "127.0.0.1:53", false, true },
        { "127.0.0.1:0", false, false }, { "127.0.0.1:65536", false, false }, { "127.0.0.1:", false, false },
        { "127.0.0.1:5x", false, false }, { "::1", false, true }, { "[::1]", false, true }, { "[::1]:5353", false, true },
        { "[::1]5353", false, false }, { "[::1", false, false }, { "[127.0.0.1]", false, false }, { "1.2.3", true, false },
        { "fe80::1%lo", false, false },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b", true, false },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b", false, false },
    };

    (void)state;
    for (unsigned i = 0; i < N(cases); i++)
        if (dns_name_is_valid(cases[i].text) != cases[i].name || dns_server_is_valid(cases[i].text) != cases[i].server)
            fail_msg("\"%s\"", cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_read),
        cmocka_unit_test(cut_messages_are_refused),
        cmocka_unit_test(names_end),
        cmocka_unit_test(names_and_servers_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
