/* sidecar/http/chars.h - which bytes may stand where, and fast scans over them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For the readers in http/ and http1/. Everything is constant; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    CH_TOKEN = 1,               /* RFC 9110 5.6.2 */
    CH_TARGET = 2,              /* a request target; wider than RFC 3986, which browsers do not follow: not " # < > \ */
    CH_VALUE = 4,               /* RFC 9110 5.5: visible, space, tab, 0x80 and above */
    CH_HOST = 8,                /* RFC 3986 reg-name without percent-encoding and comma */
    CH_UNRESERVED = 16,         /* RFC 3986 2.3 */
    CH_PATH = 32,               /* stands for itself in a normal path, wherever it is: a target byte but / % ; ? . */
};

extern const uint8_t http_chars[256];
/* 0..15, or 255. */
extern const uint8_t http_hex[256];

static inline bool http_is(char c, unsigned classes)
{
    return (http_chars[(unsigned char)c] & classes) != 0;
}

static inline bool http_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline const char *http_skip(const char *p, const char *end, unsigned classes)
{
    while (p < end && http_is(*p, classes))
        p++;
    return p;
}

/* The first byte that may not stand in a field value, or end. Sixteen at a time where the machine can. */
static inline const char *http_value_end(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);

    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, space), v);
        unsigned stops = (unsigned)_mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(v, del)));

        if (stops == 0) {
            p += 16;
            continue;
        }
        p += __builtin_ctz(stops);
        if (*p != '\t')
            return p;
        p++;
    }
#endif
    return http_skip(p, end, CH_VALUE);
}

/* The end of a token. Letters and '-', of which names mostly consist, sixteen at a time. */
static inline const char *http_token_end(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i lower = _mm_set1_epi8(0x20), dash = _mm_set1_epi8('-');
    /* Moves 'a'..'z' to the 26 smallest signed values. */
    const __m128i shift = _mm_set1_epi8((char)(0x80 - 'a')), limit = _mm_set1_epi8((char)(0x80 + 26));

    if (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i letter = _mm_cmplt_epi8(_mm_add_epi8(_mm_or_si128(v, lower), shift), limit);
        unsigned names = (unsigned)_mm_movemask_epi8(_mm_or_si128(letter, _mm_cmpeq_epi8(v, dash)));

        p += __builtin_ctz(~names);
    }
#endif
    return http_skip(p, end, CH_TOKEN);
}

/* The first byte that may not stand in a request target, or end. */
static inline const char *http_target_end(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i blank = _mm_set1_epi8(0x20), del = _mm_set1_epi8(0x7f), quote = _mm_set1_epi8('"'),
                  hash = _mm_set1_epi8('#'), less = _mm_set1_epi8('<'), more = _mm_set1_epi8('>'),
                  backslash = _mm_set1_epi8('\\');

    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* As signed numbers the bytes from 0x80 on are below the blank, too. */
        __m128i visible = _mm_andnot_si128(_mm_cmpeq_epi8(v, del), _mm_cmpgt_epi8(v, blank));
        __m128i odd = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, hash)),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, less), _mm_cmpeq_epi8(v, more)));
        unsigned good = (unsigned)_mm_movemask_epi8(
            _mm_andnot_si128(_mm_or_si128(odd, _mm_cmpeq_epi8(v, backslash)), visible));

        if (good != 0xffff)
            return p + __builtin_ctz(~good);
        p += 16;
    }
#endif
    return http_skip(p, end, CH_TARGET);
}

static inline const char *http_skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/* Without the blanks before `end`. */
static inline const char *http_trim_end(const char *p, const char *end)
{
    while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return end;
}

static inline uint64_t http_load8(const char *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return v;
}

static inline uint64_t http_load4(const char *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return v;
}

/* The bits in which a differs from b, not counting the case of b's letters. b holds letters, digits and '-' only. */
static inline uint64_t http_differs(uint64_t a, uint64_t b)
{
    return (a ^ b) & ~((b & 0x4040404040404040u) >> 1);
}

/* a[0..n) equals b[0..n) but for case; b holds letters, digits and '-' only. */
static inline bool http_same(const char *a, const char *b, size_t n)
{
    uint64_t differs = 0;

    if (n >= 8) {
        for (size_t i = 0; i + 8 < n; i += 8)
            differs |= http_differs(http_load8(a + i), http_load8(b + i));
        differs |= http_differs(http_load8(a + n - 8), http_load8(b + n - 8));
    } else if (n >= 4) {
        differs = http_differs(http_load4(a), http_load4(b)) | http_differs(http_load4(a + n - 4), http_load4(b + n - 4));
    } else {
        for (size_t i = 0; i < n; i++)
            differs |= http_differs((unsigned char)a[i], (unsigned char)b[i]);
    }
    return differs == 0;
}
