/* discovery/providers/lines.h - an open answer, one record per line.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pieces go in as they come, cut anywhere; whole lines come out, without their ends (LF or CRLF) and without those that are
 * empty. A line is bounded. */
#pragma once

#include "base/buf.h"

struct lines {
    struct buf held;                /* the beginning of a line whose end has not come */
    struct sc_str piece;            /* what of the last piece was not looked at */
    size_t max;                     /* bytes of a line */
    bool taken;                     /* held was handed out */
};

enum lines_got { LINES_ONE, LINES_NO_MORE, LINES_TOO_LONG };

/* max > 0. */
void lines_init(struct lines *l, size_t max);
void lines_fini(struct lines *l);
/* Forgets what was held. */
void lines_reset(struct lines *l);
/* Lends the piece until lines_next() says that there is no more, which has to be heard before the next piece. */
void lines_feed(struct lines *l, struct sc_str piece);
/* The line lives until the next call, and may be changed by no one. After LINES_TOO_LONG only lines_reset() helps. */
enum lines_got lines_next(struct lines *l, struct sc_str *line);
/* Whether an answer that ends now ends inside of a line. */
bool lines_is_cut(const struct lines *l);
