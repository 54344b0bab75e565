/* admin/order.c - what control is asked to do, and its answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/order.h"

#include "base/alloc.h"

#include <stdlib.h>

static struct order *order_of(struct errand *e)
{
    return list_entry(e, struct order, errand);
}

static void on_back(struct errand *e)
{
    order_of(e)->answered(order_of(e));
}

static void on_drop(struct errand *e)
{
    struct order *o = order_of(e);

    order_free(&o);
}

struct order *order_new(struct loop *loop, void (*answered)(struct order *o), void *asker)
{
    struct order *o = xnew(struct order);

    o->answered = answered;
    o->asker = asker;
    errand_begin(&o->errand, loop, on_back, on_drop);
    return o;
}

void order_free(struct order **op)
{
    struct order *o = *op;

    *op = NULL;
    if (o == NULL)
        return;
    buf_fini(&o->text);
    free(o);
}

void order_abandon(struct order **op)
{
    struct order *o = *op;

    *op = NULL;
    if (o != NULL)
        errand_abandon(&o->errand);
}

void order_answer(struct order *o, enum order_end end, uint64_t generation)
{
    o->end = end;
    o->generation = generation;
    errand_return(&o->errand);
}
