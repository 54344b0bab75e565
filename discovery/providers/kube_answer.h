/* discovery/providers/kube_answer.h - what the API server of Kubernetes answers: pages of a list, events of a watch.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure. What is not of the expected form is refused whole, with a reason. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

struct data;

/* One page of a list of EndpointSlices. */
struct kube_page {
    struct data *doc;                   /* owns the rest */
    const char *version;                /* of the list */
    const char *next;                   /* what the next page is asked for with; NULL: this is the last one */
    const struct data *items;           /* a list, or NULL: there are none */
};
bool kube_page_read(struct kube_page *to, struct sc_str text, struct sc_error *e);
void kube_page_fini(struct kube_page *p);

enum kube_event_kind { KUBE_CHANGED, KUBE_DELETED, KUBE_BOOKMARK, KUBE_ERROR };

/* One line of a watch. */
struct kube_event {
    struct data *doc;                   /* owns the rest */
    enum kube_event_kind kind;
    const struct data *object;          /* a slice with a name, of a change and a deletion */
    const char *version;                /* of the watch from here on; NULL with an error */
    bool expired;                       /* an error: what was asked for is too old, a list is needed */
    const char *message;                /* of an error */
};
bool kube_event_read(struct kube_event *to, struct sc_str line, struct sc_error *e);
void kube_event_fini(struct kube_event *e);

/* The message of a Status object; NULL when the text is none. To be freed. */
char *kube_status_message(struct sc_str text);
