/* sidecar/conf/data.c - JSON that somebody else wrote: answers of registries.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A struct data is jansson's json_t under another name, so that nobody else has to know the library. */
#include "conf/data.h"

#include <jansson.h>

static const json_t *json_of(const struct data *d)
{
    return (const json_t *)d;
}

static const struct data *data_of(const json_t *v)
{
    return (const struct data *)v;
}

/* The library's iterators take no const; nothing is changed. */
static json_t *members(const struct data *d)
{
    return (json_t *)(uintptr_t)d;
}

/* Each value costs the library some hundred bytes, also where the text spends two on it. */
static bool is_too_much(struct sc_str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == ',' || text.p[i] == '[' || text.p[i] == '{';
    return n > DATA_VALUES_MAX;
}

struct data *data_parse(struct sc_str text, struct sc_error *e)
{
    json_error_t error;
    json_t *v;

    if (is_too_much(text)) {
        sc_error_set(e, "more than %u values", DATA_VALUES_MAX);
        return NULL;
    }
    /* A NUL makes one string useless (data_text), not the whole document. */
    v = json_loadb(text.n == 0 ? "" : text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (v == NULL)
        sc_error_set(e, "line %d, column %d: %s", error.line, error.column, error.text);
    return (struct data *)v;
}

void data_free(struct data **d)
{
    json_decref((json_t *)*d);
    *d = NULL;
}

bool data_is_object(const struct data *d)
{
    return json_is_object(json_of(d));
}

bool data_is_list(const struct data *d)
{
    return json_is_array(json_of(d));
}

bool data_is_null(const struct data *d)
{
    return d == NULL || json_is_null(json_of(d));
}

const struct data *data_get(const struct data *d, const char *key)
{
    return data_of(json_object_get(json_of(d), key));
}

size_t data_size(const struct data *d)
{
    return data_is_object(d) ? json_object_size(json_of(d)) : json_array_size(json_of(d));
}

const struct data *data_at(const struct data *list, size_t i)
{
    return data_of(json_array_get(json_of(list), i));
}

const char *data_text(const struct data *d)
{
    const char *z = json_string_value(json_of(d));

    return z == NULL || strlen(z) != json_string_length(json_of(d)) ? NULL : z;
}

bool data_int(const struct data *d, int64_t *to)
{
    if (!json_is_integer(json_of(d)))
        return false;
    *to = json_integer_value(json_of(d));
    return true;
}

bool data_bool(const struct data *d, bool *to)
{
    if (!json_is_boolean(json_of(d)))
        return false;
    *to = json_is_true(json_of(d));
    return true;
}

void *data_first(const struct data *object)
{
    return json_object_iter(members(object));
}

void *data_next(const struct data *object, void *at)
{
    return json_object_iter_next(members(object), at);
}

const char *data_key(void *at)
{
    return json_object_iter_key(at);
}

const struct data *data_value(void *at)
{
    return data_of(json_object_iter_value(at));
}
