/* sidecar/daemon/orders.c - reloads that somebody on the admin listeners has asked for, and waits for.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   asked      sent by the admin thread, not seen yet
 *   waiting    for the next reload, which may have to wait for the one before
 *   running    the configuration was taken; answered once it is in force everywhere
 *
 * All that wait when a reload begins get its result. */
#include "admin/order.h"
#include "daemon/control_priv.h"

/* At the end: first come, first answered. */
static void push(struct order **list, struct order *o)
{
    while (*list != NULL)
        list = &(*list)->next;
    o->next = NULL;
    *list = o;
}

static void answer_all(struct order **list, enum order_end end, uint64_t generation)
{
    struct order *o = *list;

    *list = NULL;
    while (o != NULL) {
        struct order *next = o->next;

        order_answer(o, end, generation);
        o = next;
    }
}

static void say_all(struct order *o, struct sc_str text)
{
    for (; o != NULL; o = o->next) {
        buf_clear(&o->text);
        buf_str(&o->text, text);
    }
}

static struct order *take_asked(struct control *c)
{
    struct order *o;

    pthread_mutex_lock(&c->admin_lock);
    o = c->asked;
    c->asked = NULL;
    pthread_mutex_unlock(&c->admin_lock);
    return o;
}

static void collect(struct control *c)
{
    struct order *o = take_asked(c);

    while (o != NULL) {
        struct order *next = o->next;

        push(&c->waiting, o);
        o = next;
    }
}

static void on_asked(struct control *c)
{
    collect(c);
    if (c->waiting != NULL)             /* else the letter before this one brought it */
        control_reload(c);
}

void control_ask_reload(struct control *c, struct order *o)
{
    pthread_mutex_lock(&c->admin_lock);
    push(&c->asked, o);
    pthread_mutex_unlock(&c->admin_lock);
    control_post(c, on_asked);
}

void control_orders_judged(struct control *c, struct sc_str text, bool taken)
{
    say_all(c->waiting, text);
    if (!taken)
        answer_all(&c->waiting, ORDER_MISTAKES, c->generation);
    c->running = c->waiting;
    c->waiting = NULL;
}

void control_orders_in_force(struct control *c)
{
    answer_all(&c->running, ORDER_DONE, c->generation);
}

void control_orders_refuse(struct control *c, const char *why)
{
    collect(c);
    say_all(c->waiting, str_of(why));
    answer_all(&c->waiting, ORDER_REFUSED, c->generation);
}

void control_orders_end(struct control *c)
{
    control_orders_in_force(c);
    control_orders_refuse(c, "the process is stopping");
}
