/* discovery/providers/etcd_kept.h - the instances of one service as etcd has them, kept up to date change by change.
 * SPDX-License-Identifier: Apache-2.0
 *
 * In the order of their keys, whichever way they came. A change reads the value that changed, and no other. One owner. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "discovery/endpoint.h"

#include <stdbool.h>

struct etcd_event;
struct etcd_own;

struct etcd_kept {
    struct endpoint *at;            /* may move with each change */
    struct etcd_own *own;           /* beside it: the key and the memory of each */
    unsigned n, cap;
    unsigned max;                   /* no more of them are taken */
    bool full;                      /* and one was not */
};

void etcd_kept_init(struct etcd_kept *k, unsigned max);
void etcd_kept_fini(struct etcd_kept *k);
/* False: the key does not begin with `prefix`, so nobody asked for it. *changed is set when something did. Keys with further
 * slashes, and the prefix itself, are passed over. */
bool etcd_kept_apply(struct etcd_kept *k, struct sc_str prefix, const struct etcd_event *e, bool *changed);
