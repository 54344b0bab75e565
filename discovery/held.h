/* discovery/held.h - targets that an answer lacks and that are kept for a while all the same.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread. guard.h says when; here is what becomes of them: each is probed at once and then
 * every other second, gone with the first probe that fails, and with the end of the hold. */
#pragma once

#include "discovery/source.h"

/* Before an answer of s comes into force: which of the targets in force it lacks, and whether they are held. */
void held_judge(struct source *s, const struct answer *next);
/* Lets go of all of them. */
void held_drop(struct source *s);
