/* discovery/snapshot/aging.h - how old what a service serves from is, and what follows from it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread. freshness.h has the keys, and what workers see. */
#pragma once

#include "discovery/source.h"

/* Tells workers how fresh the sources of t are, and sees to it that t is built anew when one of them becomes too old, or is
 * not any more. After whatever may have changed that; by itself when time does. */
void aging_update(struct tracked *t);
/* Whether the targets of s are too old to serve (`when_older: fail`). */
bool aging_is_over(const struct source *s);
