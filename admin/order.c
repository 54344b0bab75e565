/* admin/order.c - what control is asked to do, and its answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/order.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { ASKED, ANSWERED, ABANDONED };

static void on_answer(struct mail *m)
{
    struct order *o = list_entry(m, struct order, mail);

    if (o->answered != NULL)
        o->answered(o);
    else
        order_free(&o);                 /* abandoned when the answer was on its way */
}

struct order *order_new(struct loop *loop, void (*answered)(struct order *o), void *asker)
{
    struct order *o = xnew(struct order);

    *o = (struct order){ .mail = { .fn = on_answer }, .loop = loop, .answered = answered, .asker = asker };
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

/* Whoever comes second has the order: the letter that brings the answer, or control when it would have sent it. */
void order_abandon(struct order **op)
{
    struct order *o = *op;

    *op = NULL;
    if (o == NULL)
        return;
    o->answered = NULL;
    atomic_exchange(&o->stage, ABANDONED);
}

void order_answer(struct order *o, enum order_end end, uint64_t generation)
{
    o->end = end;
    o->generation = generation;
    if (atomic_exchange(&o->stage, ANSWERED) == ABANDONED)
        order_free(&o);
    else
        loop_post(o->loop, &o->mail);
}
