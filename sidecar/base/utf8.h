/* sidecar/base/utf8.h - text for JSON, whatever the bytes were.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

/* Writes s as a JSON string (RFC 8259 section 7) with its quotes; needs room for 6 * s.n + 2 bytes. Bytes that are not
 * UTF-8 become U+FFFD. Returns how many were written. */
size_t utf8_json(char *to, struct sc_str s);
/* Bytes of the well-formed sequence at p (1 to 4), or 0 (RFC 3629: no surrogates, no overlong forms). */
size_t utf8_len(const unsigned char *p, const unsigned char *end);
