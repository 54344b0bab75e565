/* admin/order.h - what control is asked to do, and its answer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The admin thread makes an order and sends it by admin_state.reload; control answers it, soon or late, once. Meanwhile
 * the one who asked may have gone away. */
#pragma once

#include "base/buf.h"
#include "loop/errand.h"

enum order_end {
    ORDER_DONE,
    ORDER_MISTAKES,                     /* nothing has changed; text: why */
    ORDER_REFUSED,                      /* nothing was tried; text: why */
};

struct order {
    struct errand errand;
    void (*answered)(struct order *o);  /* asker's thread; the order is the asker's again */
    void *asker;
    struct order *next;                 /* whoever's who has it */
    /* The answer. */
    enum order_end end;
    uint64_t generation;                /* in force */
    struct buf text;                    /* mistakes and warnings, a line each */
};

/* Asker's thread. */
struct order *order_new(struct loop *loop, void (*answered)(struct order *o), void *asker);
void order_free(struct order **o);
/* The answer matters to nobody any more; `answered` will not be called. Not after it was. */
void order_abandon(struct order **o);

/* Control's thread, which then has it no more. */
void order_answer(struct order *o, enum order_end end, uint64_t generation);
