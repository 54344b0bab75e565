/* tests/mutate/sender.c - sends bytes whole, in pieces, or haltingly.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sender.h"

#include <errno.h>
#include <sys/socket.h>

enum { PIECES_MOST = 64, PAUSE_MOST = 3000 };

void sender_begin(struct sender *s, struct rng *r, unsigned slow)
{
    static const size_t pieces[] = { 1, 7, 50, 300, 1000, 5000 };

    s->out.n = s->at = 0;
    s->until = 0;
    s->piece = rng_chance(r, slow) ? rng_pick(r, pieces) : 0;
    s->pause = rng_chance(r, 300) ? 200 : 0;
}

enum sent sender_go(struct sender *s, int fd, size_t limit, struct rng *r, uint64_t now)
{
    size_t piece = s->piece;

    if (s->until > now)
        return SENT_PAUSED;
    if (piece != 0 && limit / PIECES_MOST > piece)  /* a long message is not sent in ten thousand pieces */
        piece = limit / PIECES_MOST;
    while (s->at < limit) {
        size_t left = limit - s->at;
        ssize_t n = send(fd, s->out.p + s->at, piece != 0 && piece < left ? piece : left, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0)
            return errno == EAGAIN || errno == ENOTCONN ? SENT_BLOCKED : SENT_BROKEN;
        s->at += (size_t)n;
        if (piece != 0 && s->at < limit && rng_chance(r, s->pause)) {
            s->until = now + 1 + rng_below(r, PAUSE_MOST);
            return SENT_PAUSED;
        }
    }
    return SENT_ALL;
}
