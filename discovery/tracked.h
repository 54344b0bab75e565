/* discovery/tracked.h - one service as the manager knows it: its watch, the last answer, the set in force.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread. tracked.c keeps the answers, build.c makes sets of them, manager.c decides
 * when. */
#pragma once

#include "base/map.h"
#include "discovery/provider.h"
#include "discovery/resolver.h"
#include "discovery/service.h"
#include "discovery/status.h"
#include "loop/loop.h"

/* A registry in use by at least one watch. */
struct registry_use {
    struct link link;
    struct registry_live live;
    const struct registry *conf;
    unsigned watches;
};

struct prober;

struct record {
    struct endpoint at;
    const char *wrong;              /* why no target can be made of it; NULL: fine */
    struct name_user name;          /* .name NULL: a numeric address or a socket */
    bool held;
    struct tracked *owner;
};

enum { TRACKED_TARGETS_MAX = 65536, TRACKED_QUARANTINE_MAX = 100 };

struct tracked {
    const struct discovery_service *conf;   /* of the plan in force */
    struct service_shared *shared;
    struct resolver *resolver;
    struct prober *prober;
    struct loop *loop;

    const struct provider *provider;
    struct registry_use *registry;          /* NULL: static */
    struct watch watch;
    bool watching;

    struct arena arena;                     /* of the records */
    struct record *records;
    unsigned nrecords;
    struct link held;                       /* what the last answer lacks and the shrink guard keeps; held.c */
    unsigned nheld, shown_held;             /* now; in the set in force */
    struct timer hold_end;
    struct link checks;                     /* health.c */
    struct map targets;                     /* by host, address and TLS; one reference each */
    struct target_set *set;                 /* in force; never NULL */

    bool dirty;                             /* the set does not show what is known */
    bool stale_status;                      /* nor does the status */
    sc_msec patience;                       /* names of the last answer are waited for until then */
    sc_msec built;                          /* when the set in force was made; 0: none yet */
    struct source_status source;            /* without what follows */
    sc_msec changed_wall;
    char *cause, *error;                    /* of the last change, of the last failure */
    struct arena quarantine_arena;
    struct quarantined quarantine[TRACKED_QUARANTINE_MAX];
    unsigned nquarantined;                  /* all of them, the list is cut */
    struct service_status *status;

    /* The manager's: something became dirty. */
    void (*poke)(struct tracked *t);
    void *owner;
    uint64_t seen;                          /* the plan it was last part of */
};

/* What this service's names may take before its targets are published without them. */
enum { TRACKED_PATIENCE = 5000 };

struct tracked *tracked_new(const char *name, struct loop *loop, struct resolver *resolver, struct prober *prober);
void tracked_free(struct tracked **t);

/* conf is the service in the plan that now holds. The last answer stays in force until the new source has given one. */
void tracked_watch(struct tracked *t, const struct discovery_service *conf, struct registry_use *registry);
void tracked_unwatch(struct tracked *t);

/* Whether the source has said something, if only that it fails, and every name in the answer was looked up once. */
bool tracked_is_ready(const struct tracked *t);

/* A set is to be made, and why. */
void tracked_changed(struct tracked *t, const char *cause);

/* A record of t as e says; its strings live in the arena. */
void record_init(struct tracked *t, struct arena *arena, struct record *r, const struct endpoint *e);
void record_fini(struct record *r);
/* Its addresses, without their port when they come from a name. `one` may hold the answer. build.c */
const struct address *record_addresses(const struct record *r, struct address *one, unsigned *n);
/* What the target is called. build.c */
const char *record_host(const struct endpoint *e);
/* The record of a member of t->held. held.c */
struct record *held_record(struct link *l);

/* Makes the set anew of what is known. build.c */
void tracked_build(struct tracked *t);
/* The status as of now; a reference for the caller. build.c */
struct service_status *tracked_status(struct tracked *t);
