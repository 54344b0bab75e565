/* discovery/graveyard.h - where tables end: on the discovery thread while there is one, afterwards wherever they are let go.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only. It lives as long as its last table, so it may outlive the discovery. */
#pragma once

struct graveyard;
struct loop;
struct table;

struct graveyard *graveyard_new(struct loop *loop);
/* The table will end here. Discovery thread. */
void graveyard_adopt(struct graveyard *g, struct table *t);
/* The loop turns no more, and there will be no other table. */
void graveyard_close(struct graveyard **g);
