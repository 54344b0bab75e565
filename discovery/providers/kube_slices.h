/* discovery/providers/kube_slices.h - all EndpointSlices of one service, as one list of endpoints.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure. What is in several slices counts once. What is in none any more, while the service had several slices, is kept for
 * a moment: slices change one after the other, and an endpoint that moves is for that moment in none. */
#pragma once

#include "base/clock.h"
#include "base/map.h"
#include "discovery/providers/kube_slice.h"

enum { KUBE_HANDOVER = 1000 };          /* ms that such an endpoint is kept */

struct kube_slices {
    struct map all;                     /* of struct kube_slice, by name */
    unsigned unnamed;                   /* items of a list that had no name */
    unsigned size;                      /* slices and endpoints of all of them */
};

/* Zeroed: none. */
void kube_slices_fini(struct kube_slices *s);
/* In place of the one of that name; s owns it. */
void kube_slices_put(struct kube_slices *s, struct kube_slice *slice);
void kube_slices_drop(struct kube_slices *s, const char *name);

struct kube_prefer {
    enum kube_family family;            /* of an endpoint that has several kinds of address: only this one, if it has it */
    bool hints;                         /* they count */
};

/* What was made of them last. Zeroed: nothing yet. */
struct kube_merged {
    struct kube_kept *kept;             /* in order, endpoints that are wrong aside; they hold their slices */
    unsigned nkept;
    unsigned families[KUBE_BOTH];       /* slices of each kind */
    struct endpoint *at;                /* the result, in a fixed order; the strings are the slices' */
    unsigned n;
    sc_msec until;                      /* when it is to be made anew, for what is kept then; 0: nothing is */
};
void kube_merged_fini(struct kube_merged *m);
/* The result has been looked at, which has to be before the slices change, and its memory is given back. */
void kube_merged_taken(struct kube_merged *m);

/* From the slices as they are now and what m says of the time before. */
void kube_merge(struct kube_merged *m, const struct kube_slices *s, const struct kube_prefer *prefer, sc_msec now);
