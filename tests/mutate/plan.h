/* tests/mutate/plan.h - everything that one connection will send, and the requests that are in it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "corpus.h"

enum { MESSAGES_MOST = 8, PROMISED_MOST = 128 };

struct promised {
    bool tagged, head, upgrade;
    unsigned minor;
    struct tag tag;
};

struct plan {
    size_t nmessages, end[MESSAGES_MOST];   /* where each ends */
    bool mutated[MESSAGES_MOST];
    struct promised at[PROMISED_MOST];      /* the requests, in order: what a strict reader makes of all the bytes */
    size_t n;
    bool overflown;                         /* there are more */
};

/* Into `out`, which is empty; also says on the board what is allowed. */
void plan_make(struct plan *p, struct text *out, struct rng *r, uint32_t conn, bool good);
