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
