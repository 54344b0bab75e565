/* discovery/providers/lines.c - an open answer, one record per line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/lines.h"

void lines_init(struct lines *l, size_t max)
{
    *l = (struct lines){ .held = BUF_INIT, .max = max };
}

void lines_fini(struct lines *l)
{
    buf_fini(&l->held);
}

void lines_reset(struct lines *l)
{
    buf_fini(&l->held);
    l->piece = STR_NONE;
    l->taken = false;
}

void lines_feed(struct lines *l, struct sc_str piece)
{
    l->piece = piece;
}

static struct sc_str without_end(struct sc_str line)
{
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* A long line leaves no room of its length behind. */
static void forget_taken(struct lines *l)
{
    if (!l->taken)
        return;
    if (l->held.cap > 65536)
        buf_fini(&l->held);
    buf_clear(&l->held);
    l->taken = false;
}

/* What stands before `end` in the piece, with what was held of it. */
static struct sc_str take(struct lines *l, const char *end)
{
    struct sc_str part = str_range(l->piece.p, end);

    l->piece = str_skip(l->piece, part.n + 1);
    if (l->held.n == 0)
        return without_end(part);
    buf_str(&l->held, part);
    l->taken = true;
    return without_end(buf_view(&l->held));
}

enum lines_got lines_next(struct lines *l, struct sc_str *line)
{
    const char *end;

    for (forget_taken(l); (end = str_chr(l->piece, '\n')) != NULL; forget_taken(l)) {
        if (l->held.n + (size_t)(end - l->piece.p) > l->max)
            return LINES_TOO_LONG;
        *line = take(l, end);
        if (line->n > 0)
            return LINES_ONE;
    }
    if (l->held.n + l->piece.n > l->max)
        return LINES_TOO_LONG;
    buf_str(&l->held, l->piece);
    l->piece = STR_NONE;
    return LINES_NO_MORE;
}

bool lines_is_cut(const struct lines *l)
{
    return !l->taken && l->held.n > 0;
}
