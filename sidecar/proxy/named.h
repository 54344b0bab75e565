/* sidecar/proxy/named.h - services that a route's path names: `service: "{service}"`.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Such a service stands in no list. It is made on control when the first request names it, from `defaults.service` and the
 * route's registry, and is part of every plan from then on, until nobody has asked for it for a while. It is called
 * NAME@REGISTRY, which no service of the file can be called. */
#pragma once

#include "proxy/config.h"

struct named {
    atomic_uint refs;                   /* one for control, one for every plan that has it */
    struct arena arena;
    struct config *config;              /* a reference: what was loaded points into it */
    const char *registry, *name;        /* what the registry calls it */
    struct service_conf conf;
    _Atomic(sc_msec) used;              /* when a request last wanted it, monotonic; exact to a second */
};

enum { NAMED_MAX = 128, NAMED_KEY_MAX = 400 };

/* What a service may be called in a path: letters, digits, ".", "_" and "-", and no "." or "-" at the beginning. */
bool named_is_name(struct sc_str name);
/* Whether one of the route's patterns (fnmatch(3)) allows it. */
bool named_allows(const struct route_conf *r, const char *name);
/* Whether a route of the configuration leads there. */
bool named_is_wanted(const struct config *c, const char *registry, const char *name);
/* "NAME@REGISTRY"; empty when that does not fit. */
struct sc_str named_key(char text[NAMED_KEY_MAX], struct sc_str name, const char *registry);

/* Control. NULL with *e when the registry cannot have a service of this name. The caller owns the reference. */
struct named *named_new(struct config *c, const char *registry, const char *name, struct sc_error *e);
struct named *named_ref(struct named *n);
void named_unref(struct named **n);

/* Loads what every service of that registry would be. `at`: where it is asked for. False: reported. */
bool named_load(const struct config *c, struct conf_load *l, const struct node *at, const char *registry, const char *name,
                struct service_conf *to);
