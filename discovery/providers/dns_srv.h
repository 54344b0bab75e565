/* discovery/providers/dns_srv.h - from the records of an answer to targets.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure; what comes out lives in the arena, in an order that does not depend on that of the records (servers turn it). */
#pragma once

#include "discovery/endpoint.h"
#include "discovery/providers/dns_message.h"

/* A host that SRV records name, and its addresses. */
struct dns_host {
    const char *name;
    const char **at;            /* as text; each once, sorted */
    unsigned n;
    const char *wrong;          /* why they are not known; NULL: they are */
};

/* Adds those of an answer. */
void dns_host_add(struct arena *a, struct dns_host *h, const struct dns_message *m);
struct dns_host *dns_host_copy(struct arena *a, const struct dns_host *h);

/* Every address a target. */
struct endpoint *dns_address_endpoints(struct arena *a, const struct dns_message *m, uint16_t port, unsigned *n);

/* Every address of every record's host a target. Priority is the tier. Weights are in proportion within a priority; a weight
 * of 0 beside others is a very small one, and nothing but zeros are equal weights (RFC 2782). hosts: each name once. A
 * record whose host is "" says that there is no such service here, and brings no target. */
struct endpoint *dns_srv_endpoints(struct arena *a, const struct dns_message *m, const struct dns_host *hosts,
                                   unsigned nhosts, unsigned *n);
