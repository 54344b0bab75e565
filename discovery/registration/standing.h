/* discovery/registration/standing.h - how a service of this host is: what its check finds, or what it says itself.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread. */
#pragma once

#include "discovery/registration/enrol.h"
#include "discovery/probe.h"

struct registration_check_conf;

/* Embedded in its owner. */
struct standing {
    enum enrol_standing now;        /* ENROL_UNKNOWN: the first check has not ended */
    char *note;                     /* why; never NULL */
    /* Both are others than before, or the same once more. May free the owner at the end of the turn only. */
    void (*changed)(struct standing *s, enum enrol_standing was);
    /* From here on standing.c's. */
    struct loop *loop;
    struct prober *prober;
    const struct registration_check_conf *conf;     /* NULL: there is no check */
    struct enrol_check check;
    struct probe probe;
    struct timer again;             /* the next check; the end of the application's ttl */
};

void standing_init(struct standing *s, struct loop *loop, struct prober *prober,
                   void (*changed)(struct standing *s, enum enrol_standing was));
void standing_fini(struct standing *s);

/* By this check from now on (NULL: it is well while the process runs); what was thought of it stays until there is a
 * result. May call `changed` from inside. conf lives until standing_stop(), or until the same is given in its place. */
void standing_start(struct standing *s, const struct registration_check_conf *conf);
void standing_repoint(struct standing *s, const struct registration_check_conf *same);
void standing_stop(struct standing *s);

/* Whether the application is to say it itself. */
bool standing_is_told(const struct standing *s);
/* It does. */
void standing_tell(struct standing *s, enum enrol_standing now, const char *note);
