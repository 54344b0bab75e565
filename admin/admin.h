/* admin/admin.h - what operators see of the process: what it is told, its thread.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The admin thread answers /health, /version and the rest on its own listeners. It never blocks and never touches what
 * belongs to workers: all it knows comes from struct admin_state and from the published state of discovery. */
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "discovery/registration/enrol.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct config;
struct discovery_status;
struct store_counts;
struct hand_order;
struct admin_conf;                      /* proxy/config.h */
struct metrics;
struct order;
struct plan;
struct reserved_ask;                    /* proxy/reserved.h */
struct writer;

/* What control knows, at one moment. */
struct admin_facts {
    bool started;                       /* listeners are open and first targets were there once */
    bool listening;                     /* all listeners accept */
    bool targets;                       /* a first table of targets is in use */
    bool draining;                      /* a stop has begun */
    unsigned workers, stalled;          /* event loops, and those of them that have not turned for too long */
    uint64_t generation;                /* of the configuration in use; 0 = none yet */
    uint64_t in_flight;                 /* requests now */
    sc_msec started_wall_ms;            /* when the process started */
    sc_msec loaded_wall_ms;             /* when the configuration in use was read */
    bool reload_failed;                 /* it was to be read again, and the last time that failed */
};

struct admin_version {
    const char *name, *value;           /* "libcurl", "7.88.1" */
};

/* Filled by control; copied by admin_start, node and zone with their text. Callbacks run on the admin thread, any time
 * between admin_start and admin_stop, and must not block. */
struct admin_state {
    void *arg;
    void (*facts)(void *arg, struct admin_facts *f);
    const char *node, *zone;            /* zone may be NULL */
    const char *version;                /* of the program */
    const struct admin_version *libraries;      /* ends with a NULL name */
    const char *const *degraded;        /* sentences: what these libraries cannot do; ends with NULL; may be NULL */
    /* What discovery knows, a reference for the caller (discovery_status() of discovery/manager.h); NULL: nothing yet. */
    struct discovery_status *(*services)(void *arg);
    void (*hand)(void *arg, const struct hand_order *o);    /* discovery_hand() */
    void (*kept)(void *arg, struct store_counts *to);   /* discovery_kept(); NULL: nothing is kept */
    /* What control is asked to do: it returns at once. reload: admin/order.h. */
    void (*drain)(void *arg);
    void (*reload)(void *arg, struct order *o);
    /* Of services of this host (discovery_report(), discovery_maintain() of discovery/manager.h). The texts are copied. */
    void (*report)(void *arg, const char *id, enum enrol_standing standing, const char *note);
    void (*maintain)(void *arg, const char *id, const char *why);
    /* Filled by admin_start: the group whose members may do everything on unix sockets. */
    bool has_group;
    gid_t group;
    struct config *(*config)(void *arg);        /* in force, or about to be; a reference for the caller; NULL: none yet */
    /* The plan that was made last, a reference for the caller; NULL: none yet. */
    struct plan *(*plan)(void *arg);
    struct metrics *metrics;            /* of tally_metrics_new(); outlives the admin */
    struct writer *writer;              /* likewise */
};

struct admin;

/* Opens the listeners ("unix:/path", "host:port", "[v6]:port") and starts the thread. A default address that cannot be
 * bound is a warning; a stated one makes this NULL with *e set. Control thread. */
struct admin *admin_start(const struct admin_conf *conf, const struct admin_state *state, struct sc_error *e);
/* The admin socket of this process when none is stated: "unix:" and $RUNTIME_DIRECTORY/admin.sock, as root
 * /run/outrider/admin.sock, else $XDG_RUNTIME_DIR/outrider/admin.sock; NULL: no such place. To be freed by the caller. */
char *admin_default_socket(void);
#define ADMIN_DEFAULT_ADDRESS "127.0.0.1:8001"
/* Answers a question of a data listener. Any thread, until admin_stop(). */
void admin_ask(struct admin *a, struct reserved_ask *q);
/* Closes the listeners (and removes the sockets it made), ends the thread. Takes NULL. */
void admin_stop(struct admin **a);
