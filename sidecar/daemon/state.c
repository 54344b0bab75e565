/* sidecar/daemon/state.c - the directory for what survives the process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/state.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A variable that holds an absolute path; anything else is as good as none (XDG Base Directory Specification). */
static const char *path_in(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] == '/' ? value : NULL;
}

char *state_directory(const char *stated)
{
    const char *dir = stated != NULL ? stated : path_in("STATE_DIRECTORY");

    if (dir != NULL && dir != stated)           /* systemd.exec(5): several are separated by colons */
        return xasprintf("%.*s", (int)strcspn(dir, ":"), dir);
    if (dir != NULL)
        return xstrdup(dir);
    if (geteuid() == 0)
        return xstrdup("/var/lib/outrider");
    if ((dir = path_in("XDG_STATE_HOME")) != NULL)
        return xasprintf("%s/outrider", dir);
    return (dir = path_in("HOME")) != NULL ? xasprintf("%s/.local/state/outrider", dir) : NULL;
}
