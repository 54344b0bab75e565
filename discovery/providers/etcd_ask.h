/* discovery/providers/etcd_ask.h - what etcd's JSON gateway is asked, as it wants to read it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure. Keys and values in base64, numbers of 64 bits as strings. */
#pragma once

#include "base/jsonw.h"

/* The body of /v3/kv/range: all keys that begin with `prefix`, which ends with a slash. */
void etcd_ask_range(struct buf *body, const char *prefix);
/* The body of /v3/watch: what becomes of them after that revision. */
void etcd_ask_watch(struct buf *body, const char *prefix, uint64_t revision);

void etcd_add_bytes(struct jsonw *j, const char *name, struct sc_str bytes);
void etcd_add_number(struct jsonw *j, const char *name, uint64_t value);
