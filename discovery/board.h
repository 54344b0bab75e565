/* discovery/board.h - what is known now, for those who ask.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only. The discovery thread changes one thing at a time, however many there are; what all of it amounts
 * to is put together for whoever asks, when they do. */
#pragma once

#include "discovery/status.h"

struct announcer;
struct board;

struct board *board_new(void);
void board_free(struct board **b);

/* --- discovery thread --- */

/* These services from now on; the array and its references are the board's. */
void board_renew(struct board *b, struct service_status **services, unsigned n);
/* Service i is like this now; takes over the reference. version: of the newest table. */
void board_put(struct board *b, unsigned i, struct service_status *s);
void board_table(struct board *b, uint64_t version);
/* How the services of this host are. */
void board_registrations(struct board *b, const struct announcer *announcer);

/* --- any thread --- */

/* Never NULL (empty at first). The caller owns the reference. */
struct discovery_status *board_look(struct board *b);
