/* sidecar/loop/errand.c - a question for another thread, and the way its answer comes back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "loop/errand.h"

#include <stddef.h>

enum { GIVEN, RETURNED, ABANDONED };

static void on_back(struct mail *m)
{
    struct errand *e = list_entry(m, struct errand, mail);

    if (e->back != NULL)
        e->back(e);
    else
        e->drop(e);                     /* abandoned when the letter was on its way */
}

void errand_begin(struct errand *e, struct loop *home, void (*back)(struct errand *e), void (*drop)(struct errand *e))
{
    *e = (struct errand){ .home = home, .back = back, .drop = drop };
}

/* Whoever comes second has it: the letter that brings it back, or the other when he would have sent that. */
void errand_abandon(struct errand *e)
{
    e->back = NULL;
    atomic_exchange(&e->stage, ABANDONED);
}

bool errand_is_wanted(const struct errand *e)
{
    return atomic_load_explicit(&e->stage, memory_order_relaxed) != ABANDONED;
}

void errand_return(struct errand *e)
{
    if (atomic_exchange(&e->stage, RETURNED) == ABANDONED) {
        e->drop(e);
        return;
    }
    e->mail.fn = on_back;
    loop_post(e->home, &e->mail);
}
