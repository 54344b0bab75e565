/* tests/mutate/mutator.h - changes messages where parsers differ: lines, fields, numbers, sizes, ends of lines, bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rng.h"
#include "text.h"

/* One to four changes. `other` is a message to splice with. */
void mutate_text(struct text *t, struct rng *r, const struct text *other);
