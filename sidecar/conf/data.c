/* sidecar/conf/data.c - JSON that somebody else wrote: answers of registries.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conf/data_priv.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct data *data_parse(struct sc_str text, struct sc_error *e)
{
    struct data_document *doc = xnew(struct data_document);
    struct data *root = &doc->root;

    doc->text = str_dupz(text);
    arena_init(&doc->arena, text.n < 4096 ? 4096 : text.n < 1u << 20 ? text.n : 1u << 20);
    if (!data_read(doc, text.n, e))
        data_free(&root);
    return root;
}

void data_free(struct data **d)
{
    struct data_document *doc = (struct data_document *)*d;

    *d = NULL;
    if (doc == NULL)
        return;
    arena_fini(&doc->arena);
    free(doc->text);
    free(doc);
}

static bool is(const struct data *d, enum data_kind kind)
{
    return d != NULL && d->kind == kind;
}

bool data_is_object(const struct data *d)
{
    return is(d, DATA_OBJECT);
}

bool data_is_list(const struct data *d)
{
    return is(d, DATA_LIST);
}

bool data_is_null(const struct data *d)
{
    return d == NULL || d->kind == DATA_NULL;
}

const struct data *data_get(const struct data *d, const char *key)
{
    size_t n = strlen(key);

    if (is(d, DATA_OBJECT))
        for (const struct data_member *m = d->members; m < d->members + d->n; m++)
            if (m->nkey == n && memcmp(m->key, key, n) == 0)
                return &m->value;
    return NULL;
}

size_t data_size(const struct data *d)
{
    return is(d, DATA_OBJECT) || is(d, DATA_LIST) ? d->n : 0;
}

const struct data *data_at(const struct data *list, size_t i)
{
    return is(list, DATA_LIST) && i < list->n ? &list->items[i] : NULL;
}

const char *data_text(const struct data *d)
{
    return is(d, DATA_STRING) && memchr(d->text, '\0', d->n) == NULL ? d->text : NULL;
}

bool data_int(const struct data *d, int64_t *to)
{
    if (!is(d, DATA_INT))
        return false;
    *to = d->integer;
    return true;
}

bool data_whole(const struct data *d, int64_t *to)
{
    if (!is(d, DATA_REAL) || d->n == 0)
        return data_int(d, to);
    *to = d->integer;
    return true;
}

bool data_bool(const struct data *d, bool *to)
{
    if (!is(d, DATA_BOOL))
        return false;
    *to = d->integer != 0;
    return true;
}

const struct data_member *data_first(const struct data *object)
{
    return is(object, DATA_OBJECT) && object->n > 0 ? object->members : NULL;
}

const struct data_member *data_next(const struct data *object, const struct data_member *at)
{
    return ++at < object->members + object->n ? at : NULL;
}

const char *data_key(const struct data_member *at)
{
    return at->key;
}

const struct data *data_value(const struct data_member *at)
{
    return &at->value;
}
