/* tests/fuzz/fuzz_snapshot.c - what a file of the state directory holds: refused whole, or an answer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The first byte chooses: the whole file, or what stands behind a first line that fits it (a digest is not guessed). */
#include "discovery/snapshot/saved.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct saved *s)
{
    for (unsigned i = 0; i < s->n; i++)
        assert(endpoint_check(&s->at[i], NULL));
}

/* What was read is written, and read back as the same. */
static void check_again(struct arena *a, const struct saved *s)
{
    struct buf body = BUF_INIT, file = BUF_INIT;
    struct saved back;

    saved_print(&body, s);
    assert(saved_head(&file, buf_view(&body)));
    buf_str(&file, buf_view(&body));
    assert(saved_parse(a, buf_view(&file), s->identity, &back, NULL));
    assert(back.n == s->n && back.live == s->live && back.changed == s->changed && back.index == s->index);
    for (unsigned i = 0; i < s->n; i++)
        assert(endpoint_equal(&back.at[i], &s->at[i]));
    buf_fini(&body);
    buf_fini(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_error e = SC_ERROR_INIT;
    struct buf file = BUF_INIT;
    struct arena a;
    struct saved s;

    if (size == 0)
        return 0;
    if (data[0] == 'b')
        assert(saved_head(&file, (struct sc_str){ (const char *)data + 1, size - 1 }));
    buf_add(&file, data + 1, size - 1);
    arena_init(&a, 4096);
    if (saved_parse(&a, buf_view(&file), "x", &s, &e)) {
        check(&s);
        check_again(&a, &s);
    } else {
        assert(e.text[0] != '\0');
    }
    arena_fini(&a);
    buf_fini(&file);
    return 0;
}
