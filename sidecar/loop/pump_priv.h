/* sidecar/loop/pump_priv.h - what the pump and the seam share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "loop/mhdpump.h"
#include "loop/seam.h"

struct seam_queue *shard_queue(struct shard *s);
const struct pump_limits *pump_limits(const struct client *c);
/* Bytes came and were checked. */
void pump_heard(struct client *c);
/* The end of the stream, while the library does not look. */
void pump_hangup(struct client *c, uint32_t events);
/* The answer to a violation. */
size_t pump_refusal(struct client *c, char *to, size_t room);
/* The socket is about to be closed: frees the client after this turn. */
void pump_closed(struct client *c);
