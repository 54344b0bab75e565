/* sidecar/loop/handed.h - listening sockets that the service manager opened for us (LISTEN_FDS), and what it is told.
 * SPDX-License-Identifier: Apache-2.0
 *
 * By libsystemd; without it by the same protocols as sd_listen_fds(3), sd_notify(3) and sd_watchdog_enabled(3) describe
 * them, so that all of this works in both builds. */
#pragma once

#include "base/clock.h"

#include <stdbool.h>

#define HANDED_FIRST 3

/* How many sockets there are, from HANDED_FIRST on, close-on-exec set; their names are the caller's to free, each and the
 * array ("unknown" where none was given). 0 if there are none or they are meant for another process. Once, at start. */
int handed_sockets(char ***names);
/* fd is a listening stream socket. */
bool handed_is_listener(int fd);
/* Tells the service manager; the text is lines of NAME=VALUE. False if there is one and it did not take it; true if there
 * is none. Any thread. */
bool handed_notify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* How often the service manager wants to hear WATCHDOG=1 at least, in ms; 0 if it does not. */
sc_msec handed_watchdog(void);
