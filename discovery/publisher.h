/* discovery/publisher.h - when the sets of the services of a plan are built, and what goes out of them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread, where nothing else is said. Whatever happens (an answer, a name, a plan) makes a
 * service news; once per turn of the loop those are looked at: their sets are built, they are put onto the board and, if a
 * set changed, into a table that shares all others with the one before. */
#pragma once

#include "base/clock.h"
#include "discovery/status.h"
#include "discovery/table.h"

struct announcer;
struct loop;
struct publisher;
struct tracked;

struct publisher_options {
    struct loop *loop;
    const struct announcer *announcer;  /* its registrations are part of the status; until publisher_close() */
    sc_msec first_wait;                 /* a plan's first table waits this long for services without an answer */
    void *arg;
    void (*on_table)(void *arg, void *tag, struct table *table);    /* as in manager.h */
};

struct publisher *publisher_new(const struct publisher_options *options);
/* These services from now on, in this order; the array is the publisher's. Their first table is owed; at_once: it waits for
 * no first answer. */
void publisher_plan(struct publisher *p, struct tracked **order, unsigned n, void *tag, bool at_once);
/* The service, of the plan or of one to come, is not shown as it is. */
void publisher_news(struct publisher *p, struct tracked *t);
/* How the registrations are is not what the status shows. */
void publisher_registrations_changed(struct publisher *p);
/* Nothing goes out any more; tables that are out come in no more. */
void publisher_close(struct publisher *p);
/* After publisher_close(). Any thread. */
void publisher_free(struct publisher **p);

/* As discovery_status(). Any thread, until publisher_free(). */
struct discovery_status *publisher_status(struct publisher *p);
