/* sidecar/proxy/reserved_path.c - which paths may belong to the sidecar, and which do.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy/reserved.h"

#include "base/arena.h"
#include "http/uri.h"

/* Whoever may look at anything may see these; what needs more (/config, /admin) is not for strangers. */
static const struct sc_str subtrees[] = {
    STR_INIT("/health"), STR_INIT("/livez"), STR_INIT("/readyz"), STR_INIT("/metrics"), STR_INIT("/routes"),
    STR_INIT("/services"), STR_INIT("/policies"), STR_INIT("/version"),
};

static bool is_below(struct sc_str path, struct sc_str top)
{
    return top.n > 0 && str_starts(path, top) && (path.n == top.n || path.p[top.n] == '/');
}

static bool is_normal(struct sc_str path)
{
    static const struct uri_options options = { .keep_encoded_slash = true };
    struct arena arena;
    struct uri uri;
    bool normal;

    arena_init(&arena, 256);
    normal = uri_parse(&uri, path, &options, &arena) == NULL && str_eq(uri.path, path);
    arena_fini(&arena);
    return normal;
}

const char *reserved_check(struct sc_str path)
{
    bool known = false;

    for (unsigned i = 0; i < sizeof subtrees / sizeof subtrees[0]; i++)
        known |= is_below(path, subtrees[i]);
    if (!known)
        return "only /health, /livez, /readyz, /metrics, /routes, /services, /policies, /version and what is below them "
               "may be public";
    if (path.p[path.n - 1] == '/')
        return "written without a slash at its end, it means everything below";
    return is_normal(path) ? NULL : "not the normal form of a path";
}

bool reserved_has(const struct sc_strings *list, struct sc_str path)
{
    for (unsigned i = 0; i < list->n; i++)
        if (is_below(path, str_of(list->at[i])))
            return true;
    return false;
}
