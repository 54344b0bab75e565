/* discovery/registration/announce.h - the services of this host, kept registered while the process runs.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/. enrol.h says what is to be said and when; here are the clock, the checks, and those who say it.
 * Discovery thread. */
#pragma once

#include "conf/field.h"
#include "discovery/registration/enrol.h"
#include "loop/loop.h"

struct announcer;
struct arena;
struct prober;
struct registration_status;
struct registry;
struct registry_use;

struct announcer_hooks {
    void *arg;
    struct registry_use *(*registry)(void *arg, const struct registry *conf);
    void (*changed)(void *arg);     /* the status is another one */
    void (*gone)(void *arg);        /* some have gone, and left their registries; not from inside a call */
};

struct announcer *announcer_new(struct loop *loop, struct prober *prober, const struct announcer_hooks *hooks);
/* Says nothing more to anybody. */
void announcer_free(struct announcer **a);

/* These (struct registration_conf) from now on. One is the same as before when registry and id have the same names; it then
 * keeps its place, whatever else changed. What is no longer named leaves, and is forgotten when it is gone, or after half a
 * minute. NULL: none. The list stays valid until the next call. */
void announcer_plan(struct announcer *a, const struct sc_list *registrations);
/* Nothing is said before this. */
void announcer_begin(struct announcer *a);
/* All leave, and nobody comes any more. */
void announcer_withdraw(struct announcer *a);
/* None is left. */
bool announcer_is_empty(const struct announcer *a);

/* What the application itself says, where the check is of type ttl; else nothing happens. In every registry where it has
 * this id. */
void announcer_report(struct announcer *a, const char *id, enum enrol_standing s, const char *note);
/* Out of service, because people say so: critical to the registry whatever its check says. Until `why` is NULL; it survives
 * plans. In every registry where it has this id. */
void announcer_maintain(struct announcer *a, const char *id, const char *why);

unsigned announcer_count(const struct announcer *a);
/* announcer_count() of them; strings go into the arena. */
void announcer_status(const struct announcer *a, struct arena *arena, struct registration_status *to);
