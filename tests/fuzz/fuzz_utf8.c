/* tests/fuzz/fuzz_utf8.c - whatever the bytes, a JSON string comes out; good UTF-8 comes out as it went in.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_utf8(struct sc_str s)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;

    while (p < end) {
        size_t n = utf8_len(p, end);

        if (n == 0)
            return false;
        assert(n <= 4 && n <= (size_t)(end - p));
        p += n;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str in = { (const char *)data, size };
    char *text = malloc(6 * size + 2);
    json_error_t error;
    json_t *read;
    size_t n;

    if (text == NULL)
        return 0;
    n = utf8_json(text, in);
    assert(n >= 2 && n <= 6 * size + 2);
    read = json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    assert(json_is_string(read));
    if (is_utf8(in)) {
        struct sc_str out = { json_string_value(read), json_string_length(read) };

        assert(str_eq(in, out));
    }
    json_decref(read);
    free(text);
    return 0;
}
