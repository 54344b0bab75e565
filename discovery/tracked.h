/* discovery/tracked.h - one service as the manager knows it: its sources, and the set in force.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread. source.c keeps the answers, build.c makes sets of them, publisher.c
 * decides when. */
#pragma once

#include "base/map.h"
#include "discovery/history.h"
#include "discovery/source.h"

struct prober;

enum { TRACKED_TARGETS_MAX = 65536, TRACKED_QUARANTINE_MAX = 100, TRACKED_GRACE = 1000 /* ms */ };

struct tracked {
    const struct discovery_service *conf;   /* of the plan in force */
    struct service_shared *shared;
    struct resolver *resolver;
    struct prober *prober;
    struct loop *loop;
    struct store *store;                    /* where answers are kept; NULL: nowhere */

    struct link sources;                    /* of struct source, in the order of the configuration */
    struct link leaving;                    /* those that a reload took away, until the ones in their place have answered */

    struct map updates;                     /* of each registry: uint64_t[SOURCE_UPDATES], counted on over reloads */

    struct link checks;                     /* health.c */
    struct map targets;                     /* by host, address and TLS; one reference each */
    uint64_t names;                         /* counts who names them: target.named */
    struct target_set *set;                 /* in force; never NULL */

    struct timer grace;                     /* for sources that say nothing while others do */
    unsigned index;                         /* in the plan */
    struct link news_at;                    /* in the publisher's list; on its own: it is shown as it is */
    bool dirty;                             /* the set does not show what is known */
    bool stale_status;                      /* nor does the status */
    struct timer ageing;                    /* aging.c */
    sc_msec built;                          /* when the set in force was made; 0: none yet */
    struct arena quarantine_arena;
    struct quarantined quarantine[TRACKED_QUARANTINE_MAX];
    unsigned nquarantined;                  /* all of them, the list is cut */
    struct service_status *status;
    struct history *history;
    char *news, *news_of;                   /* why the next set is another, and which registry that came from */

    /* The manager's: something became dirty. */
    void (*poke)(struct tracked *t);
    void *owner;
    uint64_t seen;                          /* the plan it was last part of */
};

struct tracked *tracked_new(const char *name, struct loop *loop, struct resolver *resolver, struct prober *prober);
void tracked_free(struct tracked **t);

/* conf is the service in the plan that now holds. What sources that are not in it any more said last stays in force until
 * the new ones have answered. */
void tracked_watch(struct tracked *t, const struct discovery_service *conf, struct registry_uses *registries);

/* Whether its sources are: source_is_ready(); one that says nothing does not keep others waiting for long. */
bool tracked_is_ready(const struct tracked *t);

/* Whether anybody has said who the targets are. */
bool tracked_has_answer(const struct tracked *t);

/* At the stop: what its files say is to be what is known now. */
void tracked_keep_last(struct tracked *t);

/* Why the set that is to be made is another one than before, in the words of the history. */
void tracked_news(struct tracked *t, const char *registry, const char *cause);
/* A set is to be made. */
void tracked_dirty(struct tracked *t);
/* A source said something, perhaps only that nothing is new: the status is to be made anew. */
void tracked_heard(struct tracked *t);
/* Before a set is made: what sources have said is in force where its names are known, and what the sources before a reload
 * said is not needed any more once those in their place have answered. */
void tracked_settle(struct tracked *t);
/* Where the updates of a registry are counted, by enum source_update. */
uint64_t *tracked_updates(struct tracked *t, const char *registry);

/* Makes the set anew of what is known. build.c */
void tracked_build(struct tracked *t);
/* The status as of now; a reference for the caller. describe.c */
struct service_status *tracked_status(struct tracked *t);
