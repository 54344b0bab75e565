/* sidecar/proxy/naming.h - requests whose path names their service, and those that wait for it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A service that no plan has is asked of control, which makes a plan that has it (proxy/named.h). Who asked waits for that
 * plan, and for its registry's first answer, until the total time of the route is over. Worker's thread. */
#pragma once

#include "base/list.h"

#include <stdbool.h>

struct plan_service;
struct sc_exchange;
struct sc_worker;

enum naming { NAMING_KNOWN, NAMING_WAIT, NAMING_REFUSED, NAMING_FULL };

/* Reads the name in the path of an exchange whose route is found. False: it is no name, or none that the route allows. */
bool naming_begin(struct sc_exchange *x);
/* Its service, when it is known; again after NAMING_WAIT, when flow_run comes. */
enum naming naming_enter(struct sc_exchange *x);
/* Waits no longer. Harmless when it does not. */
void naming_leave(struct sc_exchange *x);

/* The worker has a new view: whoever waits looks again. */
void naming_wake(struct sc_worker *w);
/* Control does not make this one (NAME@REGISTRY). */
void naming_refuse(struct sc_worker *w, const char *key, enum naming why);
