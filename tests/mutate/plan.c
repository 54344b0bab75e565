/* tests/mutate/plan.c - everything that one connection will send, and the requests that are in it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include "board.h"
#include "mutator.h"

#include <string.h>

struct reading {
    struct plan *plan;
    struct promise *promise;
    struct promised *now;
    bool good;
};

/* ---- the requests in it */

static enum reader_body on_head(struct reader *r)
{
    struct reading *g = r->user;
    struct promised *p;

    if (g->plan->n == PROMISED_MOST) {
        g->plan->overflown = true;
        reader_refuse(r, "enough");
        return READER_AS_FRAMED;
    }
    p = g->now = &g->plan->at[g->plan->n++];
    *p = (struct promised){ .head = r->method_len == 4 && memcmp(r->method, "HEAD", 4) == 0, .upgrade = r->upgrade,
                            .minor = r->minor };
    p->tagged = request_tag(r, &p->tag);
    if (p->tagged && g->promise->allowed[p->tag.message] < UINT8_MAX / 4)
        g->promise->allowed[p->tag.message]++;
    return READER_AS_FRAMED;
}

static void on_body(struct reader *r, const char *p, size_t n)
{
    (void)r, (void)p, (void)n;
}

static void on_end(struct reader *r)
{
    struct reading *g = r->user;

    if (g->good)
        g->promise->size[g->now->tag.message] = (uint32_t)r->seen;
}

static void read_plan(struct plan *p, const struct text *out, uint32_t conn, bool good)
{
    static const struct reader_ops ops = { on_head, on_body, on_end };
    static struct reader r;
    struct reading reading = { p, promise_new(conn), NULL, good };

    r.ops = &ops;
    r.user = &reading;
    r.requests = r.lenient = true;
    reader_init(&r);
    p->n = 0;
    p->overflown = false;
    reader_feed(&r, out->p, out->n);
}

/* ---- making it */

static void add_mutated(struct text *out, struct rng *r, const struct tag *t)
{
    static struct text message, other;

    message.n = other.n = 0;
    corpus_odd_request(&message, r, t);
    corpus_odd_request(&other, r, t);
    mutate_text(&message, r, &other);
    if (message.n == 0)
        text_puts(&message, "\r\n");
    text_add(out, message.p, message.n);
}

void plan_make(struct plan *p, struct text *out, struct rng *r, uint32_t conn, bool good)
{
    struct tag t = { good ? TAG_GOOD : TAG_MUTATED, conn, 0 };

    bool intact = good || rng_chance(r, 150);       /* so that there are many answers to mutate */

    p->nmessages = 1 + rng_below(r, good ? 4 : rng_chance(r, 500) && !intact ? 2 : MESSAGES_MOST);
    for (size_t i = 0; i < p->nmessages; i++) {
        t.message = (uint8_t)i;
        p->mutated[i] = !intact && (rng_chance(r, 750) || i + 1 == p->nmessages);
        if (p->mutated[i])
            add_mutated(out, r, &t);
        else
            corpus_request(out, r, &t);
        p->end[i] = out->n;
    }
    read_plan(p, out, conn, good);
    for (size_t i = 0; good && i + 1 < p->nmessages; i++) {
        if (p->at[i].upgrade) {                     /* what follows it would be for the tunnel */
            p->nmessages = p->n = i + 1;
            out->n = p->end[i];
        }
    }
}
