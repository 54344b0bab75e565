/* discovery/providers/items.h - an open answer that is one JSON list, item by item.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pieces go in as they come, cut anywhere; whole items come out as text. What stands between them is checked here
 * (RFC 8259), what is in them is not: that is for who reads the item. An item is bounded. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct items {
    struct buf held;                /* the beginning of an item whose end has not come */
    struct sc_str piece;            /* what of the last piece was not looked at */
    size_t max;                     /* bytes of an item */
    uint8_t place;
    bool in_string, escaped;        /* of the item */
    bool taken;                     /* held was handed out */
    unsigned depth;                 /* brackets that are open in the item */
    const char *wrong;              /* a literal, after ITEMS_WRONG */
};

enum items_got { ITEMS_ONE, ITEMS_NO_MORE, ITEMS_WRONG };

/* max > 0. */
void items_init(struct items *i, size_t max);
void items_fini(struct items *i);
/* For another answer. */
void items_reset(struct items *i);
/* Lends the piece until items_next() says that there is no more, which has to be heard before the next piece. */
void items_feed(struct items *i, struct sc_str piece);
/* The item lives until the next call. After ITEMS_WRONG only items_reset() helps. */
enum items_got items_next(struct items *i, struct sc_str *item);
/* Whether the list has ended; an answer that ends before is cut. */
bool items_is_whole(const struct items *i);
