/* tests/fuzz/fuzz_chunked.c - however a chunked body is cut, it decodes the same; encoded again, it decodes to the same.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: one byte that says how to cut, then the body. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "http1/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct chunked_limits limits = { 128, 4, 16 };

struct outcome {
    enum chunked_result result;
    size_t used;
    struct buf data, trailers;
};

static void feed(struct outcome *o, struct chunked *c, const char *p, size_t n)
{
    char *copy = malloc(n != 0 ? n : 1);
    size_t at = 0;

    assert(copy != NULL);
    memcpy(copy, p, n);
    do {
        struct sc_str data;
        size_t used;

        o->result = chunked_decode(c, copy + at, n - at, &used, &data, &limits);
        assert(used <= n - at && data.n <= used && (o->result == CHUNKED_DATA) == (data.n > 0));
        buf_str(&o->data, data);
        at += used;
        assert(o->result != CHUNKED_MORE || at == n);
    } while (o->result == CHUNKED_DATA);
    o->used += at;
    free(copy);
}

static struct outcome run(const char *in, size_t n, size_t step)
{
    struct outcome o = { CHUNKED_MORE, 0, BUF_INIT, BUF_INIT };
    struct headers trailers;
    struct arena arena;
    struct chunked c;
    struct header *f;

    arena_init(&arena, 128);
    headers_init(&trailers, &arena, NULL, 0);
    chunked_init(&c, &trailers, &arena);
    for (size_t at = 0; at < n && o.result == CHUNKED_MORE; at += step)
        feed(&o, &c, in + at, n - at < step ? n - at : step);
    for (unsigned i = 0; (f = headers_each(&trailers, &i)) != NULL;) {
        assert(http_is_token(f->name) && http_is_value(f->value) && f->id != HDR_CONTENT_LENGTH);
        buf_printf(&o.trailers, "%.*s: %.*s\n", STR_ARG(f->name), STR_ARG(f->value));
    }
    assert(c.payload == o.data.n);
    arena_fini(&arena);
    return o;
}

static void end(struct outcome *o)
{
    buf_fini(&o->data);
    buf_fini(&o->trailers);
}

static void agree(struct outcome *whole, struct outcome cut)
{
    assert(whole->result == cut.result && str_eq(buf_view(&whole->data), buf_view(&cut.data)));
    assert(str_eq(buf_view(&whole->trailers), buf_view(&cut.trailers)));
    assert(whole->result != CHUNKED_END || whole->used == cut.used);
    end(&cut);
}

static void encode_and_decode(struct sc_str data, size_t step)
{
    struct buf coded = BUF_INIT;
    struct outcome o;

    for (size_t at = 0; at < data.n; at += step) {
        size_t n = data.n - at < step ? data.n - at : step;
        char head[CHUNKED_HEAD_MAX];

        buf_add(&coded, head, chunked_head(head, n));
        buf_add(&coded, data.p + at, n);
        buf_puts(&coded, CHUNKED_CRLF);
    }
    buf_puts(&coded, CHUNKED_LAST);
    o = run(coded.p, coded.n, coded.n);
    assert(o.result == CHUNKED_END && o.used == coded.n && str_eq(buf_view(&o.data), data));
    end(&o);
    buf_fini(&coded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *in = (const char *)data + 1;
    struct outcome whole;

    if (size < 2)
        return 0;
    whole = run(in, size - 1, size - 1);
    agree(&whole, run(in, size - 1, 1));
    agree(&whole, run(in, size - 1, 1u + data[0]));
    encode_and_decode(buf_view(&whole.data), 1u + data[0]);
    end(&whole);
    return 0;
}
