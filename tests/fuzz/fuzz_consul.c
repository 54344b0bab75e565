/* tests/fuzz/fuzz_consul.c - whatever Consul answers: refused as a whole, or entries of which each is a target or wrong.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The first byte chooses what is wanted; the first line behind it is X-Consul-Index, the rest the body. */
#include "discovery/address.h"
#include "discovery/providers/consul_answer.h"
#include "discovery/providers/consul_entry.h"
#include "discovery/providers/consul_index.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct endpoint *e, const struct consul_want *want)
{
    struct sc_error err = SC_ERROR_INIT;
    struct address a;

    assert(endpoint_equal(e, e));
    assert(e->weight <= ENDPOINT_WEIGHT_MAX && e->path == NULL && !e->tls && e->tier == 0);
    assert(!want->passing_only || e->state != EP_WARNING);
    assert(want->passing_only || e->state != EP_NOT_PASSING);
    if (!endpoint_check(e, &err)) {
        assert(err.text[0] != '\0');
        return;
    }
    assert(e->wrong == NULL && e->port > 0 && (address_numeric(&a, e->host, e->port) || address_is_name(e->host)));
}

static void check_index(struct sc_str field)
{
    uint64_t next = consul_index_next(1000, field);

    assert(next == 0 || next == 1 || next >= 1000);
}

struct reading {
    struct consul_answer answer;
    const struct endpoint *at;
    unsigned n;
};

/* In two pieces, knowing what was said before. */
static bool read_again(struct reading *to, struct sc_str text, size_t cut, const struct consul_want *want,
                       const struct consul_memory *m)
{
    struct sc_error err = SC_ERROR_INIT;
    bool ok;

    consul_answer_init(&to->answer, m->n);
    ok = consul_answer_piece(&to->answer, want, m, (struct sc_str){ text.p, cut }, &err) &&
         consul_answer_piece(&to->answer, want, m, str_skip(text, cut), &err) && consul_answer_is_whole(&to->answer, &err);
    if (ok)
        to->at = consul_answer_end(&to->answer, &to->n);
    return ok;
}

static void check_equal(const struct reading *a, const struct reading *b)
{
    assert(a->n == b->n);
    for (unsigned i = 0; i < a->n; i++)
        assert(endpoint_equal(&a->at[i], &b->at[i]));
}

/* The same however it is cut, and whatever of it was known. */
static void check_same(const struct reading *a, struct sc_str text, const struct consul_want *want)
{
    struct consul_memory m = { .n = 0 };
    struct reading one, two;

    if (want->prepared)
        return;
    assert(read_again(&one, text, text.n / 3, want, &m));
    check_equal(a, &one);
    consul_answer_remember(&one.answer, &m);
    consul_answer_fini(&one.answer);
    assert(read_again(&two, text, text.n / 2, want, &m) && consul_answer_is_same(&two.answer, &m));
    check_equal(a, &two);
    consul_answer_fini(&two.answer);
    consul_memory_fini(&m);
}

/* Whether others still find a service of this host: yes, no, or a reason why nobody knows. */
static void check_look(struct sc_str text)
{
    struct sc_error err = SC_ERROR_INIT;

    assert((consul_entry_find(text, "web-1", "outrider x", &err) == ENROL_FAILED) == (err.text[0] != '\0'));
    consul_entry_is_anothers(text, "web-1", "outrider x");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data + 1, size - 1 }, field = STR_NONE;
    struct sc_error err = SC_ERROR_INIT;
    struct consul_want want;
    struct reading a;

    if (size == 0)
        return 0;
    want = (struct consul_want){ (data[0] & 1) != 0, (data[0] & 2) != 0 ? "wan" : NULL, (data[0] & 4) != 0 };
    str_split(&text, '\n', &field);
    check_index(field);
    check_look(text);
    consul_answer_init(&a.answer, 0);
    if (consul_answer_read(&a.answer, &want, text, &err)) {
        a.at = consul_answer_end(&a.answer, &a.n);
        for (unsigned i = 0; i < a.n; i++)
            check(&a.at[i], &want);
        check_same(&a, text, &want);
    } else {
        assert(strncmp(err.text, "no", 2) == 0);
    }
    consul_answer_fini(&a.answer);
    return 0;
}
