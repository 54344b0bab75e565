/* sidecar/base/str.h - a borrowed run of bytes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A str never owns its bytes and is not NUL-terminated; whoever hands one out says how long it lives. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct sc_str {
    const char *p;
    size_t n;
};

#define STR(lit)        ((struct sc_str){ "" lit, sizeof(lit) - 1 })
#define STR_INIT(lit)   { "" lit, sizeof(lit) - 1 }
#define STR_NONE        ((struct sc_str){ NULL, 0 })
/* For "%.*s". */
#define STR_ARG(s)      (int)(s).n, (s).p

static inline struct sc_str str_of(const char *z)
{
    return (struct sc_str){ z, z == NULL ? 0 : strlen(z) };
}

static inline struct sc_str str_range(const char *from, const char *to)
{
    return (struct sc_str){ from, (size_t)(to - from) };
}

static inline struct sc_str str_skip(struct sc_str s, size_t n)
{
    return n > s.n ? (struct sc_str){ s.p + s.n, 0 } : (struct sc_str){ s.p + n, s.n - n };
}

static inline bool str_eq(struct sc_str a, struct sc_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII case-insensitive. */
static inline bool str_ieq(struct sc_str a, struct sc_str b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

static inline bool str_starts(struct sc_str s, struct sc_str with)
{
    return s.n >= with.n && (with.n == 0 || memcmp(s.p, with.p, with.n) == 0);
}

static inline bool str_ends(struct sc_str s, struct sc_str with)
{
    return s.n >= with.n && (with.n == 0 || memcmp(s.p + s.n - with.n, with.p, with.n) == 0);
}

/* The first c in s, or NULL. */
static inline const char *str_chr(struct sc_str s, char c)
{
    return s.n == 0 ? NULL : (const char *)memchr(s.p, c, s.n);
}

/* Without the spaces and tabs at both ends (HTTP's OWS). */
static inline struct sc_str str_trim(struct sc_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Order as memcmp, the shorter first among equals. */
static inline int str_cmp(struct sc_str a, struct sc_str b)
{
    int r = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return r != 0 ? r : (a.n > b.n) - (a.n < b.n);
}

/* Cuts the part before the first `at` off *rest; false when *rest is used up (p == NULL). */
bool str_split(struct sc_str *rest, char at, struct sc_str *part);

/* Digits only, no sign; false on anything else and on overflow. */
bool str_u64(struct sc_str s, unsigned long long *value);

/* A NUL-terminated copy to be freed by the caller; never NULL. */
char *str_dupz(struct sc_str s);
