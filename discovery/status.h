/* discovery/status.h - what discovery knows, for those who ask (the admin thread).
 * SPDX-License-Identifier: Apache-2.0
 *
 * Immutable snapshots; any thread may read, take and drop references. Times "wall" are milliseconds since 1970, times
 * "mono" those of clock_mono_ms(); 0 = never. */
#pragma once

#include "base/clock.h"
#include "discovery/registration/enrol.h"
#include "discovery/freshness.h"
#include "discovery/history.h"
#include "discovery/set.h"

/* What an update brought: other targets, the same ones, or no answer that can be used. */
enum source_update { UPDATE_CHANGED, UPDATE_SAME, UPDATE_FAILED, SOURCE_UPDATES };
/* What somebody wants of a source for a while. */
enum source_hand { HAND_NONE, HAND_FREEZE, HAND_PIN, HAND_FAIL };

struct source_status {
    const char *registry;           /* its name in the configuration; "targets" for static ones */
    const char *type;               /* "static", "file", ... */
    bool answered;                  /* at least once */
    bool failing;                   /* the last attempt did not succeed */
    bool held;                      /* the shrink guard keeps targets that the last answer lacks */
    bool serves;                    /* it has targets that may get traffic */
    int64_t weight;                 /* among the sources of the service */
    bool recalled;                  /* the targets are those of its snapshot: there was no answer yet */
    sc_msec interval;               /* contact is expected this often; 0: static */
    uint64_t index;
    uint64_t updates[SOURCE_UPDATES];   /* how many there were of this registry for this service, over reloads */
    sc_msec live_mono;              /* when it was last known to be live */
    sc_msec contact_wall;
    struct { sc_msec wall; const char *cause; } last_change;
    const char *last_error;         /* NULL: none since the last success */
    struct {
        sc_msec wall;               /* when the source of the file found at the start was live; 0: there was none */
        const char *refused;        /* why it was not believed; NULL: it was */
    } snapshot;
    struct {
        enum source_hand kind;
        sc_msec since_mono, until_wall;
        const char *by;             /* who; NULL with HAND_NONE */
    } hand;
};

struct quarantined {
    const char *record, *reason;
};

struct service_status {
    atomic_uint refs;
    struct arena arena;
    const char *name;
    struct target_set *set;         /* the one in force; never NULL */
    struct history *history;        /* a reference; goes on beyond this status */
    unsigned nsources, nquarantined, nquarantined_all;  /* the list is cut at a limit, _all counts the rest too */
    const struct source_status *sources;
    const struct quarantined *quarantined;
};

/* A service of this host in a registry. */
struct registration_status {
    const char *id, *name, *registry;
    uint16_t port;
    enum enrol_place place;         /* what the registry knows of it */
    bool leaving;
    bool by_application;            /* it says itself how it is: discovery_report() */
    enum enrol_standing standing;   /* what its check says */
    enum enrol_standing told;       /* what the registry was told last */
    const char *note;               /* why its check says so */
    const char *maintenance;        /* why it is out of service, as people said; NULL: it is not */
    sc_msec contact_wall;           /* when the registry last took a word */
    const char *last_error;         /* NULL: it took the last one */
};

struct registration_list {
    atomic_uint refs;
    struct arena arena;
    unsigned n;
    struct registration_status at[];
};

struct discovery_status {
    atomic_uint refs;
    uint64_t version;               /* of the newest table: it shows nothing that is not here */
    struct registration_list *registrations;
    unsigned n;
    struct service_status *services[];      /* in the order of the plan */
};

/* Both zeroed, to be filled in by whoever makes them (the discovery thread's board); one reference for the caller, and one
 * taken of the list. */
struct registration_list *registration_list_new(unsigned n);
void registration_list_unref(struct registration_list **l);
struct discovery_status *discovery_status_new(unsigned n, struct registration_list *registrations);

/* live: the last attempt succeeded and contact is within twice the interval. */
enum source_mode source_mode_at(const struct source_status *s, sc_msec now_mono);
/* ms since it was last live, or since somebody froze or pinned it; 0 while live, and when it never was. */
sc_msec source_age_at(const struct source_status *s, sc_msec now_mono);
/* Whether it has said who the targets are, by itself or by its snapshot. */
static inline bool source_knows(const struct source_status *s)
{
    return s->answered || s->recalled;
}

/* The service of that name, or NULL. */
const struct service_status *discovery_status_find(const struct discovery_status *s, struct sc_str name);
struct service_status *service_status_ref(struct service_status *s);
void service_status_unref(struct service_status **s);
void discovery_status_unref(struct discovery_status **s);
