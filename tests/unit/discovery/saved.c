/* tests/unit/discovery/saved.c - an answer as a file, there and back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "discovery/snapshot/saved.h"

#include <stdlib.h>

static const char *const tags[] = { "v1", "caf\xc3\xa9" };
static const struct sc_pair meta[] = { { "version", "1.2" }, { "version", "1.3" }, { "none", NULL } };

static const struct endpoint all[] = {
    { .host = "192.0.2.1", .port = 80, .weight = 100 },
    { .host = "2001:db8::1", .port = 8443, .weight = 0, .tier = 3, .tls = true, .id = "web-1", .zone = "a", .node = "n1",
      .tags = { tags, 2 }, .meta = { meta, 3 }, .state = EP_CRITICAL },
    { .path = "/run/x.sock", .weight = 65535, .state = EP_MAINTENANCE },
    { .host = "web.example", .port = 65535, .weight = 1, .state = EP_SERVING_TERMINATING },
};
enum { ALL = sizeof all / sizeof *all };

static const struct saved good = {
    .identity = "users type=consul registry.address=[\"http://127.0.0.1:8500\"]", .live = 1700000000123,
    .changed = 1699999999999, .cause = "index 12", .index = UINT64_MAX, .at = all, .n = ALL,
};

static struct buf file_of(struct sc_str body)
{
    struct buf file = BUF_INIT;

    assert_true(saved_head(&file, body));
    buf_str(&file, body);
    return file;
}

static struct buf file_of_answer(const struct saved *s)
{
    struct buf body = BUF_INIT, file;

    saved_print(&body, s);
    file = file_of(buf_view(&body));
    buf_fini(&body);
    return file;
}

static void comes_back_as_it_was(void **state)
{
    struct buf file = file_of_answer(&good);
    struct sc_error e = SC_ERROR_INIT;
    struct arena a;
    struct saved s;

    (void)state;
    arena_init(&a, 1024);
    if (!saved_parse(&a, buf_view(&file), good.identity, &s, &e))
        fail_msg("%s", e.text);
    assert_string_equal(s.identity, good.identity);
    assert_string_equal(s.cause, "index 12");
    assert_true(s.live == good.live && s.changed == good.changed && s.index == UINT64_MAX);
    assert_int_equal(s.n, ALL);
    for (unsigned i = 0; i < ALL; i++)
        assert_true(endpoint_equal(&s.at[i], &all[i]));
    arena_fini(&a);
    buf_fini(&file);
}

static void leaves_out_what_is_no_target(void **state)
{
    const struct endpoint some[] = {
        { .host = "192.0.2.1", .port = 80 }, { .host = "192.0.2.2", .port = 80, .wrong = "no" }, { .host = "192.0.2.3" },
    };
    struct saved of = { .identity = "x", .at = some, .n = 3 }, s;
    struct buf file = file_of_answer(&of);
    struct arena a;

    (void)state;
    arena_init(&a, 1024);
    assert_true(saved_parse(&a, buf_view(&file), "x", &s, NULL));
    assert_int_equal(s.n, 1);
    assert_null(s.cause);
    arena_fini(&a);
    buf_fini(&file);
}

static void refuses(struct sc_str file, const char *identity, const char *why)
{
    struct sc_error e = SC_ERROR_INIT;
    struct arena a;
    struct saved s;

    arena_init(&a, 1024);
    assert_false(saved_parse(&a, file, identity, &s, &e));
    if (strstr(e.text, why) == NULL)
        fail_msg("\"%s\" in place of \"%s\"", e.text, why);
    arena_fini(&a);
}

static void refuses_every_cut(void **state)
{
    struct buf file = file_of_answer(&good);

    (void)state;
    for (size_t n = 0; n < file.n; n++)
        refuses((struct sc_str){ file.p, n }, good.identity, "");
    buf_putc(&file, '\n');
    refuses(buf_view(&file), good.identity, "damaged");
    buf_fini(&file);
}

static void refuses_every_changed_bit(void **state)
{
    struct buf file = file_of_answer(&good);

    (void)state;
    for (size_t i = 0; i < 8 * file.n; i++) {
        file.p[i / 8] ^= (char)(1 << i % 8);
        refuses(buf_view(&file), good.identity, "");
        file.p[i / 8] ^= (char)(1 << i % 8);
    }
    buf_fini(&file);
}

static void refuses_another_source_and_another_version(void **state)
{
    struct buf file = file_of_answer(&good);
    char *version = strstr(file.p, "\"version\":1");

    (void)state;
    refuses(buf_view(&file), "users type=consul", "of another source");
    version[strlen("\"version\":")] = '2';
    refuses(buf_view(&file), good.identity, "of version 2, where 1 is known");
    buf_fini(&file);
}

/* Of the right digest all the same. */
static void refuses_what_nobody_has_written(void **state)
{
#define FRONT "{\"identity\":\"x\",\"live\":1,\"changed\":1,\"index\":\"1\",\"targets\":"
    static const char *const bodies[] = {
        "", "null", "[]", "{}", "{\"identity\":\"x\"}", FRONT "[]", FRONT "{}}", FRONT "[{}]}", FRONT "[1]}",
        FRONT "[{\"host\":\"192.0.2.1\"}]}", FRONT "[{\"host\":\"192.0.2.1\",\"port\":0}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":65536}]}", FRONT "[{\"host\":\"192.0.2.1\",\"port\":\"80\"}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"weight\":65536}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"tier\":-1}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"state\":\"fine\"}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"state\":1}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"tls\":1}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"zone\":null}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"tags\":[1]}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"tags\":\"a\"}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"meta\":{\"a\":\"b\"}}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"meta\":[[\"a\"]]}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"meta\":[[\"a\",1]]}]}",
        FRONT "[{\"host\":\"-\",\"port\":80}]}", FRONT "[{\"unix\":\"x\"}]}",
        FRONT "[{\"host\":\"192.0.2.1\",\"port\":80,\"unix\":\"/x\"}]}",
        "{\"identity\":\"x\",\"live\":-1,\"changed\":1,\"index\":\"1\",\"targets\":[]}",
        "{\"identity\":\"x\",\"changed\":1,\"index\":\"1\",\"targets\":[]}",
        "{\"identity\":\"x\",\"live\":1,\"changed\":1,\"index\":1,\"targets\":[]}",
        "{\"identity\":\"x\",\"live\":1,\"changed\":1,\"index\":\"18446744073709551616\",\"targets\":[]}",
        "{\"identity\":\"x\\u0000y\",\"live\":1,\"changed\":1,\"index\":\"1\",\"targets\":[]}",
    };
    struct buf file = file_of(STR(FRONT "[]}"));
    struct arena a;
    struct saved s;

    (void)state;
    arena_init(&a, 1024);
    assert_true(saved_parse(&a, buf_view(&file), "x", &s, NULL));       /* the frame is right */
    assert_int_equal(s.n, 0);
    arena_fini(&a);
    buf_fini(&file);
    for (unsigned i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        file = file_of(str_of(bodies[i]));
        refuses(buf_view(&file), "x", "not a snapshot");
        buf_fini(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(leaves_out_what_is_no_target),
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(refuses_every_changed_bit),
        cmocka_unit_test(refuses_another_source_and_another_version),
        cmocka_unit_test(refuses_what_nobody_has_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
