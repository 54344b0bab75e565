/* sidecar/http/headers.c - header fields: names known by number, and ordered lists of fields.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/headers.h"

#include "http/chars.h"

#include <assert.h>

static const struct sc_str names[HDR_COUNT] = {
    STR_INIT(""),
#define NAME(id, name, a, b) STR_INIT(name),
    HDR_LIST(NAME)
#undef NAME
};

/* Length and two letters put each name on a slot of its own. When a new name meets another one here, the compiler warns
 * (-Woverride-init): take other factors. */
#define SLOTS 512
#define SLOT(n, a, b) (((n) * 67 + (a) * 69 + (b) * 153) & (SLOTS - 1))

static const uint8_t slots[SLOTS] = {
#define ENTRY(id, name, a, b) [SLOT(sizeof(name) - 1, a, b)] = HDR_##id,
    HDR_LIST(ENTRY)
#undef ENTRY
};

enum hdr hdr_id(const char *name, size_t n)
{
    unsigned a, b, id;

    if (n < 2)
        return HDR_OTHER;
    a = (unsigned char)name[n > 2 ? 2 : 1] | 32u;
    b = (unsigned char)name[n - 2] | 32u;
    id = slots[SLOT((unsigned)n, a, b)];
    return names[id].n == n && http_same(name, names[id].p, n) ? (enum hdr)id : HDR_OTHER;
}

struct sc_str hdr_name(enum hdr id)
{
    return names[id];
}

void headers_init(struct headers *h, struct arena *arena, struct header *first, unsigned cap)
{
    *h = (struct headers){ .at = first, .cap = cap, .arena = arena };
}

void headers_grow(struct headers *h)
{
    unsigned cap = h->cap < 16 ? 32 : h->cap * 2;
    struct header *at = arena_alloc(h->arena, cap * sizeof *at);

    if (h->n > 0)
        memcpy(at, h->at, h->n * sizeof *at);
    h->at = at;
    h->cap = cap;
}

struct header *headers_add(struct headers *h, struct sc_str name, struct sc_str value)
{
    return headers_put(h, hdr_id(name.p, name.n), name, value);
}

struct header *headers_add_id(struct headers *h, enum hdr id, struct sc_str value)
{
    return headers_put(h, id, names[id], value);
}

static struct header *scan(const struct headers *h, unsigned from, enum hdr id)
{
    for (unsigned i = from; i < h->n; i++)
        if (h->at[i].id == id && !h->at[i].gone)
            return &h->at[i];
    return NULL;
}

static struct header *scan_name(const struct headers *h, unsigned from, struct sc_str name)
{
    for (unsigned i = from; i < h->n; i++)
        if (h->at[i].id == HDR_OTHER && !h->at[i].gone && str_ieq(h->at[i].name, name))
            return &h->at[i];
    return NULL;
}

struct header *headers_scan(const struct headers *h, enum hdr id)
{
    return scan(h, 0, id);
}

struct header *headers_next(const struct headers *h, const struct header *after, enum hdr id)
{
    return scan(h, (unsigned)(after - h->at) + 1, id);
}

struct header *headers_find(const struct headers *h, struct sc_str name)
{
    enum hdr id = hdr_id(name.p, name.n);

    return id != HDR_OTHER ? headers_first(h, id) : scan_name(h, 0, name);
}

struct header *headers_find_next(const struct headers *h, const struct header *after, struct sc_str name)
{
    return after->id != HDR_OTHER ? headers_next(h, after, after->id)
                                  : scan_name(h, (unsigned)(after - h->at) + 1, name);
}

unsigned headers_remove(struct headers *h, enum hdr id)
{
    unsigned n = 0;

    for (struct header *f = headers_first(h, id); f != NULL; f = headers_next(h, f, id), n++)
        f->gone = true;
    return n;
}

unsigned headers_remove_name(struct headers *h, struct sc_str name)
{
    unsigned n = 0;

    for (struct header *f = headers_find(h, name); f != NULL; f = headers_find_next(h, f, name), n++)
        f->gone = true;
    return n;
}

struct header *headers_set(struct headers *h, enum hdr id, struct sc_str value)
{
    struct header *f = headers_first(h, id);

    if (f == NULL)
        return headers_add_id(h, id, value);
    f->value = value;
    for (struct header *more = headers_next(h, f, id); more != NULL; more = headers_next(h, more, id))
        more->gone = true;
    return f;
}

struct header *headers_set_name(struct headers *h, struct sc_str name, struct sc_str value)
{
    struct header *f = headers_find(h, name);

    if (f == NULL)
        return headers_add(h, name, value);
    f->value = value;
    for (struct header *more = headers_find_next(h, f, name); more != NULL; more = headers_find_next(h, more, name))
        more->gone = true;
    return f;
}

bool http_is_token(struct sc_str s)
{
    return s.n > 0 && http_token_end(s.p, s.p + s.n) == s.p + s.n;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool http_is_value(struct sc_str s)
{
    if (s.n == 0)
        return true;
    return http_value_end(s.p, s.p + s.n) == s.p + s.n && !is_blank(s.p[0]) && !is_blank(s.p[s.n - 1]);
}

/* The end of the quoted string that begins at p (RFC 9110 5.6.4); an unclosed one ends with the list. */
static const char *quoted_end(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end)
            p++;
    return p < end ? p + 1 : end;
}

static const char *member_end(const char *p, const char *end)
{
    while (p < end && *p != ',')
        p = *p == '"' ? quoted_end(p, end) : p + 1;
    return p;
}

bool http_list_next(struct sc_str *rest, struct sc_str *item)
{
    while (rest->n > 0) {
        const char *end = rest->p + rest->n, *comma = member_end(rest->p, end);

        *item = str_trim(str_range(rest->p, comma));
        *rest = str_range(comma < end ? comma + 1 : end, end);
        if (item->n > 0)
            return true;
    }
    return false;
}

bool http_list_has(struct sc_str value, struct sc_str token)
{
    struct sc_str item;

    while (http_list_next(&value, &item))
        if (str_ieq(item, token))
            return true;
    return false;
}

void http_list_add(struct sc_str *list, char *to, struct sc_str member)
{
    assert(list->p == to);
    if (list->n > 0) {
        memcpy(to + list->n, ", ", 2);
        list->n += 2;
    }
    memcpy(to + list->n, member.p, member.n);
    list->n += member.n;
}

static unsigned option_of(struct sc_str item)
{
    switch (item.n) {
    case 2:
        return http_same(item.p, "te", 2) ? CONNECTION_TE : CONNECTION_OTHER;
    case 5:
        return http_same(item.p, "close", 5) ? CONNECTION_CLOSE : CONNECTION_OTHER;
    case 7:
        return http_same(item.p, "upgrade", 7) ? CONNECTION_UPGRADE : CONNECTION_OTHER;
    case 10:
        return http_same(item.p, "keep-alive", 10) ? CONNECTION_KEEP_ALIVE : CONNECTION_OTHER;
    default:
        return CONNECTION_OTHER;
    }
}

unsigned connection_value(struct sc_str value)
{
    struct sc_str item;
    unsigned options = 0;

    while (http_list_next(&value, &item))
        options |= option_of(item);
    return options;
}

unsigned connection_options(const struct headers *h)
{
    unsigned options = 0;

    for (struct header *f = headers_first(h, HDR_CONNECTION); f != NULL; f = headers_next(h, f, HDR_CONNECTION))
        options |= connection_value(f->value);
    return options;
}
