/* admin/caller.h - who is at the other end of a connection.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Admin thread. */
#pragma once

#include "admin/admin.h"
#include "loop/client.h"

struct caller {
    bool loopback;                      /* on this host */
    bool trusted;                       /* over a unix socket: root, our own user, or a member of the group */
    char who[96];                       /* for the log: "uid 1000 (pid 4711)", "127.0.0.1" */
};

/* local: the listener is a unix socket. */
void caller_find(struct caller *to, const struct client *c, bool local, const struct admin_state *state);
