/* tests/fuzz/fuzz_data.c - our reader of others' JSON beside jansson: what it takes, and what it reads there.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Differences that are meant: nesting deeper than ours, real numbers that do not fit a double, and NUL bytes, of which
 * jansson loses some. */
#include "base/str.h"
#include "conf/data.h"

#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct data *ours, const json_t *theirs);

static void compare_objects(const struct data *ours, const json_t *theirs)
{
    json_t *map = (json_t *)(uintptr_t)theirs;
    const struct data_member *at = data_first(ours);

    assert(data_is_object(ours) && data_size(ours) == json_object_size(theirs));
    for (void *it = json_object_iter(map); it != NULL; it = json_object_iter_next(map, it)) {
        assert(at != NULL && strcmp(data_key(at), json_object_iter_key(it)) == 0);
        assert(data_get(ours, data_key(at)) == data_value(at));
        compare(data_value(at), json_object_iter_value(it));
        at = data_next(ours, at);
    }
    assert(at == NULL);
}

static void compare_lists(const struct data *ours, const json_t *theirs)
{
    assert(data_is_list(ours) && data_size(ours) == json_array_size(theirs));
    for (size_t i = 0; i < data_size(ours); i++)
        compare(data_at(ours, i), json_array_get(theirs, i));
}

static void compare_strings(const struct data *ours, const json_t *theirs)
{
    const char *text = data_text(ours);

    if (strlen(json_string_value(theirs)) != json_string_length(theirs))
        assert(text == NULL);
    else
        assert(text != NULL && strcmp(text, json_string_value(theirs)) == 0);
}

static void compare(const struct data *ours, const json_t *theirs)
{
    int64_t i;
    bool b;

    switch (json_typeof(theirs)) {
    case JSON_OBJECT:
        compare_objects(ours, theirs);
        return;
    case JSON_ARRAY:
        compare_lists(ours, theirs);
        return;
    case JSON_STRING:
        compare_strings(ours, theirs);
        return;
    case JSON_INTEGER:
        assert(data_int(ours, &i) && i == json_integer_value(theirs));
        return;
    case JSON_REAL:
        assert(!data_int(ours, &i) && !data_bool(ours, &b) && !data_is_null(ours) && data_text(ours) == NULL);
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        assert(data_bool(ours, &b) && b == (json_typeof(theirs) == JSON_TRUE));
        return;
    case JSON_NULL:
        assert(data_is_null(ours) && !data_int(ours, &i));
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    struct sc_error e = SC_ERROR_INIT;
    struct data *ours = data_parse(text, &e);
    json_error_t error;
    json_t *theirs = json_loadb(size == 0 ? "" : text.p, size,
                                JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    assert((ours == NULL) == (e.text[0] != '\0'));
    if (ours != NULL && theirs != NULL)
        compare(ours, theirs);
    else if (ours != NULL)
        assert(json_error_code(&error) == json_error_numeric_overflow);
    else if (theirs != NULL)
        assert(strstr(e.text, "nested too deep") != NULL || memchr(data, '\0', size) != NULL);
    json_decref(theirs);
    if (ours != NULL)
        data_free(&ours);
    return 0;
}
