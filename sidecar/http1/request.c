/* sidecar/http1/request.c - the writer of request heads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http1/request.h"

#include "http/chars.h"

#define LINE_END " HTTP/1.1\r\n"

struct out {
    char *at, *end;
};

static size_t field_size(const struct header *f)
{
    return f->gone ? 0 : f->name.n + f->value.n + 4;
}

size_t request_size(const struct request_line *line, const struct headers *fields, const struct header *extra,
                    unsigned extra_n)
{
    size_t n = line->method.n + 1 + line->path.n + 1 + line->query.n + sizeof LINE_END + 2;

    for (unsigned i = 0; i < fields->n; i++)
        n += field_size(&fields->at[i]);
    for (unsigned i = 0; i < extra_n; i++)
        n += field_size(&extra[i]);
    return n;
}

static inline char *copy(char *to, const char *p, size_t n)
{
    if (n > 0)
        memcpy(to, p, n);
    return to + n;
}

static bool put_line(struct out *o, const struct request_line *line)
{
    size_t n = line->method.n + 1 + line->path.n + 1 + line->query.n + sizeof LINE_END;

    if ((size_t)(o->end - o->at) < n)
        return false;
    o->at = copy(o->at, line->method.p, line->method.n);
    *o->at++ = ' ';
    o->at = copy(o->at, line->path.p, line->path.n);
    if (line->has_query) {
        *o->at++ = '?';
        o->at = copy(o->at, line->query.p, line->query.n);
    }
    o->at = copy(o->at, LINE_END, sizeof LINE_END - 1);
    return true;
}

static bool put_field(struct out *o, const struct header *f)
{
    char *p = o->at;

    if (f->gone)
        return true;
    if ((size_t)(o->end - p) < f->name.n + f->value.n + 4)
        return false;
    p = copy(p, f->name.p, f->name.n);
    *p++ = ':';
    *p++ = ' ';
    p = copy(p, f->value.p, f->value.n);
    *p++ = '\r';
    *p++ = '\n';
    o->at = p;
    return true;
}

static bool put_all(struct out *o, const struct header *at, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!put_field(o, &at[i]))
            return false;
    return true;
}

#ifdef __SSE2__
/* The same as below, over 16 * rows bytes; rows <= 255, for each column is counted in a byte. */
static size_t count_rows(const char *p, size_t rows)
{
    const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n'), nul = _mm_setzero_si128();
    __m128i counts = nul;

    for (; rows > 0; rows--, p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, lf));

        counts = _mm_sub_epi8(counts, _mm_or_si128(hit, _mm_cmpeq_epi8(v, nul)));
    }
    counts = _mm_sad_epu8(counts, nul);
    return (size_t)_mm_cvtsi128_si32(counts) + (size_t)_mm_extract_epi16(counts, 4);
}
#endif

/* How many bytes of p[0..n) are CR, LF or NUL. */
static size_t count_breaks(const char *p, size_t n)
{
    size_t count = 0, i = 0;

#ifdef __SSE2__
    while (n - i >= 16) {
        size_t rows = (n - i) / 16 < 255 ? (n - i) / 16 : 255;

        count += count_rows(p + i, rows);
        i += 16 * rows;
    }
#endif
    for (; i < n; i++)
        count += p[i] == '\r' || p[i] == '\n' || p[i] == '\0';
    return count;
}

static unsigned count_fields(const struct header *at, unsigned n)
{
    unsigned count = 0;

    for (unsigned i = 0; i < n; i++)
        count += !at[i].gone;
    return count;
}

ssize_t request_write(char *to, size_t cap, const struct request_line *line, const struct headers *fields,
                      const struct header *extra, unsigned extra_n)
{
    struct out o = { to, to + cap };
    size_t lines = 2u + count_fields(fields->at, fields->n) + count_fields(extra, extra_n);

    if (!put_line(&o, line) || !put_all(&o, fields->at, fields->n) || !put_all(&o, extra, extra_n) || o.end - o.at < 2)
        return 0;
    *o.at++ = '\r';
    *o.at++ = '\n';
    return count_breaks(to, (size_t)(o.at - to)) == 2 * lines ? o.at - to : -1;
}
