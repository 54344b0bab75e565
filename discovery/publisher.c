/* discovery/publisher.c - when sets are built, and what goes out of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/publisher.h"

#include "base/alloc.h"
#include "base/log.h"
#include "discovery/board.h"
#include "discovery/graveyard.h"
#include "discovery/tracked.h"
#include "loop/loop.h"

#include <stdlib.h>

enum {
    SETTLE = 100,           /* ms: a service gets a new set this often at most; the first change is not kept waiting */
};

struct publisher {
    struct publisher_options options;
    struct loop *loop;
    struct tracked **order;             /* by index in the plan; NULL: there is none */
    unsigned n;
    void *tag;
    uint64_t tables;                    /* how many so far */
    bool pending;                       /* the plan had no table yet */
    bool renewed;                       /* nor does the board show it */
    bool stale;                         /* the board does not show how the registrations are */
    struct link news;                   /* of tracked.news_at: those that are not shown as they are */
    struct table *last;                 /* that went out; a reference */
    struct timer first_wait, again;
    struct task publish;
    struct graveyard *graveyard;
    struct board *board;
};

/* --- tables --- */

static struct table *whole_table(const struct publisher *p)
{
    struct table *t = table_new(p->n);

    for (unsigned i = 0; i < p->n; i++)
        table_put(t, i, target_set_ref(p->order[i]->set));
    return t;
}

static void send_table(struct publisher *p, struct table *t)
{
    t->version = ++p->tables;
    t->slots = target_slots();
    graveyard_adopt(p->graveyard, t);
    table_unref(&p->last);
    p->last = table_ref(t);
    p->pending = false;
    timer_stop(&p->first_wait);
    board_table(p->board, t->version);
    p->options.on_table(p->options.arg, p->tag, t);
}

static bool publish_in(struct publisher *p, sc_msec delay)
{
    if (!p->again.pending || p->again.at > loop_now(p->loop) + delay)
        timer_start(p->loop, &p->again, delay);
    return true;
}

/* What changes many times in a row is built once for all of them. */
static bool wants_to_settle(struct publisher *p, struct tracked *t)
{
    sc_msec left = t->built + SETTLE - loop_now(p->loop);

    return t->built > 0 && left > 0 && publish_in(p, left);
}

static bool is_ready(const struct publisher *p)
{
    for (unsigned i = 0; i < p->n; i++)
        if (!tracked_is_ready(p->order[i]))
            return false;
    return true;
}

/* The board, whole. */
static void show_all(struct publisher *p)
{
    struct service_status **all = xcalloc(p->n + 1, sizeof(struct service_status *));

    for (unsigned i = 0; i < p->n; i++)
        all[i] = tracked_status(p->order[i]);
    board_renew(p->board, all, p->n);
    p->renewed = false;
}

/* One service as it is now: into the next table, if it has another set, and onto the board. False: it has to wait. */
static bool tell(struct publisher *p, struct tracked *t, struct table **next)
{
    bool waits = t->dirty && !p->pending && wants_to_settle(p, t);

    if (t->dirty && !waits) {
        tracked_build(t);
        if (!p->pending && *next == NULL)
            *next = table_copy(p->last);
        if (!p->pending)
            table_put(*next, t->index, target_set_ref(t->set));
    }
    if (t->stale_status && !p->renewed)
        board_put(p->board, t->index, tracked_status(t));
    return !waits;
}

/* Work for those that have changed, and for nobody else. */
static struct table *tell_news(struct publisher *p)
{
    struct table *next = NULL;
    struct link waiting, *l;

    list_init(&waiting);
    while ((l = list_pop(&p->news)) != NULL)
        if (!tell(p, list_entry(l, struct tracked, news_at), &next))
            list_push(&waiting, l);
    list_move_front(&p->news, &waiting);
    return next;
}

/* The board first: who sees a table also sees what is known of it. */
static void publish(struct task *task)
{
    struct publisher *p = list_entry(task, struct publisher, publish);
    struct table *next;

    if (p->order == NULL)
        return;
    next = tell_news(p);
    if (p->renewed)
        show_all(p);
    if (p->stale)
        board_registrations(p->board, p->options.announcer);
    p->stale = false;
    if (p->pending && (!p->first_wait.pending || is_ready(p)))
        next = whole_table(p);
    if (next != NULL)
        send_table(p, next);
}

static void poke(struct publisher *p)
{
    loop_task(p->loop, &p->publish);
}

void publisher_news(struct publisher *p, struct tracked *t)
{
    if (list_empty(&t->news_at))
        list_push(&p->news, &t->news_at);
    poke(p);
}

void publisher_registrations_changed(struct publisher *p)
{
    p->stale = true;
    poke(p);
}

static void on_again(struct timer *t)
{
    poke(list_entry(t, struct publisher, again));
}

static void on_first_wait(struct timer *t)
{
    struct publisher *p = list_entry(t, struct publisher, first_wait);

    for (unsigned i = 0; i < p->n; i++)
        if (!tracked_is_ready(p->order[i]))
            log_warn("discovery: %s: no answer yet; starting without it", p->order[i]->shared->name);
    poke(p);
}

/* --- the whole --- */

void publisher_plan(struct publisher *p, struct tracked **order, unsigned n, void *tag, bool at_once)
{
    free(p->order);
    p->order = order;
    p->n = n;
    p->tag = tag;
    p->pending = p->renewed = p->stale = true;
    for (unsigned i = 0; i < n; i++) {
        order[i]->index = i;
        publisher_news(p, order[i]);
    }
    if (!at_once)
        timer_start(p->loop, &p->first_wait, p->options.first_wait);
    poke(p);
}

struct publisher *publisher_new(const struct publisher_options *options)
{
    struct publisher *p = xnew(struct publisher);

    p->options = *options;
    p->loop = options->loop;
    p->first_wait.fn = on_first_wait;
    p->again.fn = on_again;
    p->publish.fn = publish;
    p->graveyard = graveyard_new(p->loop);
    p->board = board_new();
    list_init(&p->news);
    return p;
}

void publisher_close(struct publisher *p)
{
    timer_stop(&p->first_wait);
    timer_stop(&p->again);
    loop_task_cancel(p->loop, &p->publish);
    while (list_pop(&p->news) != NULL) {}
    table_unref(&p->last);
    graveyard_close(&p->graveyard);
    free(p->order);
    p->order = NULL;
    p->n = 0;
}

void publisher_free(struct publisher **pp)
{
    struct publisher *p = *pp;

    *pp = NULL;
    board_free(&p->board);
    free(p);
}

struct discovery_status *publisher_status(struct publisher *p)
{
    return board_look(p->board);
}
