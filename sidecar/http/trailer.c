/* sidecar/http/trailer.c - fields behind a body.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/trailer.h"

#include "http/claims.h"

bool trailer_may(enum hdr id, struct sc_str name)
{
    switch (id) {
    case HDR_OTHER:
        return claim_of(name) == CLAIM_NONE;
    case HDR_ETAG:                              /* RFC 9110 8.8.3 */
    case HDR_ACCEPT_RANGES:                     /* RFC 9110 14.3 */
    case HDR_PROXY_STATUS:                      /* RFC 9209 2 */
        return true;
    default:
        return false;
    }
}

bool trailer_ends_here(const struct headers *head, struct sc_str name)
{
    if (!headers_may_have(head, HDR_CONNECTION))
        return false;
    for (unsigned i = 0; i < head->n; i++)
        if (head->at[i].id == HDR_CONNECTION && http_list_has(head->at[i].value, name))
            return true;
    return false;
}

static bool goes_on(const struct headers *head, struct sc_str name)
{
    return http_is_token(name) && trailer_may(hdr_id(name.p, name.n), name) && !trailer_ends_here(head, name);
}

/* What came, as one list; it is an upper bound of what is written. */
static size_t announced(const struct headers *head)
{
    size_t n = 0;

    for (unsigned i = 0; i < head->n; i++)
        n += head->at[i].id == HDR_TRAILER ? head->at[i].value.n + 2 : 0;
    return n;
}

void trailer_announce(struct headers *head, struct arena *arena)
{
    struct sc_str rest, name, list = STR_NONE;
    char *to;

    if (!headers_may_have(head, HDR_TRAILER))
        return;
    list.p = to = arena_alloc(arena, announced(head));
    for (unsigned i = 0; i < head->n; i++)
        for (rest = head->at[i].id == HDR_TRAILER ? head->at[i].value : STR_NONE; http_list_next(&rest, &name);)
            if (goes_on(head, name))
                http_list_add(&list, to, name);
    headers_remove(head, HDR_TRAILER);
    if (list.n > 0)
        headers_add_id(head, HDR_TRAILER, list);
}
