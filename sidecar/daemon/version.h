/* sidecar/daemon/version.h - what runs here: the program, its libraries, what they cannot do.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Static memory; main thread at start, any thread afterwards. */
#pragma once

#include "admin/admin.h"

/* Name and version of each library as linked at run time; ends with a NULL name. */
const struct admin_version *version_libraries(void);
/* One sentence for each thing that is missing because of them; ends with NULL. */
const char *const *version_degraded(void);
