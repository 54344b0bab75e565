/* sidecar/http/trailer.h - fields behind a body (RFC 9110 6.5).
 * SPDX-License-Identifier: Apache-2.0
 *
 * They are passed on behind the body, and never put among the fields before it. Any thread. */
#pragma once

#include "base/arena.h"
#include "http/headers.h"

/* Whether a field may stand behind a body (RFC 9110 6.5.1): of the names that have a number, only those whose definition
 * says so; of the others all that claim nothing (claims.h). id == hdr_id(name). */
bool trailer_may(enum hdr id, struct sc_str name);
/* Whether a Connection field of this head names it, one that was removed already among them: it ends at this hop. */
bool trailer_ends_here(const struct headers *head, struct sc_str name);
/* Writes one Trailer field (RFC 9110 6.6.2) in place of those that came, which hop_strip() has removed: the names in
 * them that may stand there. None: no field. */
void trailer_announce(struct headers *head, struct arena *arena);
