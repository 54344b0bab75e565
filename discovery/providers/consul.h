/* discovery/providers/consul.h - what the files about Consul share.
 * SPDX-License-Identifier: Apache-2.0
 *
 * consul.c: keys, and targets by blocking queries; consul_answer.c, consul_index.c: the pure parts of that. consul_say.c:
 * services of this host; consul_entry.c: the pure part of that. Discovery thread. */
#pragma once

#include "discovery/provider.h"
#include "discovery/providers/rest.h"

enum consul_consistency { CONSUL_DEFAULT, CONSUL_CONSISTENT, CONSUL_STALE, CONSUL_CACHED };

/* The keys of a registry. */
struct consul_conf {
    struct rest_conf rest;
    int consistency;                /* enum consul_consistency */
    const char *datacenter, *namespace, *partition;
    sc_msec wait;
};

/* consul_say.c, of struct provider. */
void consul_say(struct entry *e, enum enrol_word word);
void consul_unsay(struct entry *e);
