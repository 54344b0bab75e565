/* tests/fuzz/fuzz_response.c - however a response head is cut, and wherever its buffer moves, it reads the same.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What stands behind an interim head is read as the next one. Input: flags (1 = HEAD, 2 = upgrade asked), where to
 * cut, then the bytes. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "http/chars.h"
#include "http1/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct response_limits limits = { 512, 8, 2 };

/* Everything that was read, as text. */
static void digest(struct buf *to, int result, const struct response *r)
{
    struct header *f;

    buf_printf(to, "%d", result);
    if (result <= 0)
        return;
    buf_printf(to, " %u %u %d %d %d %llu %.*s\n", r->minor, r->status, r->body, r->keep_alive, r->has_length,
               (unsigned long long)r->content_length, STR_ARG(r->reason));
    for (unsigned i = 0; (f = headers_each(&r->headers, &i)) != NULL;) {
        assert(http_is_token(f->name) && http_is_value(f->value) && f->id == hdr_id(f->name.p, f->name.n));
        buf_printf(to, "%.*s: %.*s\n", STR_ARG(f->name), STR_ARG(f->value));
    }
}

static void check(const struct response *r)
{
    assert(r->status >= 100 && r->status <= 999);
    assert(!(r->chunked && r->has_length));
    assert(r->body != BODY_LENGTH || r->content_length > 0);
    assert(r->body != BODY_CLOSE || !r->keep_alive);
    assert(http_value_end(r->reason.p, r->reason.p + r->reason.n) == r->reason.p + r->reason.n);
}

/* The head at bytes[*at..n), and those behind interim ones. */
static int read_heads(struct buf *to, struct response *r, const char *bytes, size_t n, size_t *at)
{
    for (;;) {
        int result = response_parse(r, bytes + *at, n - *at, &limits);

        assert(result <= (int)(n - *at));
        if (result <= 0 || !response_is_interim(r))
            return result;
        check(r);
        digest(to, result, r);
        *at += (size_t)result;
        if (!response_next(r, &limits))
            return RESPONSE_TOO_MANY;
    }
}

/* Reads in[0..first), then `step` bytes more each time, from a new place in memory each time. */
static void run(struct buf *to, const char *in, size_t n, uint8_t flags, size_t first, size_t step)
{
    struct header at[2];
    struct response r;
    struct arena arena;
    char *buf = NULL;
    size_t at_head = 0;
    int result = 0;

    arena_init(&arena, 256);
    response_init(&r, &arena, at, 2, flags & 1, flags & 2);
    for (size_t have = first < n ? first : n;; have = n - have < step ? n : have + step) {
        char *next = malloc(have != 0 ? have : 1);

        assert(next != NULL);
        memcpy(next, in, have);
        result = read_heads(to, &r, next, have, &at_head);
        free(buf);
        buf = next;
        if (result != 0 || have == n)
            break;
    }
    if (result > 0)
        check(&r);
    digest(to, result, &r);
    free(buf);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *in = (const char *)data + 2;
    struct buf whole = BUF_INIT, cut = BUF_INIT;
    const size_t steps[3][2] = { { 0, 1 }, { size >= 2 ? data[1] : 0, size }, { size >= 2 ? data[1] / 4 : 0, 7 } };

    if (size < 2)
        return 0;
    run(&whole, in, size - 2, data[0], size, size);
    for (int i = 0; i < 3; i++) {
        buf_clear(&cut);
        run(&cut, in, size - 2, data[0], steps[i][0], steps[i][1]);
        assert(str_eq(buf_view(&whole), buf_view(&cut)));
    }
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
