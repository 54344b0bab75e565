/* policy/chain.c - running the policies of one route for one exchange.
 * SPDX-License-Identifier: Apache-2.0 */
#include "policy/chain.h"

#include "policy/chain_form.h"

#include <assert.h>

/* The input of one hook, or of the sink behind the last one. */
struct sc_body {
    struct chain_pipe *pipe;
    unsigned index;
    bool ended;
};

struct chain_pipe {
    struct chain_run *run;
    const struct chain_hooks *hooks;
    chain_sink *sink;
    void *arg;
    unsigned first;                 /* hooks before it do not see this body */
    struct sc_body at[];            /* one more than there are hooks */
};

static inline struct sc_self self_at(const struct chain_run *r, unsigned position)
{
    const struct policy_instance *i = r->chain->at[position];
    const struct instance_slot *slot = &i->slots[r->worker];

    return (struct sc_self){
        .conf = i->conf->conf,
        .shared = i->shared,
        .worker = slot->state,
        .local = i->policy->local_size > 0 ? r->local + r->chain->local_at[position] : NULL,
        .counters = slot->counters,
    };
}

void chain_start(struct chain_run *r, const struct chain *c, struct sc_exchange *x, unsigned worker, struct arena *a)
{
    *r = (struct chain_run){ .chain = c, .x = x, .worker = (uint16_t)worker, .answers = (uint16_t)c->n };
    if (c->local_size > 0)
        r->local = arena_zero(a, c->local_size);
}

/* --- decisions --- */

/* What a verdict means for the run. SC_CONTINUE: the next hook may run. */
static enum sc_verdict settle(struct chain_run *r, unsigned position, enum sc_verdict v, bool *replaced)
{
    if (v == SC_SUSPEND)
        r->waits_for = (uint16_t)(position + 1);
    if (v != SC_RESPOND)
        return v;
    r->answers = (uint16_t)position;
    if (r->phase != PHASE_RESPONSE)
        return SC_RESPOND;
    *replaced = true;
    return SC_CONTINUE;
}

static enum sc_verdict call(struct chain_run *r, const struct chain_hook *hook, bool *replaced)
{
    struct sc_self self = self_at(r, hook->position);
    enum sc_verdict v = hook->verdict(&self, r->x);

    return v == SC_CONTINUE ? v : settle(r, hook->position, v, replaced);
}

static enum sc_verdict go_on(struct chain_run *r, bool *replaced)
{
    const struct chain_hooks *hooks = &r->chain->phases[r->phase];
    enum sc_verdict v = SC_CONTINUE;

    while (v == SC_CONTINUE && r->next < hooks->n) {
        const struct chain_hook *hook = &hooks->at[r->next++];

        if (r->phase == PHASE_RESPONSE && hook->position >= r->answers)
            continue;
        if (r->phase == PHASE_REQUEST)
            r->passed = (uint16_t)(hook->position + 1);
        v = call(r, hook, replaced);
    }
    if (v == SC_CONTINUE && r->phase == PHASE_REQUEST)
        r->passed = (uint16_t)r->chain->n;
    return v;
}

static enum sc_verdict begin(struct chain_run *r, enum chain_phase phase, bool *replaced)
{
    assert(r->waits_for == 0);
    if (r->chain == NULL)
        return SC_CONTINUE;
    r->phase = (uint8_t)phase;
    r->next = 0;
    return go_on(r, replaced);
}

/* A policy that could not start on this worker has said why in the log; its route does not run without it. */
static bool is_broken(const struct chain_run *r)
{
    for (unsigned i = 0; i < r->chain->n; i++)
        if (r->chain->at[i]->slots[r->worker].broken)
            return true;
    return false;
}

enum sc_verdict chain_request(struct chain_run *r)
{
    if (r->chain != NULL && r->chain->may_be_broken && is_broken(r)) {
        sc_reply(r->x, 500, "internal", "a policy of this route is out of order");
        r->answers = 0;
        return SC_RESPOND;
    }
    return begin(r, PHASE_REQUEST, NULL);
}

enum sc_verdict chain_attempt(struct chain_run *r)
{
    return begin(r, PHASE_ATTEMPT, NULL);
}

enum sc_verdict chain_response(struct chain_run *r, bool *replaced)
{
    *replaced = false;
    return begin(r, PHASE_RESPONSE, replaced);
}

enum sc_verdict chain_resume(struct chain_run *r, enum sc_verdict verdict, bool *replaced)
{
    unsigned position;

    assert(r->waits_for > 0 && verdict != SC_SUSPEND);
    position = r->waits_for - 1u;
    r->waits_for = 0;
    verdict = settle(r, position, verdict, replaced);
    return verdict == SC_CONTINUE ? go_on(r, replaced) : verdict;
}

void chain_cancel(struct chain_run *r)
{
    const struct sc_policy *policy;
    struct sc_self self;
    unsigned position;

    if (r->waits_for == 0)
        return;
    position = r->waits_for - 1u;
    r->waits_for = 0;
    /* An answer that the sidecar makes up instead passes those before it, as the policy's own would have. */
    r->answers = (uint16_t)position;
    policy = r->chain->at[position]->policy;
    self = self_at(r, position);
    if (policy->on_cancel != NULL)
        policy->on_cancel(&self, r->x);
}

void chain_done(struct chain_run *r, const struct sc_outcome *o)
{
    if (r->chain == NULL || r->done)
        return;
    r->done = true;
    chain_cancel(r);
    for (unsigned i = 0; i < r->chain->done.n; i++) {
        const struct chain_hook *hook = &r->chain->done.at[i];
        struct sc_self self;

        if (hook->position >= r->passed)
            continue;
        self = self_at(r, hook->position);
        hook->done(&self, r->x, o);
    }
}

/* --- bodies --- */

/* The response's hooks run in reverse: those behind the policy that answered come first, and are left out. */
static unsigned first_hook(const struct chain_run *r, enum chain_body which)
{
    const struct chain_hooks *hooks = &r->chain->bodies[which];
    unsigned i = 0;

    while (which == CHAIN_RESPONSE_BODY && i < hooks->n && hooks->at[i].position >= r->answers)
        i++;
    return i;
}

bool chain_has_body(const struct chain_run *r, enum chain_body which)
{
    return r->chain != NULL && r->chain->bodies[which].n > 0 && first_hook(r, which) < r->chain->bodies[which].n;
}

void chain_body_open(struct chain_run *r, enum chain_body which, chain_sink *sink, void *arg, struct arena *a)
{
    const struct chain_hooks *hooks = &r->chain->bodies[which];
    struct chain_pipe *pipe = arena_alloc(a, sizeof *pipe + (hooks->n + 1) * sizeof pipe->at[0]);

    pipe->run = r;
    pipe->hooks = hooks;
    pipe->sink = sink;
    pipe->arg = arg;
    pipe->first = first_hook(r, which);
    for (unsigned i = 0; i <= hooks->n; i++)
        pipe->at[i] = (struct sc_body){ .pipe = pipe, .index = i };
    r->pipes[which] = pipe;
}

bool sc_body_write(struct sc_body *next, struct sc_str data, bool last)
{
    struct chain_pipe *pipe = next->pipe;
    const struct chain_hook *hook;
    struct sc_self self;

    if (next->ended)
        return false;               /* nothing may follow the last piece */
    next->ended = last;
    if (next->index == pipe->hooks->n)
        return pipe->sink(pipe->arg, data, last);
    hook = &pipe->hooks->at[next->index];
    self = self_at(pipe->run, hook->position);
    return hook->body(&self, pipe->run->x, data, last, next + 1);
}

bool chain_body_write(struct chain_run *r, enum chain_body which, struct sc_str data, bool last)
{
    struct chain_pipe *pipe = r->pipes[which];

    assert(pipe != NULL);
    return sc_body_write(&pipe->at[pipe->first], data, last);
}

/* --- looking at it --- */

unsigned chain_length(const struct chain *c)
{
    return c->n;
}

const struct policy_instance *chain_policy(const struct chain *c, unsigned i)
{
    return i < c->n ? c->at[i] : NULL;
}
