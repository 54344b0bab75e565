/* sidecar/base/base64.h - base64 with padding (RFC 4648 section 4).
 * SPDX-License-Identifier: Apache-2.0
 *
 * Any thread. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

void base64_add(struct buf *to, struct sc_str bytes);
/* Strict: whole groups, no white space, nothing but zeros in bits that stand for nothing (3.5). False: `to` is as it was. */
bool base64_read(struct buf *to, struct sc_str text);
