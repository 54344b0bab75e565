/* sidecar/base/utf8.c - text for JSON, whatever the bytes were.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdint.h>

size_t utf8_len(const unsigned char *p, const unsigned char *end)
{
    size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : *p >= 0xe0 && *p < 0xf0 ? 3
             : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;

    if (n == 0 || (size_t)(end - p) < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

static size_t escape(char *to, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char brief = c == '"' || c == '\\' ? (char)c : c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : 0;

    to[0] = '\\';
    if (brief != 0) {
        to[1] = brief;
        return 2;
    }
    memcpy(to + 1, "u00", 3);
    to[4] = hex[c >> 4];
    to[5] = hex[c & 15];
    return 6;
}

#define BYTES(c) (0x0101010101010101ULL * (uint8_t)(c))

/* All eight bytes are printable ASCII, and neither quote nor backslash: they stand for themselves. */
static bool plain8(uint64_t w)
{
    uint64_t quote = w ^ BYTES('"'), slash = w ^ BYTES('\\'), del = w ^ BYTES(0x7f);
    /* A byte of x below n sets its high bit in x - n * 0x01..; borrows only add false alarms, which cost a slow step. */
    uint64_t odd = (w - BYTES(0x20)) | (quote - BYTES(1)) | (slash - BYTES(1)) | (del - BYTES(1)) | w;

    return (odd & BYTES(0x80)) == 0;
}

size_t utf8_json(char *to, struct sc_str s)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;
    char *start = to;

    *to++ = '"';
    while (p < end) {
        uint64_t word;

        if (end - p >= 8 && (memcpy(&word, p, 8), plain8(word))) {
            memcpy(to, p, 8);
            to += 8;
            p += 8;
        } else if (*p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\') {
            *to++ = (char)*p++;
        } else if (*p < 0x80) {
            to += escape(to, *p++);
        } else {
            size_t n = utf8_len(p, end);

            if (n == 0) {
                memcpy(to, "\xef\xbf\xbd", 3);
                to += 3;
                p++;
            } else {
                memcpy(to, p, n);
                to += n;
                p += n;
            }
        }
    }
    *to++ = '"';
    return (size_t)(to - start);
}
