/* tests/fuzz/fuzz_headers.c - names have the number that a plain search finds; hop rules and the request writer hold.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: lines "name:value". */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/claims.h"
#include "http/forwarded.h"
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

static char folded(char c)
{
    return isalnum((unsigned char)c) ? (char)tolower((unsigned char)c) : '-';
}

static bool begins(struct sc_str name, const char *with)
{
    for (size_t i = 0; i < strlen(with); i++)
        if (i >= name.n || folded(name.p[i]) != with[i])
            return false;
    return true;
}

static enum claim plain_claim(struct sc_str name)
{
    enum claim kind = CLAIM_NONE;

#define PREFIX(k, text, third)                \
    if (begins(name, text))                   \
        kind = CLAIM_##k;
#define WHOLE(a, k, text, last)               \
    if (begins(name, text) && name.n == sizeof text - 1) \
        kind = CLAIM_##k;
    CLAIM_PREFIXES(PREFIX)
    CLAIMS(WHOLE, 0)
    for (size_t i = 0; i < name.n && kind != CLAIM_NONE; i++)
        if (folded(name.p[i]) == '-' && name.p[i] != '-')
            kind = CLAIM_OURS;
    return kind;
}

/* Any value may be read as a chain of proxies. */
static void check_chain(struct sc_str value, struct sc_str name)
{
    const char *end = value.p + value.n;
    struct forwarded_address a;
    struct forwarded_element e;
    char text[FORWARDED_TEXT];

    if (forwarded_parse(value, &a)) {
        struct forwarded_address again;
        struct sc_str printed = { text, forwarded_print(&a, text) };

        assert(forwarded_parse(printed, &again) && forwarded_same(&a, &again));
    }
    via_names(value, name);
    while (forwarded_next(&value, &e) > 0) {
        assert(value.p + value.n == end);
        assert(str_chr(e.node, '"') == NULL && str_chr(e.host, '\\') == NULL && str_chr(e.proto, '"') == NULL);
    }
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
    assert(claim_of(name) == plain_claim(name));
    check_chain(value, name);
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
