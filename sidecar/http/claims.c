/* sidecar/http/claims.c - fields with which somebody says who asked, and how: only some may.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/claims.h"

struct claim_row {
    struct sc_str name;
    uint8_t kind;
    char third;                 /* of prefixes */
};

static const struct claim_row rows[] = {
#define ROW(a, kind, name, last) { STR_INIT(name), CLAIM_##kind, 0 },
    CLAIMS(ROW, 0)
#undef ROW
};

static const struct claim_row prefixes[] = {
#define ROW(kind, name, third) { STR_INIT(name), CLAIM_##kind, third },
    CLAIM_PREFIXES(ROW)
#undef ROW
};

/* By length, the last letters of the whole names: almost every other name is sorted out here. */
#define BIT(length, kind, name, last) | (sizeof(name) - 1 == (length) ? 1u << ((last) & 31) : 0)
#define LAST(length) [length] = 0u CLAIMS(BIT, length)
static const uint32_t last_letters[] = {
    LAST(6), LAST(7), LAST(8), LAST(9), LAST(10), LAST(11), LAST(12), LAST(13), LAST(14), LAST(15), LAST(16), LAST(17),
    LAST(18), LAST(19), LAST(20), LAST(21), LAST(22), LAST(23), LAST(24),
};
enum { LENGTHS = sizeof last_letters / sizeof *last_letters };

#define SHORT(a, kind, name, last) \
    _Static_assert(sizeof(name) - 1 >= 6 && sizeof(name) - 1 < LENGTHS, "a length without LAST()");
CLAIMS(SHORT, 0)

#define THIRD(kind, name, third) | 1u << ((third) & 31)
static const uint32_t third_letters = 0u CLAIM_PREFIXES(THIRD);

/* The known ones, as bits in a list of fields (struct headers.seen). */
#define KNOWN(w, id) (HDR_##id >> 6 == (w) ? 1ULL << (HDR_##id & 63) : 0)
#define KNOWNS(w)                                                                                              \
    (KNOWN(w, FORWARDED) | KNOWN(w, X_FORWARDED_FOR) | KNOWN(w, X_FORWARDED_PROTO) | KNOWN(w, X_FORWARDED_HOST) | \
     KNOWN(w, X_FORWARDED_PORT) | KNOWN(w, X_FORWARDED_PREFIX) | KNOWN(w, X_REAL_IP))
static const uint64_t known[2] = { KNOWNS(0), KNOWNS(1) };

/* Letters in lower case, digits, and a hyphen for everything else. */
static char folded(char c)
{
    unsigned letter = ((unsigned char)c | 32u) - 'a', digit = (unsigned char)c - (unsigned)'0';

    return letter < 26 ? (char)(letter + 'a') : digit < 10 ? c : '-';
}

static bool same(const char *p, struct sc_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (folded(p[i]) != name.p[i])
            return false;
    return true;
}

static bool is_spelled_well(struct sc_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (folded(name.p[i]) == '-' && name.p[i] != '-')
            return false;
    return true;
}

static enum claim whole(struct sc_str name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].name.n == name.n && same(name.p, rows[i].name))
            return (enum claim)rows[i].kind;
    return CLAIM_NONE;
}

static enum claim beginning(struct sc_str name)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (prefixes[i].third == folded(name.p[2]) && prefixes[i].name.n <= name.n && same(name.p, prefixes[i].name))
            return (enum claim)prefixes[i].kind;
    return CLAIM_NONE;
}

enum claim claim_of(struct sc_str name)
{
    enum claim kind = CLAIM_NONE;
    char first;

    if (name.n < 6)
        return CLAIM_NONE;
    if (name.n < LENGTHS && (last_letters[name.n] >> (name.p[name.n - 1] & 31) & 1) != 0)
        kind = whole(name);
    first = (char)(name.p[0] | 32);
    if (kind == CLAIM_NONE && (first == 'x' || first == 's') && (third_letters >> (name.p[2] & 31) & 1) != 0)
        kind = beginning(name);
    return kind == CLAIM_NONE || is_spelled_well(name) ? kind : CLAIM_OURS;
}

void claims_strip(struct headers *h, unsigned kinds)
{
    bool any = ((h->seen[0] & known[0]) | (h->seen[1] & known[1])) != 0 && (kinds & CLAIM_PROXY) != 0;

    kinds |= CLAIM_OURS;
    for (unsigned i = 0; i < h->n; i++) {
        struct header *f = &h->at[i];

        if (f->id == HDR_OTHER)
            f->gone |= (claim_of(f->name) & kinds) != 0;
        else if (any && (known[f->id >> 6 & 1] >> (f->id & 63) & 1) != 0)
            f->gone = true;
    }
}
