/* sidecar/base/str.c - a borrowed run of bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/alloc.h"

bool str_split(struct sc_str *rest, char at, struct sc_str *part)
{
    const char *end;

    if (rest->p == NULL)
        return false;
    end = str_chr(*rest, at);
    if (end == NULL) {
        *part = *rest;
        *rest = STR_NONE;
        return true;
    }
    *part = str_range(rest->p, end);
    *rest = str_range(end + 1, rest->p + rest->n);
    return true;
}

bool str_u64(struct sc_str s, unsigned long long *value)
{
    unsigned long long v = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned char)s.p[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(v, 10ULL, &v) ||
            __builtin_add_overflow(v, (unsigned long long)digit, &v))
            return false;
    }
    *value = v;
    return true;
}

char *str_dupz(struct sc_str s)
{
    char *copy = xmalloc(s.n + 1);

    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}
