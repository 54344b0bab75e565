/* tests/fuzz/fuzz_uri.c - a normal path holds nothing that could be normalised, and normalising it again changes nothing.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: one byte of options (1 = keep %2F, 2 = no semicolons, 4 = keep empty segments), then the target. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/chars.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_upper_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

static void check_triplet(struct sc_str s, const struct uri_options *o)
{
    unsigned byte;

    assert(s.n >= 3 && is_upper_hex(s.p[1]) && is_upper_hex(s.p[2]));
    byte = http_hex[(unsigned char)s.p[1]] * 16u + http_hex[(unsigned char)s.p[2]];
    assert(byte >= 0x20 && byte != 0x7f && byte != '\\' && !http_is((char)byte, CH_UNRESERVED));
    assert(byte != '/' || o->keep_encoded_slash);
}

static void check_segment(struct sc_str s, bool last, const struct uri_options *o)
{
    struct sc_str rest = s;

    assert(!str_eq(s, STR(".")) && !str_eq(s, STR("..")));
    assert(s.n > 0 || last || o->keep_slashes);
    assert(!str_starts(s, STR(".;")) && !str_starts(s, STR("..;")));
    for (; rest.n > 0; rest = str_skip(rest, 1)) {
        assert(http_is(rest.p[0], CH_TARGET) && rest.p[0] != '?');
        assert(rest.p[0] != ';' || !o->reject_semicolon);
        if (rest.p[0] == '%')
            check_triplet(rest, o);
    }
}

static void check_path(struct sc_str path, const struct uri_options *o)
{
    struct sc_str rest, segment;

    assert(path.n > 0 && path.p[0] == '/');
    rest = str_skip(path, 1);
    while (str_split(&rest, '/', &segment))
        check_segment(segment, rest.p == NULL, o);
}

static void check_query(struct sc_str query, struct arena *arena)
{
    struct sc_str rest = query, name, value;
    size_t total = 0;

    while (uri_query_next(&rest, &name, &value)) {
        assert(uri_decode(name, true, arena).n <= name.n);
        assert(uri_decode(value, false, arena).n <= value.n);
        total += name.n + value.n + (value.p != NULL) + 1;
    }
    assert(total <= query.n + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct uri u, again;
    struct arena arena;
    uint16_t port;
    char *target;

    if (size < 1)
        return 0;
    const struct uri_options o = { data[0] & 1, (data[0] & 2) != 0, (data[0] & 4) != 0 };
    arena_init(&arena, 256);
    target = malloc(size);
    assert(target != NULL);
    memcpy(target, data + 1, size - 1);
    if (uri_parse(&u, (struct sc_str){ target, size - 1 }, &o, &arena) == NULL && u.form != URI_ASTERISK) {
        check_path(u.path, &o);
        assert(uri_parse(&again, u.path, &o, &arena) == NULL && str_eq(again.path, u.path) && !again.has_query);
        assert(http_skip(u.query.p, u.query.p + u.query.n, CH_TARGET) == u.query.p + u.query.n);
        check_query(u.query, &arena);
        if (u.form == URI_ABSOLUTE)
            assert(uri_is_authority(u.authority) && uri_host(u.authority, &port).n > 0);
    }
    free(target);
    arena_fini(&arena);
    return 0;
}
