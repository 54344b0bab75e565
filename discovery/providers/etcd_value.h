/* discovery/providers/etcd_value.h - what stands under a key of etcd, as an endpoint.
 * SPDX-License-Identifier: Apache-2.0
 *
 * "host:port", or an object of JSON with the keys that a record of a file has, and `state`. What no target can be made of
 * becomes an endpoint with `wrong`. Pure; the strings stand in the arena. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "discovery/endpoint.h"

enum { ETCD_VALUE_MAX = 65536 };

/* id: the last part of the key, as bytes. */
struct endpoint etcd_value_read(struct arena *a, struct sc_str id, struct sc_str value);
