/* discovery/health.h - active health checks: a second opinion on the targets of a service, wherever they came from.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/, its keys aside. Discovery thread. */
#pragma once

#include "conf/field.h"

#include <stdbool.h>

struct discovery_service;
struct probe_how;
struct tracked;

enum health_type { HEALTH_HTTP, HEALTH_TCP };

struct health_conf {
    int type;                       /* enum health_type */
    const char *path;               /* of the request; begins with a slash */
    sc_msec interval, timeout;
    int64_t healthy_threshold, unhealthy_threshold;
};
extern const struct sc_field health_fields[];

/* Checks the targets of the set in force from now on, as the service's configuration says, and no others. After every
 * new set and every plan. */
void health_sync(struct tracked *t);
void health_stop(struct tracked *t);

/* How a target of this service is probed: as its health check says, else by connecting. tls: the record's. */
void health_how(const struct discovery_service *s, bool tls, struct probe_how *how);
