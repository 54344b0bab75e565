/* tests/fuzz/fuzz_consul.c - whatever Consul answers: refused as a whole, or entries of which each is a target or wrong.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The first byte chooses what is wanted; the first line behind it is X-Consul-Index, the rest the body. */
#include "discovery/address.h"
#include "discovery/providers/consul_answer.h"
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

static void check_same(const struct consul_answer *a, struct sc_str text, const struct consul_want *want)
{
    struct sc_error err = SC_ERROR_INIT;
    struct consul_answer again;

    assert(consul_answer_read(&again, text, want, &err) && again.n == a->n);
    for (unsigned i = 0; i < a->n; i++)
        assert(endpoint_equal(&a->at[i], &again.at[i]));
    consul_answer_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data + 1, size - 1 }, field = STR_NONE;
    struct sc_error err = SC_ERROR_INIT;
    struct consul_want want;
    struct consul_answer a;

    if (size == 0)
        return 0;
    want = (struct consul_want){ (data[0] & 1) != 0, (data[0] & 2) != 0 ? "wan" : NULL, (data[0] & 4) != 0 };
    str_split(&text, '\n', &field);
    check_index(field);
    if (!consul_answer_read(&a, text, &want, &err)) {
        assert(strncmp(err.text, "not ", 4) == 0);
        return 0;
    }
    for (unsigned i = 0; i < a.n; i++)
        check(&a.at[i], &want);
    check_same(&a, text, &want);
    consul_answer_fini(&a);
    return 0;
}
