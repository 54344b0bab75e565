/* policy/registry.h - the policies there are.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Any thread; read-only after start. */
#pragma once

#include "base/str.h"
#include "policy/policy.h"

/* NULL when there is none of that name. */
const struct sc_policy *policy_find(struct sc_str name);
/* for (unsigned i = 0; (p = policy_at(i)) != NULL; i++): all of them, in order of name. */
const struct sc_policy *policy_at(unsigned i);
/* All names, NULL-terminated; for "did you mean". */
const char *const *policy_names(void);
