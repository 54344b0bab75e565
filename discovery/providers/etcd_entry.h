/* discovery/providers/etcd_entry.h - a service of this host in etcd's words.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure. */
#pragma once

#include "base/buf.h"

struct entry;

/* PREFIX, the service's name, a slash, the instance. */
void etcd_entry_key(struct buf *to, const char *prefix, const struct entry *e);
/* JSON as etcd_value.h reads it: host, port, node, zone, `state`, and whatever else is configured. */
void etcd_entry_value(struct buf *to, const struct entry *e);
