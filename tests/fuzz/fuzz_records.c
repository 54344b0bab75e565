/* tests/fuzz/fuzz_records.c - whatever a file of targets holds: refused with a place, or records that can be targets.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The first byte chooses YAML or JSON. */
#include "discovery/address.h"
#include "discovery/providers/records.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct endpoint *e)
{
    struct sc_error err = SC_ERROR_INIT;
    struct address a;

    assert(endpoint_check(e, &err));
    assert(endpoint_equal(e, e));
    assert(e->weight <= ENDPOINT_WEIGHT_MAX && e->tier <= 15);
    if (e->path != NULL)
        assert(address_unix(&a, e->path));
    else
        assert(e->port > 0 && (address_numeric(&a, e->host, e->port) || address_is_name(e->host)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_error err = SC_ERROR_INIT;
    struct map_item *item;
    struct records *r;

    if (size == 0)
        return 0;
    r = records_parse(data[0] == 'j' ? "f.json" : "f.yaml", (struct sc_str){ (const char *)data + 1, size - 1 }, &err);
    if (r == NULL) {
        assert(strncmp(err.text, "f.", 2) == 0);
        return 0;
    }
    for (unsigned i = 0; (item = map_next(&r->services, &i)) != NULL;) {
        struct record_list list = records_of(r, item->key.p);

        for (unsigned k = 0; k < list.n; k++)
            check(&list.at[k]);
    }
    records_free(&r);
    return 0;
}
