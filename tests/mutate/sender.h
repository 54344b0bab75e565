/* tests/mutate/sender.h - sends bytes whole, in pieces, or haltingly.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rng.h"
#include "text.h"

struct sender {
    struct text out;
    size_t at;         /* what is sent */
    size_t piece;      /* at most so much at once; 0: all */
    unsigned pause;    /* per mille of the pieces with a pause behind them */
    uint64_t until;    /* of the pause */
};

enum sent { SENT_ALL, SENT_BLOCKED, SENT_PAUSED, SENT_BROKEN };

/* Forgets what was sent, and chooses how the next bytes go: `slow` per mille of them in pieces. */
void sender_begin(struct sender *s, struct rng *r, unsigned slow);
/* Sends on, up to byte `limit` of out. */
enum sent sender_go(struct sender *s, int fd, size_t limit, struct rng *r, uint64_t now);
