/* admin/server.h - the admin pages over HTTP, on one listener.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "admin/admin.h"
#include "loop/listen.h"
#include "loop/loop.h"
#include "loop/mhdpump.h"

struct server;

/* Serves the listener on this loop; all must outlive it. NULL: said in the log. Loop's thread. */
struct server *server_new(struct loop *loop, struct listener *listener, const struct admin_state *state);
/* Accepts no more; answers that are on their way end their connections. */
void server_stop(struct server *s);
bool server_idle(const struct server *s);
void server_free(struct server **s);
