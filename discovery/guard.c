/* discovery/guard.c - the shrink guard: whether an answer that takes targets away is believed at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/guard.h"

#define G struct guard_conf
const struct sc_field guard_fields[] = {
    SC_PERCENT(G, max_removed, .dflt = "50%", .min = 0, .max = 1000000,
               .doc = "An answer that takes away more than this share of a service's targets is held back."),
    SC_INT(G, min_size, .dflt = "4", .min = 1, .max = 65536,
           .doc = "`max_removed` counts for services with at least this many targets. An answer that leaves none is held "
                  "back whatever the size."),
    SC_MSEC(G, hold, .dflt = "30s", .min = 0, .max = 86400000,
            .doc = "How long a target that still answers is kept after the registry has ceased to name it; `0s` switches "
                   "the guard off."),
    SC_END
};
#undef G

const char *guard_reason(const struct guard_conf *c, const struct guard_view *v)
{
    if (c->hold == 0 || v->removed == 0)
        return NULL;
    if (v->after == 0)
        return "the answer leaves none";
    if (v->doubted && v->after < v->before)
        return "the registry doubts its answer";
    if (v->before >= c->min_size && (int64_t)v->removed * 1000000 > c->max_removed * (int64_t)v->before)
        return "the answer removes too many at once";
    return NULL;
}
