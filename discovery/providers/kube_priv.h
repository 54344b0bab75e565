/* discovery/providers/kube_priv.h - one service that is followed, and what its parts need of each other.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside of kube_watch.c (its life, lists, reports), kube_ask.c (what is asked) and kube_events.c (what a watch says). */
#pragma once

#include "discovery/providers/kube_watch.h"
#include "discovery/providers/lines.h"

enum {
    KUBE_SIZE_MAX = 200000,         /* slices and endpoints of one service */
};

/* How new a list must be. */
enum kube_freshness { LIST_ANY, LIST_NOT_OLDER, LIST_NEWEST };

struct kube_watch {
    struct rest_caller caller;
    struct watch *watch;
    bool watching;                  /* the next call is a watch, not a page of a list */
    bool beta;                      /* discovery.k8s.io/v1beta1 */
    bool switched;                  /* from one version of the group to the other, in vain so far */
    enum kube_freshness freshness;
    unsigned relists, quick;        /* in a row */
    char *version;                  /* of what is known; NULL: nothing is */
    char *next;                     /* the page that comes next; NULL: the first */
    unsigned pages;
    bool asks;                      /* the service has a name that can be asked for */
    struct kube_slices slices, coming;      /* what is known; the pages so far */
    struct lines lines;
    struct kube_merged merged;
    struct timer report;
    sc_msec reported;
};

static inline struct kube_watch *kube_watch_of(struct rest_caller *c)
{
    return list_entry(c, struct kube_watch, caller);
}

static inline bool kube_is_too_much(const struct kube_slices *s)
{
    return s->size > KUBE_SIZE_MAX;
}

/* kube_ask.c. What the service is called there; the next call. */
const char *kube_service_of(const struct watch *w);
void kube_ask(struct rest_caller *c, struct rest_ask *to);

/* kube_events.c. A piece of a watch, and its end. */
bool kube_piece(struct rest_caller *c, struct sc_str piece, struct rest_verdict *v);
void kube_end_watch(struct kube_watch *k, struct rest_verdict *v);
/* What was known is too old, or of another history: a list after a pause. */
void kube_expire(struct kube_watch *k, enum kube_freshness freshness, struct rest_verdict *v);

/* kube_watch.c. Of what is known from here on. */
void kube_set_version(struct kube_watch *k, const char *version);
/* A version is a word of the server's; where it is a number, and it is one everywhere, it grows. 0: it is none. */
uint64_t kube_number_of(const char *version);
struct kube_slice *kube_read_slice(const struct kube_watch *k, const struct data *object);
void kube_report_soon(struct kube_watch *k);
/* What follows is a list, its first page first. */
void kube_list_again(struct kube_watch *k, enum kube_freshness freshness);
void kube_refuse(struct rest_verdict *v, const char *text);
