/* discovery/balance/order.c - the eligible targets of a set in the order in which they take their turns.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The smooth order is a schedule: the j-th turn of a target of weight w, W being the sum, belongs into the window
 * [floor(j*W/w), ceil((j+1)*W/w)). Giving every turn to the open window that closes first keeps all of them (earliest
 * deadline first is optimal for jobs of one unit, and the windows can be kept because turns in proportion would keep
 * them), which is the bound that order.h promises. */
#include "discovery/balance/order.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

enum { LENGTH_MAX = 65536, LENGTH_PER_TARGET = 16 };

static struct order *order_new(unsigned n)
{
    struct order *o = xmalloc(sizeof *o + n * sizeof o->at[0]);

    o->n = n;
    return o;
}

struct order *order_plain(const struct target_set *set)
{
    struct order *o = order_new(set->eligible);
    unsigned n = 0;

    for (unsigned i = 0; i < set->n; i++)
        if (set->at[i].eligible)
            o->at[n++] = i;
    assert(n == o->n);
    return o;
}

/* One target's next turn. */
struct turn {
    uint32_t position, weight;
    uint32_t had;               /* turns so far */
    uint32_t deadline;          /* of the next one */
    struct turn *next;          /* of those whose window opens at the same turn */
};

struct schedule {
    struct turn *turns;         /* one per target */
    unsigned n;
    uint32_t sum;               /* of the weights: the length of the order */
    struct turn **opening;      /* by turn: whose windows open there */
    struct turn **heap;         /* whose windows are open, the first to close on top */
    unsigned nheap;
};

static uint32_t gcd(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* Equal deadlines: the heavier first, then as the set has them. */
static bool before(const struct turn *a, const struct turn *b)
{
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline;
    return a->weight != b->weight ? a->weight > b->weight : a->position < b->position;
}

static void heap_push(struct schedule *s, struct turn *t)
{
    unsigned i = s->nheap++;

    while (i > 0 && before(t, s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = t;
}

static struct turn *heap_pop(struct schedule *s)
{
    struct turn *top = s->heap[0], *last = s->heap[--s->nheap];
    unsigned i = 0, child;

    while ((child = 2 * i + 1) < s->nheap) {
        if (child + 1 < s->nheap && before(s->heap[child + 1], s->heap[child]))
            child++;
        if (!before(s->heap[child], last))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

/* Puts t where its next window opens. */
static void wait_for_turn(struct schedule *s, struct turn *t)
{
    uint64_t opens = (uint64_t)t->had * s->sum / t->weight;

    if (opens >= s->sum)                /* had all of its turns */
        return;
    t->deadline = (uint32_t)(((uint64_t)(t->had + 1) * s->sum + t->weight - 1) / t->weight);
    t->next = s->opening[opens];
    s->opening[opens] = t;
}

static void schedule_run(struct schedule *s, struct order *o)
{
    for (unsigned i = 0; i < s->n; i++)
        wait_for_turn(s, &s->turns[i]);
    for (unsigned k = 0; k < o->n; k++) {
        struct turn *t;

        for (struct turn *next, *open = s->opening[k]; open != NULL; open = next) {
            next = open->next;
            heap_push(s, open);
        }
        assert(s->nheap > 0);
        t = heap_pop(s);
        o->at[k] = t->position;
        t->had++;
        wait_for_turn(s, t);
    }
}

/* The weights in lowest terms, rounded where the order would get too long. */
static void weigh(struct schedule *s, const struct target_set *set)
{
    uint64_t sum = 0, limit = LENGTH_MAX, kept = 0;
    uint32_t divisor = 0;

    for (unsigned i = 0; i < set->n; i++)
        if (set->at[i].eligible) {
            s->turns[s->n++] = (struct turn){ .position = i, .weight = set->at[i].weight };
            divisor = gcd(set->at[i].weight, divisor);
            sum += set->at[i].weight;
        }
    if (limit < (uint64_t)s->n * LENGTH_PER_TARGET)
        limit = (uint64_t)s->n * LENGTH_PER_TARGET;
    for (unsigned i = 0; i < s->n; i++) {
        uint64_t w = s->turns[i].weight;

        w = sum / divisor <= limit ? w / divisor : (w * limit + sum / 2) / sum;
        s->turns[i].weight = w == 0 ? 1 : (uint32_t)w;
        kept += s->turns[i].weight;
    }
    s->sum = (uint32_t)kept;
}

struct order *order_smooth(const struct target_set *set)
{
    struct schedule s = { .turns = xcalloc(set->eligible, sizeof *s.turns) };
    struct order *o;

    weigh(&s, set);
    if (s.sum == s.n) {                 /* all equal */
        free(s.turns);
        return order_plain(set);
    }
    o = order_new(s.sum);
    s.opening = xcalloc(s.sum, sizeof *s.opening);
    s.heap = xcalloc(s.n, sizeof *s.heap);
    schedule_run(&s, o);
    free(s.turns);
    free(s.opening);
    free(s.heap);
    return o;
}

/* A long order may repeat what was tried for a while: after so many steps look at the set itself. */
enum { PATIENCE = 64 };

static int untried(const struct pick *p)
{
    for (unsigned i = 0; i < p->set->n; i++)
        if (p->set->at[i].eligible && !pick_was_tried(p, i))
            return (int)i;
    return -1;
}

int order_from(const struct order *o, const struct pick *p, uint64_t from)
{
    unsigned i = (unsigned)(from % o->n), steps = o->n < PATIENCE ? o->n : PATIENCE;

    if (p->tried == NULL)
        return (int)o->at[i];
    for (; steps > 0; steps--) {
        if (!pick_was_tried(p, o->at[i]))
            return (int)o->at[i];
        i = i + 1 == o->n ? 0 : i + 1;
    }
    return untried(p);
}

int order_turn(const struct order *o, const struct pick *p)
{
    return order_from(o, p, atomic_fetch_add_explicit(&p->set->service->turn, 1, memory_order_relaxed));
}
