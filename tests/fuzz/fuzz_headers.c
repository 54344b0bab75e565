/* tests/fuzz/fuzz_headers.c - names have the number that a plain search finds; hop rules and the request writer hold.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: lines "name:value". */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/hop.h"
#include "http1/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned plain_id(struct sc_str name)
{
    for (unsigned id = 1; id < HDR_COUNT; id++)
        if (str_ieq(hdr_name((enum hdr)id), name))
            return id;
    return HDR_OTHER;
}

static bool has_break(struct sc_str s)
{
    return str_chr(s, '\r') != NULL || str_chr(s, '\n') != NULL || str_chr(s, '\0') != NULL;
}

static void check_list(struct sc_str list)
{
    const char *end = list.p + list.n, *last = list.p;
    struct sc_str item;

    while (http_list_next(&list, &item)) {
        assert(item.n > 0 && item.p >= last && item.p + item.n <= end);
        last = item.p + item.n;
    }
    assert(list.n == 0);
}

/* One line of input; the list takes what a strict reader would let through. */
static void add(struct headers *h, struct sc_str line)
{
    const char *colon = str_chr(line, ':'), *end = line.p + line.n;
    struct sc_str name = str_range(line.p, colon != NULL ? colon : end);
    struct sc_str value = str_trim(str_range(colon != NULL ? colon + 1 : end, end));

    assert(hdr_id(name.p, name.n) == plain_id(name));
    assert(hdr_alias(name.p, name.n) == plain_id(name) || str_chr(name, '_') != NULL);
    assert(!http_is_token(name) || !has_break(name));
    assert(!http_is_value(value) || !has_break(value));
    check_list(value);
    if (http_is_token(name) && http_is_value(value))
        headers_add(h, name, value);
}

static void check_hop(struct headers *h)
{
    struct header *f;
    struct hop hop;
    unsigned before = 0, after = 0;

    for (unsigned i = 0; (f = headers_each(h, &i)) != NULL;)
        before += hop_is_protected((enum hdr)f->id) && !hop_is_hop((enum hdr)f->id);
    hop_strip(h, &hop);
    for (unsigned i = 0; (f = headers_each(h, &i)) != NULL;) {
        assert(!hop_is_hop((enum hdr)f->id));
        after += hop_is_protected((enum hdr)f->id);
    }
    assert(before == after);
    assert(!hop.upgrade || hop.upgrade_to.p != NULL);
}

static void check_write(const struct headers *h, const struct header *raw, bool clean)
{
    const struct request_line line = { STR("GET"), STR("/"), STR("q"), true };
    size_t cap = request_size(&line, h, raw, 1);
    char *to = malloc(cap);
    ssize_t n;

    assert(to != NULL);
    n = request_write(to, cap, &line, h, raw, 1);
    assert(clean ? n > 0 && (size_t)n <= cap && memcmp(to + n - 4, "\r\n\r\n", 4) == 0 : n == -1);
    assert(request_write(to, 10, &line, h, raw, 1) == 0);
    free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str rest = { (const char *)data, size }, line;
    struct header raw = { .name = STR("Raw"), .value = rest };
    struct headers h;
    struct arena arena;

    if (size == 0)
        return 0;
    arena_init(&arena, 1024);
    headers_init(&h, &arena, NULL, 0);
    while (str_split(&rest, '\n', &line))
        add(&h, line);
    check_write(&h, &raw, !has_break(raw.value));
    check_hop(&h);
    arena_fini(&arena);
    return 0;
}
