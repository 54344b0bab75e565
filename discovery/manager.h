/* discovery/manager.h - the discovery thread: who the targets are, once for the process.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Owns every watch, resolves names (on helpers), builds target sets off the path of requests and publishes tables.
 * It never sees a configuration: a plan comes with an opaque tag, and so does every table made for it. */
#pragma once

#include "discovery/hands.h"
#include "discovery/service.h"
#include "discovery/status.h"
#include "discovery/snapshot/store.h"
#include "discovery/table.h"

struct discovery;
struct offload;

struct discovery_options {
    const char *node, *zone;        /* where this process runs; NULL: not said; copied */
    struct offload *offload;        /* for name look-ups and writing; must outlive the discovery */
    const char *state_dir;          /* where the last good answers are kept (store.h); NULL: nowhere; copied */
    sc_msec first_wait;             /* a plan's first table waits this long for services without an answer; 0: 5 s */
    void *arg;
    /* Discovery thread. A new table for the plan of `tag`: the first one of every plan, then one per change. The callee
     * owns the reference. */
    void (*on_table)(void *arg, void *tag, struct table *table);
    /* Discovery thread. Once, after discovery_withdraw(): none of this host's services is registered any more. */
    void (*on_withdrawn)(void *arg);
    /* Discovery thread. Nothing of that plan (its services, their keys, its tag) will be touched or mentioned again. */
    void (*on_release)(void *arg, void *tag);
};

/* Starts the thread. Control thread. */
struct discovery *discovery_start(const struct discovery_options *options);
/* Watch these from now on; what is not named is dropped, unchanged services keep sets, targets and counters. The array is
 * copied; the services themselves must live until on_release, and so must the list of struct registration_conf, which
 * says what of this host is to be registered (NULL: nothing). at_once: its first table waits for no answer of services
 * that have given none yet. Any thread. */
void discovery_plan(struct discovery *d, const struct discovery_service *const *services, unsigned n,
                    const struct sc_list *registrations, void *tag, bool at_once);
/* The listeners accept: from now on services of this host are registered. Any thread. */
void discovery_announce(struct discovery *d);
/* They are deregistered, for good; on_withdrawn follows when nobody finds them any more. Any thread. */
void discovery_withdraw(struct discovery *d);
/* How a service of this host is, as itself says; for a registration whose status says `by_application`, else it is lost.
 * The texts are copied. Any thread. */
void discovery_report(struct discovery *d, const char *id, enum enrol_standing standing, const char *note);
/* It is taken out of service, as people say: to the registry it is critical, with `why`, until this is said again with NULL.
 * For a registration that the status names, else it is lost. The texts are copied. Any thread. */
void discovery_maintain(struct discovery *d, const char *id, const char *why);
/* What somebody wants of a source, or does not want any more. Copies. Any thread. */
void discovery_hand(struct discovery *d, const struct hand_order *order);
/* Ends the thread and releases the last plan; until it returns, on_table may still be called. Tables may be given back
 * later. Before offload_free(). */
void discovery_stop(struct discovery **d);

/* What is known now; never NULL (empty before the first plan). The caller owns the reference. Any thread. */
struct discovery_status *discovery_status(struct discovery *d);
/* What has become of the files in state_dir so far. Any thread. */
void discovery_kept(struct discovery *d, struct store_counts *to);
