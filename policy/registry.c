/* policy/registry.c - the policies there are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "policy/registry.h"

#include "policy/policies.h"

#define DECLARE(ident) extern const struct sc_policy sc_policy_##ident;
POLICIES(DECLARE)
#undef DECLARE

#define ROW(ident) &sc_policy_##ident,
static const struct sc_policy *const builtin[] = { POLICIES(ROW) NULL };
#undef ROW

#define COUNT (sizeof builtin / sizeof builtin[0] - 1)

const struct sc_policy *policy_at(unsigned i)
{
    return i < COUNT ? builtin[i] : NULL;
}

const struct sc_policy *policy_find(struct sc_str name)
{
    for (unsigned i = 0; i < COUNT; i++)
        if (str_eq(str_of(builtin[i]->name), name))
            return builtin[i];
    return NULL;
}

const char *const *policy_names(void)
{
    /* Filled with the same pointers by whoever comes first: harmless from several threads. */
    static const char *names[COUNT + 1];

    for (unsigned i = 0; i < COUNT; i++)
        __atomic_store_n(&names[i], builtin[i]->name, __ATOMIC_RELAXED);
    return names;
}
