/* sidecar/conf/data_priv.h - what the reader makes and data.c looks into.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside sidecar/conf only. */
#pragma once

#include "base/arena.h"
#include "conf/data.h"

enum data_kind { DATA_NULL, DATA_BOOL, DATA_INT, DATA_REAL, DATA_STRING, DATA_LIST, DATA_OBJECT };

struct data {
    enum data_kind kind;
    uint32_t n;                         /* items, members, bytes; of a real number: `integer` is its whole part */
    union {
        int64_t integer;                /* of a boolean, too */
        const char *text;               /* with a NUL behind it */
        const struct data *items;
        const struct data_member *members;
    };
};

struct data_member {
    struct data value;
    const char *key;
    size_t nkey;
};

struct data_document {
    struct data root;                   /* first: what the user holds */
    struct arena arena;                 /* of lists and members */
    char *text;                         /* the strings stand in it */
};

/* Reads doc->text, n bytes with a NUL behind them, over which it writes. False with the reason in e. data_read.c */
bool data_read(struct data_document *doc, size_t n, struct sc_error *e);
