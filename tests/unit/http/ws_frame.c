/* tests/unit/http/ws_frame.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "http/ws_frame.h"

/* The bytes of a stream of frames, and behind which of them another frame may stand. */
static const struct { const char *name, *bytes; size_t n, filler; size_t between[4]; bool closed; } streams[] = {
    { "an empty text", "\x81\x00", 2, 0, { 2 }, false },
    { "a masked text", "\x81\x82\1\2\3\4ab", 8, 0, { 8 }, false },
    { "an empty masked one", "\x89\x80\1\2\3\4", 6, 0, { 6 }, false },
    { "two frames of a message and a ping", "\x01\x01" "a\x89\x00\x80\x01" "b", 8, 0, { 3, 5, 8 }, false },
    { "a length in two bytes", "\x82\x7e\x01\x00", 4, 256, { 260 }, false },
    { "the same masked", "\x82\xfe\x01\x00\1\2\3\4", 8, 256, { 264 }, false },
    { "a length in eight bytes", "\x82\x7f\0\0\0\0\0\1\0\0", 10, 65536, { 65546 }, false },
    { "more than will ever come", "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10, 100, { 0 }, false },
    { "the same masked", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\2\3\4", 14, 100, { 0 }, false },
    { "a Close", "\x81\x01" "a\x88\x02\x03\xe8", 7, 0, { 3 }, true },
};

static bool is_listed(size_t i, size_t at)
{
    for (unsigned k = 0; k < 4; k++)
        if (streams[i].between[k] != 0 && streams[i].between[k] == at)
            return true;
    return false;
}

static void one_byte_after_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct ws_frame f = { 0 };

        assert_true(ws_frame_between(&f));
        for (size_t at = 0; at < streams[i].n + streams[i].filler; at++) {
            ws_frame_feed(&f, at < streams[i].n ? streams[i].bytes + at : "x", 1);
            if (ws_frame_between(&f) != is_listed(i, at + 1))
                fail_msg("%s: byte %zu", streams[i].name, at);
        }
        assert_int_equal(f.closed, streams[i].closed);
    }
}

static void any_cut_is_the_same(void **state)
{
    static const char bytes[] = "\x01\x83\1\2\3\4abc\x82\x7e\x00\x03xyz\x89\x00\x8a\x81\1\1\1\1z";

    const size_t n = sizeof bytes - 1;

    (void)state;
    for (size_t a = 0; a <= n; a++)
        for (size_t b = a; b <= n; b++) {
            struct ws_frame f = { 0 };

            ws_frame_feed(&f, bytes, a);
            ws_frame_feed(&f, bytes + a, b - a);
            ws_frame_feed(&f, bytes + b, n - b);
            assert_true(ws_frame_between(&f));
        }
}

static void writes_a_close(void **state)
{
    static const unsigned char mask[4] = { 0x11, 0x22, 0x33, 0x44 };
    struct ws_frame f = { 0 };
    char to[WS_CLOSE_MAX];
    size_t n;

    (void)state;
    n = ws_frame_close(to, WS_GOING_AWAY, NULL);
    assert_int_equal(n, 4);
    assert_memory_equal(to, "\x88\x02\x03\xe9", 4);
    n = ws_frame_close(to, WS_GOING_AWAY, mask);
    assert_int_equal(n, 8);
    assert_memory_equal(to, "\x88\x82\x11\x22\x33\x44\x12\xcb", 8);
    ws_frame_feed(&f, to, n);
    assert_true(f.closed && f.left == 0 && f.have == 0);
    assert_false(ws_frame_between(&f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_byte_after_another),
        cmocka_unit_test(any_cut_is_the_same),
        cmocka_unit_test(writes_a_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
