/* policy/chain_form.h - a compiled chain from inside: only for chain*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/chain.h"

enum chain_phase { PHASE_REQUEST, PHASE_ATTEMPT, PHASE_RESPONSE, PHASES };

typedef enum sc_verdict verdict_fn(struct sc_self *self, struct sc_exchange *x);
typedef bool body_fn(struct sc_self *self, struct sc_exchange *x, struct sc_str data, bool last, struct sc_body *next);
typedef void done_fn(struct sc_self *self, struct sc_exchange *x, const struct sc_outcome *o);

/* Hooks in the order in which they run; position: of the policy in the chain. */
struct chain_hook {
    union {
        verdict_fn *verdict;
        body_fn *body;
        done_fn *done;
    };
    unsigned position;
};
struct chain_hooks {
    struct chain_hook *at;
    unsigned n;
};

struct chain {
    unsigned n;
    struct policy_instance **at;            /* in order of rank */
    uint32_t *local_at;                     /* where each one's state begins */
    size_t local_size;
    bool may_be_broken;                     /* one of them has worker_open */
    struct chain_hooks phases[PHASES];      /* the response's in reverse */
    struct chain_hooks bodies[2];           /* by enum chain_body; the response's in reverse */
    struct chain_hooks done;                /* in reverse */
};

/* Compiles a chain of n instances, which are in file order, into the arena. Borrows them. */
struct chain *chain_compile(struct policy_instance *const *instances, unsigned n, struct arena *a);
