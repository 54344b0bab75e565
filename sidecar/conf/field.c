/* sidecar/conf/field.c - tables of keys: finding one, walking all, the room they fill.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conf/walk.h"

void field_each(const struct sc_field *fields, size_t base,
                void (*each)(const struct sc_field *f, size_t base, void *arg), void *arg)
{
    for (const struct sc_field *f = fields; f->type != SC_T_END; f++) {
        if (f->type == SC_T_INLINE)
            field_each(f->fields, base + f->offset, each, arg);
        else
            each(f, base, arg);
    }
}

const struct sc_field *field_find(const struct sc_field *fields, struct sc_str key, size_t *base, bool *is_file)
{
    struct sc_str stem = key;

    if (str_ends(key, STR("_file")))
        stem.n -= 5;
    for (const struct sc_field *f = fields; f->type != SC_T_END; f++) {
        size_t inner = *base + f->offset;
        const struct sc_field *found = f->type == SC_T_INLINE ? field_find(f->fields, key, &inner, is_file) : NULL;

        if (found != NULL) {
            *base = inner;
            return found;
        }
        if (f->type == SC_T_INLINE)
            continue;
        if (str_eq(key, str_of(f->name)) ||
            (f->type == SC_T_SECRET && stem.n < key.n && str_eq(stem, str_of(f->name)))) {
            *is_file = !str_eq(key, str_of(f->name));
            return f;
        }
    }
    return NULL;
}

size_t field_size(const struct sc_field *f)
{
    switch (f->type) {
    case SC_T_BOOL:
        return sizeof(bool);
    case SC_T_NUMBER:
        return sizeof(double);
    case SC_T_STRING:
        return sizeof(const char *);
    case SC_T_SECRET:
        return sizeof(struct sc_secret);
    case SC_T_ENUM:
        return sizeof(int);
    case SC_T_CIDR:
        return sizeof(struct sc_cidr);
    case SC_T_STRINGS:
    case SC_T_CIDRS:
    case SC_T_PAIRS:
    case SC_T_OBJECTS:
        return sizeof(struct sc_list);
    case SC_T_INT:
    case SC_T_PERCENT:
    case SC_T_MSEC:
    case SC_T_SIZE:
        return sizeof(int64_t);
    default:
        return 0;                                 /* objects and custom rows clean up after themselves */
    }
}

static size_t row_size(const struct sc_field *f)
{
    if (f->type == SC_T_OBJECT)
        return (f->flags & SC_OPTIONAL) != 0 ? sizeof(void *) : f->size;
    if (f->type == SC_T_CUSTOM || f->type == SC_T_INLINE)
        return f->size;
    return field_size(f);
}

void field_zero(const struct sc_field *fields, char *to)
{
    for (const struct sc_field *f = fields; f->type != SC_T_END; f++)
        memset(to + f->offset, 0, row_size(f));
}
