/* tests/unit/http/headers.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "http/chars.h"
#include "http/headers.h"

#include <ctype.h>
#include <stdlib.h>

/* A copy without a byte behind it, so that the address sanitizer sees every read beyond the name. */
static enum hdr id_of(const char *p, size_t n)
{
    char *copy = malloc(n != 0 ? n : 1);
    enum hdr id;

    memcpy(copy, p, n);
    id = hdr_id(copy, n);
    free(copy);
    return id;
}

static void knows_every_name_in_any_case(void **state)
{
    char text[64];

    (void)state;
    for (unsigned id = 1; id < HDR_COUNT; id++) {
        struct sc_str name = hdr_name((enum hdr)id);

        assert_true(http_is_token(name));
        assert_int_equal(id_of(name.p, name.n), id);
        for (size_t i = 0; i < name.n; i++)
            text[i] = (char)toupper((unsigned char)name.p[i]);
        assert_int_equal(id_of(text, name.n), id);
        for (size_t i = 0; i < name.n; i++)
            text[i] = (char)tolower((unsigned char)name.p[i]);
        assert_int_equal(id_of(text, name.n), id);
    }
}

/* Any other byte in any place makes it another name: no bit may be masked away but the case of letters. */
static void knows_no_name_that_differs(void **state)
{
    (void)state;
    for (unsigned id = 1; id < HDR_COUNT; id++) {
        struct sc_str name = hdr_name((enum hdr)id);

        assert_int_not_equal(id_of(name.p, name.n - 1), id);
        for (size_t i = 0; i < name.n; i++) {
            char text[64];

            memcpy(text, name.p, name.n);
            for (int c = 0; c < 256; c++) {
                text[i] = (char)c;
                assert_int_equal(id_of(text, name.n) == id, tolower(c) == tolower((unsigned char)name.p[i]));
            }
        }
    }
    assert_int_equal(id_of("", 0), HDR_OTHER);
    assert_int_equal(id_of("x", 1), HDR_OTHER);
    assert_int_equal(id_of("X-Custom", 8), HDR_OTHER);
}

static void classes_are_the_grammars(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool alnum = c < 128 && isalnum(c);
        bool token = alnum || (c != 0 && c < 128 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
        bool unreserved = alnum || (c != 0 && c < 128 && strchr("-._~", c) != NULL);
        const char digit[2] = { (char)c, '\0' };

        assert_int_equal(http_is((char)c, CH_TOKEN), token);
        assert_int_equal(http_is((char)c, CH_UNRESERVED), unreserved);
        assert_int_equal(http_is((char)c, CH_VALUE), c == '\t' || (c >= 0x20 && c != 0x7f));
        assert_int_equal(http_hex[c], c < 128 && isxdigit(c) ? (int)strtol(digit, NULL, 16) : 255);
    }
}

static void finds_the_end_of_values(void **state)
{
    (void)state;
    for (size_t n = 0; n < 70; n++) {
        for (size_t bad = 0; bad <= n; bad++) {
            char *p = malloc(n != 0 ? n : 1);

            memset(p, 'x', n);
            for (size_t tab = 0; tab < n; tab += 5)
                p[tab] = '\t';
            if (bad < n)
                p[bad] = bad % 3 == 0 ? '\r' : bad % 3 == 1 ? '\x7f' : '\0';
            assert_int_equal(http_value_end(p, p + n) - p, bad);
            free(p);
        }
    }
}

/* Every byte in every place of runs around one vector in length, against the table. */
static void finds_the_end_of_tokens_and_targets(void **state)
{
    (void)state;
    for (size_t n = 1; n < 40; n += n % 3 + 1) {
        for (size_t at = 0; at < n; at++) {
            char *p = malloc(n);

            memset(p, 'x', n);
            for (int c = 0; c < 256; c++) {
                p[at] = (char)c;
                assert_ptr_equal(http_token_end(p, p + n), http_skip(p, p + n, CH_TOKEN));
                assert_ptr_equal(http_target_end(p, p + n), http_skip(p, p + n, CH_TARGET));
            }
            free(p);
        }
    }
}

static void keeps_order_and_duplicates(void **state)
{
    struct arena arena;
    struct header first[2], *f;
    struct headers h;
    unsigned i = 0;

    (void)state;
    arena_init(&arena, 256);
    headers_init(&h, &arena, first, 2);
    assert_null(headers_first(&h, HDR_VIA));
    for (int k = 0; k < 40; k++) {
        headers_add(&h, STR("Via"), STR("a"));
        headers_add(&h, STR("x-other"), STR("b"));
        headers_add_id(&h, HDR_AGE, STR("1"));
    }
    assert_int_equal(h.n, 120);
    f = headers_each(&h, &i);
    assert_int_equal(f->id, HDR_VIA);
    f = headers_find(&h, STR("X-Other"));
    assert_ptr_equal(f, &h.at[1]);
    assert_ptr_equal(headers_find_next(&h, f, STR("X-OTHER")), &h.at[4]);
    assert_ptr_equal(headers_find(&h, STR("age")), &h.at[2]);
    assert_ptr_equal(headers_next(&h, &h.at[2], HDR_AGE), &h.at[5]);
    assert_ptr_equal(headers_find_next(&h, &h.at[2], STR("AGE")), &h.at[5]);
    assert_str(h.at[2].name, "Age");
    assert_null(headers_find(&h, STR("x-nobody")));
    arena_fini(&arena);
}

static void removes_and_replaces(void **state)
{
    struct arena arena;
    struct headers h;
    unsigned i = 0;

    (void)state;
    arena_init(&arena, 1024);
    headers_init(&h, &arena, NULL, 0);
    headers_add(&h, STR("Via"), STR("a"));
    headers_add(&h, STR("X-A"), STR("1"));
    headers_add(&h, STR("via"), STR("b"));
    headers_add(&h, STR("x-a"), STR("2"));
    assert_str(headers_set(&h, HDR_VIA, STR("c"))->value, "c");
    assert_ptr_equal(headers_first(&h, HDR_VIA), &h.at[0]);
    assert_null(headers_next(&h, &h.at[0], HDR_VIA));
    assert_ptr_equal(headers_set_name(&h, STR("X-a"), STR("3")), &h.at[1]);
    assert_true(h.at[3].gone);
    assert_ptr_equal(headers_set(&h, HDR_AGE, STR("7")), &h.at[4]);
    assert_ptr_equal(headers_set_name(&h, STR("X-New"), STR("8")), &h.at[5]);
    assert_int_equal(headers_remove(&h, HDR_VIA), 1);
    assert_int_equal(headers_remove(&h, HDR_VIA), 0);
    assert_int_equal(headers_remove_name(&h, STR("x-A")), 1);
    assert_int_equal(headers_each(&h, &i)->id, HDR_AGE);
    assert_str(headers_each(&h, &i)->value, "8");
    assert_null(headers_each(&h, &i));
    headers_clear(&h);
    assert_null(headers_first(&h, HDR_AGE));
    arena_fini(&arena);
}

static void judges_tokens_and_values(void **state)
{
    static const struct { struct sc_str s; bool token, value; } rows[] = {
        { STR_INIT(""), false, true }, { STR_INIT("a"), true, true }, { STR_INIT("X-A_b!"), true, true },
        { STR_INIT("a b"), false, true }, { STR_INIT("a:"), false, true }, { STR_INIT(" a"), false, false },
        { STR_INIT("a "), false, false }, { STR_INIT("a\t"), false, false }, { STR_INIT("a\tb"), false, true },
        { STR_INIT("a\r\nb"), false, false }, { STR_INIT("a\nb"), false, false }, { STR_INIT("a\0b"), false, false },
        { STR_INIT("0123456789abcdef0123\x7f"), false, false }, { STR_INIT("\xc3\xa9"), false, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(http_is_token(rows[i].s), rows[i].token);
        assert_int_equal(http_is_value(rows[i].s), rows[i].value);
    }
    assert_true(http_is_value(STR_NONE));
}

static void splits_lists(void **state)
{
    struct sc_str rest = STR(" , a ,,\tb;x=\"1,\\\",2\", \"un,closed"), item;

    (void)state;
    assert_true(http_list_next(&rest, &item));
    assert_str(item, "a");
    assert_true(http_list_next(&rest, &item));
    assert_str(item, "b;x=\"1,\\\",2\"");
    assert_true(http_list_next(&rest, &item));
    assert_str(item, "\"un,closed");
    assert_false(http_list_next(&rest, &item));
    assert_true(http_list_has(STR("a, Gzip,b"), STR("gzip")));
    assert_false(http_list_has(STR("a, gzip;q=0,b"), STR("gzip")));
    assert_false(http_list_has(STR(""), STR("gzip")));
    assert_true(http_list_has(STR("gzip,\"x\\"), STR("gzip")));
    assert_true(http_list_has(STR("\"x\\"), STR("\"x\\")));
}

static void reads_connection_options(void **state)
{
    struct header at[4];
    struct headers h;

    (void)state;
    assert_int_equal(connection_value(STR("")), 0);
    assert_int_equal(connection_value(STR("Close")), CONNECTION_CLOSE);
    assert_int_equal(connection_value(STR("keep-alive, UPGRADE ,te")),
                     CONNECTION_KEEP_ALIVE | CONNECTION_UPGRADE | CONNECTION_TE);
    assert_int_equal(connection_value(STR("closed, x-y")), CONNECTION_OTHER);
    assert_int_equal(connection_value(STR("cl0se")), CONNECTION_OTHER);
    assert_int_equal(connection_value(STR("x-grade")), CONNECTION_OTHER);
    assert_int_equal(connection_value(STR("keep_alive")), CONNECTION_OTHER);
    assert_int_equal(connection_value(STR("et")), CONNECTION_OTHER);
    headers_init(&h, NULL, at, 4);
    assert_int_equal(connection_options(&h), 0);
    headers_add(&h, STR("Connection"), STR("close"));
    headers_add(&h, STR("connection"), STR("te"));
    headers_add(&h, STR("Connection"), STR("upgrade"))->gone = true;
    assert_int_equal(connection_options(&h), CONNECTION_CLOSE | CONNECTION_TE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_every_name_in_any_case),
        cmocka_unit_test(knows_no_name_that_differs),
        cmocka_unit_test(classes_are_the_grammars),
        cmocka_unit_test(finds_the_end_of_values),
        cmocka_unit_test(finds_the_end_of_tokens_and_targets),
        cmocka_unit_test(keeps_order_and_duplicates),
        cmocka_unit_test(removes_and_replaces),
        cmocka_unit_test(judges_tokens_and_values),
        cmocka_unit_test(splits_lists),
        cmocka_unit_test(reads_connection_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
