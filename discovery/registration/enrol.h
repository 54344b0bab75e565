/* discovery/registration/enrol.h - what is to be said to a registry about a service of this host, and when.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure: no clock, no sockets. One word at a time: enrol_next() says which, enrol_done() takes what became of it. */
#pragma once

#include "base/clock.h"
#include "discovery/backoff.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    ENROL_REFRESH = 5000,       /* ms: the registry hears this often that the service is still there */
    ENROL_LEASE = 15000,        /* ms: and believes it for so long after the last word */
};
#define ENROL_NEVER ((sc_msec)-1)

/* How a service is. */
enum enrol_standing { ENROL_UNKNOWN, ENROL_CRITICAL, ENROL_WARNING, ENROL_PASSING };
const char *enrol_standing_name(enum enrol_standing s);     /* "unknown" "critical" "warning" "passing" */

enum enrol_word {
    ENROL_SILENCE,
    ENROL_REGISTER,             /* the whole of it, with its standing */
    ENROL_REPORT,               /* its standing, to what is registered */
    ENROL_DEREGISTER,
    ENROL_LOOK,                 /* whether others still find it */
};

enum enrol_outcome {
    ENROL_DONE,                 /* of ENROL_LOOK: it is there */
    ENROL_NOT_THERE,            /* the registry answers, and does not know it */
    ENROL_FAILED,               /* nobody knows whether it was done */
    ENROL_REFUSED,              /* it was not done */
};

enum enrol_place {
    ENROL_OUT,
    ENROL_MAYBE,                /* it was said, and no answer came */
    ENROL_IN,
    ENROL_TAKEN_OUT,            /* deregistered; others may still see it */
    ENROL_GONE,                 /* and do so no more */
};
/* "out" "maybe" "registered" "deregistered" "gone" */
const char *enrol_place_name(enum enrol_place p);

/* Zeroed at first. */
struct enrol {
    bool leaving, changed;
    bool due;                           /* the registry is to hear of it although nothing changed */
    enum enrol_place place;
    enum enrol_standing now, told;      /* what is thought; what the registry was told last */
    enum enrol_word word;               /* under way */
    enum enrol_standing saying;         /* with it */
    sc_msec said;                       /* when it began */
    sc_msec pause, refresh;             /* nothing before; the next word that all is as it was */
    sc_msec out, gone;                  /* when it was first taken out; when those who look have seen it, too */
    unsigned looks;
    struct backoff backoff;
};

/* The word that is to be said now, which is under way from then on. With ENROL_SILENCE: how long until there may be one,
 * ENROL_NEVER: until something else happens. Monotonic ms. */
enum enrol_word enrol_next(struct enrol *e, sc_msec now, sc_msec *wait);
/* What became of the word under way. */
void enrol_done(struct enrol *e, enum enrol_outcome outcome, sc_msec now);

/* How it is from now on. What is ENROL_UNKNOWN is not registered yet. */
void enrol_is(struct enrol *e, enum enrol_standing s);
/* Why it is so is another matter than before, which the registry is to hear at once. */
void enrol_tell(struct enrol *e);
/* Its keys are others than before; registered again in one step, so that it is there all the while. */
void enrol_change(struct enrol *e);
/* It is to go. */
void enrol_leave(struct enrol *e);
/* It is to stay after all. */
void enrol_return(struct enrol *e);
/* It has been deregistered, has been seen to be gone, and that has had the time to reach those who saw it: as long again as
 * it took until we did, 300 ms at least. Or it never was there. */
bool enrol_is_over(const struct enrol *e, sc_msec now);

/* What so many results in a row say. Zeroed at first. */
struct enrol_check {
    bool known, good;
    int64_t streak;             /* results in a row that speak against it */
};

/* The first result decides at once, afterwards it takes `rise` or `fall` of them. True when `good` is another one, or known
 * for the first time. */
bool enrol_check_take(struct enrol_check *c, bool passed, int64_t rise, int64_t fall);
