/* discovery/hand.h - a source in somebody's hand: frozen, pinned, or cut off from its registry.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread. hands.h says which ones, and until when. */
#pragma once

#include "discovery/hands.h"
#include "discovery/source.h"

/* h is what somebody wants of s now; NULL: nothing. Changes what is another way. */
void hand_take(struct source *s, const struct hand *h);
