/* sidecar/http/regex.h - regular expressions that a stranger's text cannot make run away.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bytes, not characters: no UTF mode. A pattern is searched for; it anchors itself with ^ and $ ($ is the very end).
 * Every match runs under limits of steps, depth and memory; a match that hits one is no match, and is counted. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct regex;

/* The longest pattern taken. */
#define REGEX_PATTERN_MAX 4096

/* Control thread. NULL with *e ("at offset 5: missing closing parenthesis") for a pattern that does not compile.
 * Compiled to machine code where the system allows that, else interpreted; the answers are the same. */
struct regex *regex_new(struct sc_str pattern, struct sc_error *e);
void regex_free(struct regex **r);

/* Any thread; the expression is shared, the working memory is the thread's own and is kept. */
bool regex_match(const struct regex *r, struct sc_str subject);

/* The library's version and, if so, why expressions run slower than they could. Main thread at start, any later. */
const char *regex_library_version(void);
const char *regex_degraded(void);

/* How many matches of this process hit a limit. */
uint64_t regex_limit_hits(void);

/* The bytes that every match begins with, at the very beginning of the subject ("^/api/v[12]" -> "/api/v"), into `to`.
 * Returns how many; 0 when there are none or when that cannot be told simply. */
size_t regex_prefix(struct sc_str pattern, char *to, size_t room);
