/* sidecar/conf/walk.h - what the users of the tables share.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside sidecar/conf only. */
#pragma once

#include "base/units.h"
#include "conf/load.h"

/* The limits that hold for f: its own, or its type's. */
void field_limits(const struct sc_field *f, int64_t *min, int64_t *max);
/* A limit as a user writes it. */
void field_limit_text(char to[UNITS_MAX], const struct sc_field *f, int64_t v);
/* Bytes of the value that a row fills in itself; 0 for objects and custom rows, which clean up after themselves. */
size_t field_size(const struct sc_field *f);
/* Zeroes what the table describes, and nothing beside it: a struct may have members of its owner's. */
void field_zero(const struct sc_field *fields, char *to);
bool is_among(const char *word, const char *const *words);

/* A map (or NULL, or a null node: absent) into a zeroed struct. whole: required keys must be there. */
bool load_object(struct conf_load *l, const struct node *at, const struct sc_field *fields, void *to, bool whole,
                 const char *const *but);
/* What stands at a key, by its row. */
bool load_value(struct conf_load *l, const struct node *at, const struct sc_field *f, void *to);
/* Strings and lists: whether n is within .min and .max. */
bool load_length(struct conf_load *l, const struct node *at, const struct sc_field *f, size_t n, const char *what);
/* KEY or KEY_file; either may be NULL. */
bool load_secret(struct conf_load *l, const struct node *value, const struct node *file, const struct sc_field *f,
                 struct sc_secret *to);
/* The row for `key`, looking into inlined tables; *base grows by the offsets of those. NULL when there is none. With
 * *is_file set when key is the KEY_file of a secret. */
const struct sc_field *field_find(const struct sc_field *fields, struct sc_str key, size_t *base, bool *is_file);
/* Calls `each` for every row, those of inlined tables with their base offset. */
void field_each(const struct sc_field *fields, size_t base,
                void (*each)(const struct sc_field *f, size_t base, void *arg), void *arg);
