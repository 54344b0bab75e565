/* discovery/providers/items.c - an open answer that is one JSON list, item by item.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/items.h"

enum place { P_START, P_FIRST, P_ITEM, P_BEHIND, P_NEXT, P_END };     /* FIRST: or the end of an empty list */

enum { ROOM_KEPT = 65536 };

void items_init(struct items *i, size_t max)
{
    *i = (struct items){ .held = BUF_INIT, .max = max, .place = P_START };
}

void items_fini(struct items *i)
{
    buf_fini(&i->held);
}

void items_reset(struct items *i)
{
    struct buf held = i->held;

    buf_clear(&held);
    *i = (struct items){ .held = held, .max = i->max, .place = P_START };
}

void items_feed(struct items *i, struct sc_str piece)
{
    i->piece = piece;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static enum items_got wrong(struct items *i, const char *what)
{
    i->wrong = what;
    return ITEMS_WRONG;
}

/* In a string of the item: behind it, or the end of the piece. */
static const char *string_end(struct items *i, const char *p, const char *end)
{
    for (; p < end; p++) {
        if (i->escaped)
            i->escaped = false;
        else if (*p == '\\')
            i->escaped = true;
        else if (*p == '"') {
            i->in_string = false;
            return p + 1;
        }
    }
    return end;
}

/* Of the item: behind it, or NULL when the piece ends before. A word or a number ends before what cannot belong to it. */
static const char *item_end(struct items *i)
{
    const char *p = i->piece.p, *end = p + i->piece.n;

    while (p < end) {
        if (i->in_string) {
            p = string_end(i, p, end);
            if (!i->in_string && i->depth == 0)
                return p;
            continue;
        }
        switch (*p) {
        case '"':
            i->in_string = true;
            break;
        case '{':
        case '[':
            i->depth++;
            break;
        case '}':
        case ']':
            if (i->depth == 0)
                return p;
            if (--i->depth == 0)
                return p + 1;
            break;
        default:
            if (i->depth == 0 && (*p == ',' || is_space(*p)))
                return p;
        }
        p++;
    }
    return NULL;
}

/* A long item leaves no room of its length behind. */
static void forget_taken(struct items *i)
{
    if (!i->taken)
        return;
    if (i->held.cap > ROOM_KEPT)
        buf_fini(&i->held);
    buf_clear(&i->held);
    i->taken = false;
}

static enum items_got in_item(struct items *i, struct sc_str *item)
{
    const char *end = item_end(i);
    struct sc_str part = end == NULL ? i->piece : str_range(i->piece.p, end);

    if (i->held.n + part.n > i->max)
        return wrong(i, "an item that is too long");
    i->piece = str_skip(i->piece, part.n);
    if (end == NULL || i->held.n > 0)
        buf_str(&i->held, part);
    if (end == NULL)
        return ITEMS_NO_MORE;
    i->place = P_BEHIND;
    i->taken = i->held.n > 0;
    *item = i->taken ? buf_view(&i->held) : part;
    return ITEMS_ONE;
}

/* At something that is no space, and not in an item. */
static enum items_got between(struct items *i)
{
    char c = i->piece.p[0];

    if (i->place == P_START && c != '[')
        return wrong(i, "not a list");
    if (i->place == P_END)
        return wrong(i, "something follows the list");
    if (i->place == P_BEHIND && c != ',' && c != ']')
        return wrong(i, "a comma or a bracket is expected");
    if (i->place == P_NEXT && (c == ']' || c == ','))
        return wrong(i, "a value is expected");
    if (i->place == P_FIRST && c == ',')
        return wrong(i, "a value is expected");
    if (i->place == P_NEXT || (i->place == P_FIRST && c != ']')) {
        i->place = P_ITEM;
        return ITEMS_NO_MORE;
    }
    i->place = i->place == P_START ? P_FIRST : c == ',' ? P_NEXT : P_END;
    i->piece = str_skip(i->piece, 1);
    return ITEMS_NO_MORE;
}

enum items_got items_next(struct items *i, struct sc_str *item)
{
    forget_taken(i);
    while (i->piece.n > 0) {
        enum items_got got = ITEMS_NO_MORE;

        if (i->place == P_ITEM)
            got = in_item(i, item);
        else if (is_space(i->piece.p[0]))
            i->piece = str_skip(i->piece, 1);
        else
            got = between(i);
        if (got != ITEMS_NO_MORE)
            return got;
    }
    return ITEMS_NO_MORE;
}

bool items_is_whole(const struct items *i)
{
    return i->place == P_END;
}
