/* sidecar/conf/data.h - JSON that somebody else wrote: answers of registries.
 * SPDX-License-Identifier: Apache-2.0
 *
 * No places, no ${NAME}, no tables: values, read only. What is asked of a value of another kind is "not there", so that
 * a reader checks once, where it needs the value. Immutable; one owner. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct data;
struct data_member;

/* 10 000 instances of Consul have about 1.2 million. A value takes 16 bytes, its key as many again. */
#define DATA_VALUES_MAX (4u << 20)

/* NULL with the reason in e. Strict (RFC 8259), a key twice in one object is refused, nesting and the number of values are
 * bounded. The caller bounds the length. */
struct data *data_parse(struct sc_str text, struct sc_error *e);
void data_free(struct data **d);

bool data_is_object(const struct data *d);
bool data_is_list(const struct data *d);
bool data_is_null(const struct data *d);                        /* also for what is not there: d NULL */
/* The member of an object, or NULL. */
const struct data *data_get(const struct data *d, const char *key);
/* How many items or members. */
size_t data_size(const struct data *d);
const struct data *data_at(const struct data *list, size_t i);
/* The text of a string; NULL for other kinds, and for one that holds a NUL character. */
const char *data_text(const struct data *d);
bool data_int(const struct data *d, int64_t *to);
/* An integer, or what stands before the point of a number without exponent. */
bool data_whole(const struct data *d, int64_t *to);
bool data_bool(const struct data *d, bool *to);

/* Members one by one, in the order of the text; NULL ends them. */
const struct data_member *data_first(const struct data *object);
const struct data_member *data_next(const struct data *object, const struct data_member *at);
const char *data_key(const struct data_member *at);
const struct data *data_value(const struct data_member *at);
