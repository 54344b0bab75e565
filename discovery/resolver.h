/* discovery/resolver.h - host names and the addresses behind them, kept fresh.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every name is looked up once for all who use it, on a helper thread, again every 30 seconds, sooner after a failure
 * (from one second on, doubling). The last good answer is kept. Discovery thread. */
#pragma once

#include "base/clock.h"
#include "base/list.h"
#include "discovery/address.h"

#include <stdbool.h>

struct loop;
struct name;
struct offload;
struct resolver;

enum {
    RESOLVER_INTERVAL = 30000,      /* ms */
    RESOLVER_RETRY = 1000,          /* ms; the first, doubling up to the interval */
    RESOLVER_ADDRESSES_MAX = 64,    /* of one name; more are left out */
};

/* Embedded in its owner. */
struct name_user {
    struct link link;
    struct name *name;
    void (*changed)(struct name_user *u);   /* the addresses, or the first answer of either kind; must not leave here */
};

struct resolver *resolver_new(struct loop *loop, struct offload *offload);
/* Nobody uses a name any more. Look-ups under way are cancelled: the loop has to turn once more. */
void resolver_free(struct resolver **r);

/* Starts the look-up unless the name is known. `changed` is never called from inside. */
void resolver_use(struct resolver *r, const char *host, struct name_user *u);
void resolver_leave(struct name_user *u);

/* Without port, in a fixed order; none before the first good answer. Valid until changed() or leave. */
const struct address *name_addresses(const struct name *n, unsigned *count);
/* Whether there was an answer of either kind. */
bool name_answered(const struct name *n);
/* Why the last look-up failed, or NULL. */
const char *name_error(const struct name *n);
