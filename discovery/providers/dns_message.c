/* discovery/providers/dns_message.c - what a name server's message says about the question that stands in it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/dns_message.h"

#include <arpa/inet.h>
#include <string.h>

enum { HEADER = 12, CLASS_IN = 1, ALIASES_MAX = 16, NAME_WIRE_MAX = 255, TTL_MAX = INT32_MAX };

struct reader {
    const uint8_t *p;
    size_t n;
};

/* A resource record. */
struct rr {
    size_t owner, data, size;       /* offsets; bytes of the data */
    uint16_t type, class;
    uint32_t ttl;
};

static uint16_t u16(const struct reader *r, size_t at)
{
    return (uint16_t)(r->p[at] << 8 | r->p[at + 1]);
}

static uint32_t u32(const struct reader *r, size_t at)
{
    return (uint32_t)u16(r, at) << 16 | u16(r, at + 2);
}

/* --- names --- */

/* The label at *at, which is behind it then; pointers point further back than they stand. *n is 0 at the end. */
static bool next_label(const struct reader *r, size_t *at, const uint8_t **label, size_t *n)
{
    while (*at + 1 < r->n && (r->p[*at] & 0xc0) == 0xc0) {
        size_t to = u16(r, *at) & 0x3fff;

        if (to >= *at)
            return false;
        *at = to;
    }
    if (*at >= r->n || r->p[*at] > 63 || *at + 1 + r->p[*at] > r->n)
        return false;
    *n = r->p[*at];
    *label = r->p + *at + 1;
    *at += 1 + *n;
    return true;
}

/* *at is behind the name as it stands there. False: it is broken, or longer than a name may be. */
static bool skip_name(const struct reader *r, size_t *at)
{
    size_t walk = *at, n = 0, whole = 0;
    const uint8_t *label;

    while (*at < r->n && r->p[*at] >= 1 && r->p[*at] <= 63)
        *at += 1u + r->p[*at];
    if (*at >= r->n)
        return false;
    *at += r->p[*at] == 0 ? 1 : 2;
    do {
        if (!next_label(r, &walk, &label, &n) || (whole += n + 1) > NAME_WIRE_MAX)
            return false;
    } while (n > 0);
    return *at <= r->n;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

/* Both were skipped before. */
static bool same_name(const struct reader *r, size_t a, size_t b)
{
    const uint8_t *x, *y;
    size_t nx, ny;

    do {
        if (!next_label(r, &a, &x, &nx) || !next_label(r, &b, &y, &ny) || nx != ny)
            return false;
        for (size_t i = 0; i < nx; i++)
            if (lower(x[i]) != lower(y[i]))
                return false;
    } while (nx > 0);
    return true;
}

static bool fits_host(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Sets `wrong` where a label holds what no host has. */
static const char *name_text(struct arena *a, const struct reader *r, size_t at, const char **wrong)
{
    char text[NAME_WIRE_MAX + 1];
    const uint8_t *label;
    size_t n, used = 0;

    while (next_label(r, &at, &label, &n) && n > 0 && used + n + 1 < sizeof text) {
        if (used > 0)
            text[used++] = '.';
        for (size_t i = 0; i < n; i++) {
            uint8_t c = lower(label[i]);

            if (!fits_host(c))
                *wrong = "the record names no host";
            text[used++] = fits_host(c) ? (char)c : '?';
        }
    }
    return arena_dupz(a, (struct sc_str){ text, used });
}

/* --- records --- */

static bool next_rr(const struct reader *r, size_t *at, struct rr *rr)
{
    rr->owner = *at;
    if (!skip_name(r, at) || r->n - *at < 10)
        return false;
    rr->type = u16(r, *at);
    rr->class = u16(r, *at + 2);
    rr->ttl = u32(r, *at + 4);
    rr->size = u16(r, *at + 8);
    rr->data = *at + 10;
    if (rr->ttl > TTL_MAX)
        rr->ttl = 0;                    /* RFC 2181 8 */
    if (rr->size > r->n - rr->data)
        return false;
    *at = rr->data + rr->size;
    return true;
}

/* Whether the data of these types is as long as it says. */
static bool is_whole(const struct reader *r, const struct rr *rr)
{
    size_t at = rr->data, end = rr->data + rr->size;

    switch (rr->type) {
    case DNS_A:
        return rr->size == 4;
    case DNS_AAAA:
        return rr->size == 16;
    case DNS_CNAME:
        return skip_name(r, &at) && at == end;
    case DNS_SRV:
        at += 6;
        return rr->size > 6 && skip_name(r, &at) && at == end;
    case DNS_SOA:
        return skip_name(r, &at) && skip_name(r, &at) && end >= at && end - at == 20;
    default:
        return true;
    }
}

/* n records from *at on: all of them are read, so that the message is whole or refused. */
static bool read_section(const struct reader *r, size_t *at, unsigned n, struct rr *to)
{
    for (unsigned i = 0; i < n; i++)
        if (!next_rr(r, at, &to[i]) || (to[i].class == CLASS_IN && !is_whole(r, &to[i])))
            return false;
    return true;
}

/* --- the answer --- */

struct message {
    struct reader r;
    struct rr *answers, *authorities;
    unsigned nanswers, nauthorities;
    size_t name;                        /* asked for; then what it is an alias of */
};

static void note_ttl(struct dns_message *m, uint32_t ttl)
{
    if (!m->has_ttl || ttl < m->ttl)
        m->ttl = ttl;
    m->has_ttl = true;
}

static const struct rr *find_alias(const struct message *x)
{
    for (unsigned i = 0; i < x->nanswers; i++) {
        const struct rr *rr = &x->answers[i];

        if (rr->type == DNS_CNAME && rr->class == CLASS_IN && same_name(&x->r, rr->owner, x->name))
            return rr;
    }
    return NULL;
}

static bool follow_aliases(struct message *x, struct dns_message *m)
{
    const struct rr *rr;

    for (unsigned i = 0; (rr = find_alias(x)) != NULL; i++) {
        if (i == ALIASES_MAX)
            return false;
        note_ttl(m, rr->ttl);
        x->name = rr->data;
    }
    return true;
}

static void read_address(struct arena *a, const struct reader *r, const struct rr *rr, struct dns_record *to)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(rr->type == DNS_A ? AF_INET : AF_INET6, r->p + rr->data, text, sizeof text);
    to->host = arena_dupz(a, str_of(text));
}

static void read_srv(struct arena *a, const struct reader *r, const struct rr *rr, struct dns_record *to)
{
    to->priority = u16(r, rr->data);
    to->weight = u16(r, rr->data + 2);
    to->port = u16(r, rr->data + 4);
    to->host = name_text(a, r, rr->data + 6, &to->wrong);
}

static void read_records(struct arena *a, const struct message *x, enum dns_type type, struct dns_message *m)
{
    m->at = arena_zero(a, (x->nanswers + 1) * sizeof *m->at);
    for (unsigned i = 0; i < x->nanswers; i++) {
        const struct rr *rr = &x->answers[i];

        if (rr->type != (unsigned)type || rr->class != CLASS_IN || !same_name(&x->r, rr->owner, x->name))
            continue;
        note_ttl(m, rr->ttl);
        if (type == DNS_SRV)
            read_srv(a, &x->r, rr, &m->at[m->n++]);
        else
            read_address(a, &x->r, rr, &m->at[m->n++]);
    }
}

/* RFC 2308 5: the shorter one of the record's own time and of what stands at its end. */
static void read_denial(const struct message *x, struct dns_message *m)
{
    for (unsigned i = 0; i < x->nauthorities; i++) {
        const struct rr *rr = &x->authorities[i];

        if (rr->type != DNS_SOA || rr->class != CLASS_IN)
            continue;
        note_ttl(m, rr->ttl);
        note_ttl(m, u32(&x->r, rr->data + rr->size - 4));
    }
}

static bool read_question(struct message *x, size_t *at, enum dns_type type)
{
    x->name = *at;
    if (u16(&x->r, 4) != 1 || !skip_name(&x->r, at) || x->r.n - *at < 4)
        return false;
    *at += 4;
    return u16(&x->r, *at - 4) == (unsigned)type && u16(&x->r, *at - 2) == CLASS_IN;
}

bool dns_message_read(struct arena *a, const uint8_t *message, size_t size, enum dns_type type, struct dns_message *m,
                      struct sc_error *e)
{
    struct message x = { .r = { message, size } };
    size_t at = HEADER;

    *m = (struct dns_message){ .n = 0 };
    if (size < HEADER || (message[2] & 0x80) == 0)
        return sc_error_set(e, "not an answer");
    if ((message[2] & 0x02) != 0)
        return sc_error_set(e, "the answer is cut off");
    if (!read_question(&x, &at, type))
        return sc_error_set(e, "the answer is not to what was asked");
    x.nanswers = u16(&x.r, 6);
    x.nauthorities = u16(&x.r, 8);
    if (x.nanswers + x.nauthorities > (size - at) / 11)     /* no record is shorter */
        return sc_error_set(e, "the answer is broken");
    x.answers = arena_zero(a, (x.nanswers + 1) * sizeof *x.answers);
    x.authorities = arena_zero(a, (x.nauthorities + 1) * sizeof *x.authorities);
    if (!read_section(&x.r, &at, x.nanswers, x.answers) || !read_section(&x.r, &at, x.nauthorities, x.authorities))
        return sc_error_set(e, "the answer is broken");
    if (!follow_aliases(&x, m))
        return sc_error_set(e, "the name is an alias of an alias without end");
    read_records(a, &x, type, m);
    if (m->n == 0)
        read_denial(&x, m);
    return true;
}
