/* discovery/providers/kube_slice.h - one EndpointSlice of Kubernetes as endpoints.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure. discovery.k8s.io/v1 and v1beta1 are read alike; where they differ the first is looked for before the second. An
 * endpoint that makes no sense becomes one with `wrong`, and touches no other. */
#pragma once

#include "base/arena.h"
#include "discovery/endpoint.h"

#include <stdbool.h>

struct data;

/* Which addresses of an endpoint that has several kinds. */
enum kube_family { KUBE_IPV4, KUBE_IPV6, KUBE_NAME, KUBE_BOTH };

/* What a source wants to know of a slice. */
struct kube_want {
    const char *port;               /* a name, or a number; NULL: the only one */
    const char *node, *zone;        /* where we are; NULL or "": not known, hints do not count */
};

struct kube_endpoint {
    struct endpoint at;             /* its tier is decided when all slices are known */
    const char *whose;              /* what has this address: the same for its other addresses; NULL: not said */
    enum kube_family family;
    bool node_hints, zone_hints;    /* it is meant for some nodes, for some zones */
    bool for_node, for_zone;        /* ours among them */
};

struct kube_slice {
    unsigned refs;
    struct arena arena;             /* owns all of it */
    const char *name;
    enum kube_family family;
    struct kube_endpoint *at;
    unsigned n;
};

/* The name of the slice; NULL when it has none, and then it is none. */
const char *kube_slice_name(const struct data *object);
/* Of an object with a name. Keeps nothing of object or want. The caller has the first reference. */
struct kube_slice *kube_slice_new(const struct data *object, const struct kube_want *want);
void kube_slice_unref(struct kube_slice **s);
