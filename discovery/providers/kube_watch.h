/* discovery/providers/kube_watch.h - the EndpointSlices of one service, followed: a list, then a watch from there on.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Discovery thread. The keys of registry and source are read by kubernetes.c. */
#pragma once

#include "discovery/provider.h"
#include "discovery/providers/kube_slices.h"
#include "discovery/providers/rest.h"

struct kube_conf {
    struct rest_conf rest;
    const char *namespace;
    sc_msec wait;
};

struct kube_source {
    const char *service, *namespace, *port;
    int family;                         /* enum kube_family */
    bool hints;
};

/* As in struct provider; the registry's state is a struct rest. */
void kube_watch_start(struct watch *w);
void kube_watch_stop(struct watch *w);

/* Whether a service or a namespace can have this name (RFC 1123 label, in any case, as far as queries go). */
bool kube_is_name(const char *name);
