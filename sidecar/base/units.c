/* sidecar/base/units.c - durations, sizes and shares as users write them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#define FRACTION_DIGITS 9

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first; the last row is the bare number of a reader. */
static const struct unit durations[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }, { "", 1000 }, { NULL, 0 },
};
static const struct unit sizes[] = {
    { "GiB", 1 << 30 }, { "GB", 1000000000 }, { "MiB", 1 << 20 }, { "MB", 1000000 }, { "KiB", 1 << 10 },
    { "KB", 1000 },     { "B", 1 },           { "", 1 },          { NULL, 0 },
};
static const struct unit percents[] = { { "%", 10000 }, { NULL, 0 } };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits of one number with its point taken out: value = digits / 10^places. */
static bool read_number(struct sc_str *s, uint64_t *digits, unsigned *places)
{
    bool point = false, any = false;

    *digits = *places = 0;
    for (; s->n > 0 && (is_digit(s->p[0]) || (s->p[0] == '.' && any && !point)); *s = str_skip(*s, 1)) {
        if (s->p[0] == '.') {
            point = true;
            any = false;             /* "1." is no number */
            continue;
        }
        any = true;
        if (point && ++*places > FRACTION_DIGITS)
            return false;
        if (__builtin_mul_overflow(*digits, (uint64_t)10, digits) ||
            __builtin_add_overflow(*digits, (uint64_t)(s->p[0] - '0'), digits))
            return false;
    }
    return any;
}

static const struct unit *find(struct sc_str name, const struct unit *units)
{
    for (; units->name != NULL; units++)
        if (str_eq(name, str_of(units->name)))
            return units;
    return NULL;
}

static bool read_value(struct sc_str s, const struct unit *units, int64_t *value)
{
    const struct unit *u;
    uint64_t digits;
    unsigned places;

    if (!read_number(&s, &digits, &places) || (u = find(s, units)) == NULL)
        return false;
    if (__builtin_mul_overflow(digits, (uint64_t)u->factor, &digits))
        return false;
    for (; places > 0; places--) {
        if (digits % 10 != 0)
            return false;
        digits /= 10;
    }
    if (digits > INT64_MAX)
        return false;
    *value = (int64_t)digits;
    return true;
}

bool units_duration(struct sc_str s, sc_msec *ms)
{
    return read_value(s, durations, ms);
}

bool units_size(struct sc_str s, int64_t *bytes)
{
    return read_value(s, sizes, bytes);
}

bool units_percent(struct sc_str s, int64_t *millionths)
{
    int64_t v;

    if (!read_value(s, percents, &v) || v > 10 * 1000000)
        return false;
    *millionths = v;
    return true;
}

/* In the first unit that leaves no rest; nothing at all in `zero`. */
static const char *print(char to[UNITS_MAX], int64_t v, const struct unit *u, const char *zero)
{
    while (v == 0 ? strcmp(u->name, zero) != 0 : u->factor > 1 && v % u->factor != 0)
        u++;
    snprintf(to, UNITS_MAX, "%" PRId64 "%s", v / u->factor, u->name);
    return to;
}

const char *units_print_duration(char to[UNITS_MAX], sc_msec ms)
{
    return print(to, ms, durations, "s");
}

const char *units_print_size(char to[UNITS_MAX], int64_t bytes)
{
    return print(to, bytes, sizes, "B");
}

const char *units_print_percent(char to[UNITS_MAX], int64_t millionths)
{
    int64_t rest = millionths % 10000;
    int n = snprintf(to, UNITS_MAX, "%" PRId64, millionths / 10000);

    if (rest != 0)
        n += snprintf(to + n, UNITS_MAX - (size_t)n, ".%04" PRId64, rest);
    while (rest != 0 && to[n - 1] == '0')
        n--;
    snprintf(to + n, UNITS_MAX - (size_t)n, "%%");
    return to;
}
