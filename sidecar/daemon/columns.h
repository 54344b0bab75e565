/* sidecar/daemon/columns.h - a table for people to read.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Cells are copied. What registries and files say may hold anything: bytes that a terminal would obey become "?". */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

struct columns {
    unsigned n;                 /* columns */
    char **cells;               /* row by row */
    size_t used, cap;
};

/* n columns. Rows are filled cell by cell; text NULL or empty is "-". */
void columns_init(struct columns *c, unsigned n);
void columns_fini(struct columns *c);
void columns_add(struct columns *c, const char *text);
void columns_add_int(struct columns *c, long long value);
/* Words that say how something is ("healthy", "held", "failed") are coloured. */
void columns_print(const struct columns *c, bool coloured, struct buf *out);
/* Whether standard output is a terminal and the user wants colours (NO_COLOR, TERM). */
bool columns_may_colour(void);
