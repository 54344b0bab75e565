/* sidecar/base/base64.c - base64 with padding (RFC 4648 section 4).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <stdint.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct buf *to, struct sc_str bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;

    buf_reserve(to, (bytes.n + 2) / 3 * 4);
    for (size_t left = bytes.n; left > 0; left -= left < 3 ? left : 3, p += 3) {
        uint32_t group = (uint32_t)p[0] << 16 | (left > 1 ? (uint32_t)p[1] << 8 : 0) | (left > 2 ? p[2] : 0u);

        buf_putc(to, letters[group >> 18]);
        buf_putc(to, letters[group >> 12 & 63]);
        buf_putc(to, left > 1 ? letters[group >> 6 & 63] : '=');
        buf_putc(to, left > 2 ? letters[group & 63] : '=');
    }
}

/* 64 and more: no letter. */
static unsigned value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Four characters with so many letters; false on anything else, and on bits that say something and should not. */
static bool read_group(struct buf *to, const char *p, unsigned nletters)
{
    uint32_t group = 0;

    for (unsigned i = 0; i < 4; i++) {
        unsigned v = i < nletters ? value_of(p[i]) : 0;

        if (v > 63)
            return false;
        group = group << 6 | v;
    }
    if ((group & (nletters == 2 ? 0xffffu : nletters == 3 ? 0xffu : 0u)) != 0)
        return false;
    buf_putc(to, (char)(group >> 16 & 255));
    if (nletters > 2)
        buf_putc(to, (char)(group >> 8 & 255));
    if (nletters > 3)
        buf_putc(to, (char)(group & 255));
    return true;
}

static unsigned letters_of_last(struct sc_str text)
{
    return text.p[text.n - 1] != '=' ? 4 : text.p[text.n - 2] != '=' ? 3 : 2;
}

bool base64_read(struct buf *to, struct sc_str text)
{
    size_t before = to->n;

    if (text.n % 4 != 0)
        return false;
    buf_reserve(to, text.n / 4 * 3);
    for (size_t i = 0; i < text.n; i += 4)
        if (!read_group(to, text.p + i, i + 4 < text.n ? 4 : letters_of_last(text))) {
            to->n = before;
            return false;
        }
    return true;
}
