/* sidecar/conf/scalar.c - one scalar, by type.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/units.h"
#include "conf/load.h"
#include "conf/walk.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A hundred years and an exbibyte: sums of such values with the clock or with each other stay far from overflow. */
#define MSEC_MAX INT64_C(3155760000000)
#define SIZE_MAX_ (INT64_C(1) << 60)

#define SHOWN(s) (int)((s).n > 60 ? 60 : (s).n), (s).p, (s).n > 60 ? "..." : ""

static bool is_scalar(const struct node *n)
{
    return n->kind != NODE_LIST && n->kind != NODE_MAP;
}

static bool expected(struct conf_load *l, const struct node *at, const char *what)
{
    if (!is_scalar(at))
        return load_error(l, at, "%s is expected here, not %s", what, node_kind_name(at));
    return load_error(l, at, "\"%.*s%s\" is not %s", SHOWN(at->text), what);
}

static void print_limit(char to[UNITS_MAX], enum sc_type type, int64_t v)
{
    switch (type) {
    case SC_T_MSEC:
        units_print_duration(to, v);
        break;
    case SC_T_SIZE:
        units_print_size(to, v);
        break;
    case SC_T_PERCENT:
        units_print_percent(to, v);
        break;
    default:
        snprintf(to, UNITS_MAX, "%" PRId64, v);
    }
}

void field_limits(const struct sc_field *f, int64_t *min, int64_t *max)
{
    *min = f->min;
    *max = f->max;
    if (f->min != 0 || f->max != 0)
        return;
    *min = f->type == SC_T_INT ? INT64_MIN : 0;
    *max = f->type == SC_T_MSEC ? MSEC_MAX : f->type == SC_T_SIZE ? SIZE_MAX_ : INT64_MAX;
    if (f->type == SC_T_PERCENT)
        *max = 1000000;
}

void field_limit_text(char to[UNITS_MAX], const struct sc_field *f, int64_t v)
{
    print_limit(to, f->type, v);
}

static bool in_range(struct conf_load *l, const struct node *at, const struct sc_field *f, int64_t v)
{
    char low[UNITS_MAX], high[UNITS_MAX];
    int64_t min, max;

    field_limits(f, &min, &max);
    if (v >= min && v <= max)
        return true;
    print_limit(low, f->type, min);
    print_limit(high, f->type, max);
    if (v < min)
        return load_error(l, at, "%.*s%s is too small: at least %s", SHOWN(at->text), low);
    return load_error(l, at, "%.*s%s is too large: at most %s", SHOWN(at->text), high);
}

static bool read_bool(struct conf_load *l, const struct node *at, bool *to)
{
    static const char *const yes[] = { "on", "yes", "1", NULL }, *const no[] = { "off", "no", "0", NULL };

    if (is_scalar(at) && str_ieq(at->text, STR("true"))) {
        *to = true;
        return true;
    }
    if (is_scalar(at) && str_ieq(at->text, STR("false"))) {
        *to = false;
        return true;
    }
    for (int i = 0; is_scalar(at) && yes[i] != NULL; i++)
        if (str_ieq(at->text, str_of(yes[i])) || str_ieq(at->text, str_of(no[i])))
            return load_error(l, at, "\"%.*s\" is a string in YAML 1.2; write true or false", STR_ARG(at->text));
    return expected(l, at, "true or false");
}

/* [-+]? digits | 0x hex | 0o octal: the core schema's integers, and no others. The text is NUL-terminated. */
static bool parse_int(struct sc_str s, int64_t *to)
{
    const char *p = s.p;
    char *end;
    int base = 10;

    if (str_starts(s, STR("0x")))
        base = 16;
    else if (str_starts(s, STR("0o")))
        base = 8;
    if (base != 10)
        p += 2;
    if (s.n == 0 || *p == '\0' || strchr(base == 10 ? "+-0123456789" : "0123456789abcdefABCDEF", *p) == NULL)
        return false;
    if (base == 16 && (p[1] == 'x' || p[1] == 'X'))
        return false;                            /* strtoll would read 0x0x1 */
    errno = 0;
    *to = strtoll(p, &end, base);
    return errno == 0 && end == s.p + s.n && end > p;
}

static bool read_int(struct conf_load *l, const struct node *at, const struct sc_field *f, int64_t *to)
{
    if (!is_scalar(at) || !parse_int(at->text, to))
        return expected(l, at, "a whole number");
    return in_range(l, at, f, *to);
}

static bool read_number(struct conf_load *l, const struct node *at, const struct sc_field *f, double *to)
{
    char *end = NULL;

    if (!is_scalar(at) || at->text.n == 0 || strspn(at->text.p, "+-.0123456789eE") != at->text.n)
        return expected(l, at, "a number");
    *to = strtod(at->text.p, &end);
    if (*end != '\0' || !isfinite(*to))
        return expected(l, at, "a number");
    if ((f->min != 0 || f->max != 0) && (*to < (double)f->min || *to > (double)f->max))
        return load_error(l, at, "%s is out of range: %" PRId64 " to %" PRId64, at->text.p, f->min, f->max);
    return true;
}

static bool read_units(struct conf_load *l, const struct node *at, const struct sc_field *f, int64_t *to)
{
    bool ok = is_scalar(at);

    switch (f->type) {
    case SC_T_PERCENT:
        if (!ok || !units_percent(at->text, to))
            return expected(l, at, "a share such as 20%");
        break;
    case SC_T_MSEC:
        if (!ok || !units_duration(at->text, to))
            return expected(l, at, "a duration such as 250ms, 30s, 5m, 2h, 1d");
        break;
    default:
        if (!ok || !units_size(at->text, to))
            return expected(l, at, "a size such as 512B, 64KB, 10MB, 64KiB, 1GiB");
    }
    return in_range(l, at, f, *to);
}

bool load_length(struct conf_load *l, const struct node *at, const struct sc_field *f, size_t n, const char *what)
{
    if (f->min == 0 && f->max == 0)
        return true;
    if ((int64_t)n < f->min && f->min == 1)
        return load_error(l, at, "cannot be empty");
    if ((int64_t)n < f->min)
        return load_error(l, at, "%zu %s are too few: at least %" PRId64, n, what, f->min);
    if ((int64_t)n > f->max)
        return load_error(l, at, "%zu %s are too many: at most %" PRId64, n, what, f->max);
    return true;
}

static bool read_string(struct conf_load *l, const struct node *at, const struct sc_field *f, const char **to)
{
    if (!is_scalar(at))
        return expected(l, at, "a string");
    *to = at->text.p;
    return load_length(l, at, f, at->text.n, "characters");
}

static bool read_enum(struct conf_load *l, const struct node *at, const struct sc_field *f, int *to)
{
    const char *words[64];
    unsigned n = 0;

    if (!is_scalar(at))
        return expected(l, at, "a word");
    for (const struct sc_enum *e = f->names; e->name != NULL; e++) {
        if (str_eq(at->text, str_of(e->name))) {
            *to = e->value;
            return true;
        }
        if (n < 63)
            words[n++] = e->name;
    }
    words[n] = NULL;
    return load_unknown(l, at, "value", words);
}

static bool parse_address(struct sc_str s, struct sc_cidr *to)
{
    char text[INET6_ADDRSTRLEN];

    if (s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    to->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    to->bits = to->family == AF_INET6 ? 128 : 32;
    return inet_pton(to->family, text, &to->address) == 1;
}

/* Clears what lies behind the prefix; whether there was anything. */
static bool clear_host_bits(struct sc_cidr *c)
{
    bool any = false;

    for (unsigned i = 0, size = c->family == AF_INET6 ? 16 : 4; i < size; i++) {
        unsigned keep = c->bits >= 8 * (i + 1) ? 8 : c->bits <= 8 * i ? 0 : c->bits - 8 * i;
        uint8_t mask = (uint8_t)(0xff00u >> keep);

        any = any || (c->address.s6_addr[i] & ~mask) != 0;
        c->address.s6_addr[i] &= mask;
    }
    return any;
}

static bool read_cidr(struct conf_load *l, const struct node *at, struct sc_cidr *to)
{
    struct sc_cidr c = { .family = 0 };
    unsigned long long bits = 0;
    const char *slash;

    if (!is_scalar(at))
        return expected(l, at, "a network such as 10.0.0.0/8");
    slash = str_chr(at->text, '/');
    if (!parse_address(slash == NULL ? at->text : str_range(at->text.p, slash), &c))
        return expected(l, at, "an address or a network such as 10.0.0.0/8 or 2001:db8::/32");
    if (slash != NULL) {
        if (!str_u64(str_skip(at->text, (size_t)(slash + 1 - at->text.p)), &bits) || bits > c.bits)
            return load_error(l, at, "the prefix of \"%.*s\" must be 0 to %u", STR_ARG(at->text), c.bits);
        c.bits = (uint8_t)bits;
    }
    if (clear_host_bits(&c))
        load_warning(l, at, "\"%.*s\" has bits behind its prefix; the whole network is meant", STR_ARG(at->text));
    *to = c;
    return true;
}

bool load_scalar(struct conf_load *l, const struct node *at, const struct sc_field *f, void *to)
{
    switch (f->type) {
    case SC_T_BOOL:
        return read_bool(l, at, to);
    case SC_T_INT:
        return read_int(l, at, f, to);
    case SC_T_NUMBER:
        return read_number(l, at, f, to);
    case SC_T_PERCENT:
    case SC_T_MSEC:
    case SC_T_SIZE:
        return read_units(l, at, f, to);
    case SC_T_STRING:
        return read_string(l, at, f, to);
    case SC_T_ENUM:
        return read_enum(l, at, f, to);
    case SC_T_CIDR:
        return read_cidr(l, at, to);
    default:
        break;
    }
    assert(!"a scalar type");
    return false;
}
