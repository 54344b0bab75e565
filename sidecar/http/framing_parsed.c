/* sidecar/http/framing_parsed.c - the same rules over a head that a library has parsed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/framing_field.h"

static unsigned check_version(struct framing *f, struct sc_str version)
{
    if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || version.p[6] != '.' || !http_is_digit(version.p[5]) ||
        !http_is_digit(version.p[7]))
        return 400;
    if (version.p[5] != '1' || (version.p[7] != '0' && version.p[7] != '1'))
        return 505;
    f->minor = version.p[7] == '1';
    return 0;
}

static unsigned check_field(struct framing *f, const struct header *h)
{
    if (!http_is_token(h->name) || http_value_end(h->value.p, h->value.p + h->value.n) != h->value.p + h->value.n)
        return 400;
    return (unsigned)framing_field_value(f, framing_field_of(h->name.p, h->name.n), h->value);
}

/* "METHOD target " through the states themselves. */
static unsigned check_line(struct framing *f, struct sc_str method, struct sc_str target)
{
    const struct sc_str parts[] = { method, STR(" "), target, STR(" ") };

    if (!http_is_token(method) || target.n == 0 || memchr(target.p, ' ', target.n) != NULL)
        return 400;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        framing_feed(f, parts[i].p, parts[i].n);
        if (f->verdict != 0)
            return (unsigned)f->verdict;
    }
    return 0;
}

unsigned framing_check_parsed(struct sc_str method, struct sc_str target, struct sc_str version,
                              const struct headers *fields)
{
    static const struct framing_limits any = { UINT32_MAX, UINT32_MAX, UINT16_MAX, 0, false };
    struct framing f;
    struct header *h;
    unsigned status;

    framing_init(&f, &any);
    status = check_line(&f, method, target);
    if (status == 0)
        status = check_version(&f, version);
    for (unsigned i = 0; status == 0 && (h = headers_each(fields, &i)) != NULL;)
        status = check_field(&f, h);
    return status == 0 && !framing_head_is_sound(&f) ? 400 : status;
}
