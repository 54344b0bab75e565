/* discovery/providers/etcd_auth.h - the token of a registry whose users have passwords.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One for a registry: however many calls are refused, the password is sent once, since checking it is dear for etcd. Those
 * who need a token wait, and are told. Discovery thread. */
#pragma once

#include "base/list.h"
#include "loop/fetch.h"

struct etcd_auth;
struct registry_live;
struct rest;

/* Somebody who waits for a token. Embedded; list_init() its link. */
struct etcd_waiter {
    struct link link;
    void (*go)(struct etcd_waiter *w);                          /* there is one; no longer waits */
    void (*failed)(struct etcd_waiter *w, const char *text);    /* not yet; goes on waiting, unless it leaves */
};

struct etcd_auth *etcd_auth_new(struct registry_live *live, struct rest *rest);
void etcd_auth_free(struct etcd_auth **a);

/* Whether calls have to wait until there is a token; false without a user. */
bool etcd_auth_is_missing(const struct etcd_auth *a);
void etcd_auth_wait(struct etcd_auth *a, struct etcd_waiter *w);
void etcd_auth_leave(struct etcd_waiter *w);

/* Whether this refusal is about the token, in which case the one in use is given up, unless it is so new that it cannot be
 * at fault; `began` is when the call that was refused did. True: wait, or, if none is missing, call again. */
bool etcd_auth_refused(struct etcd_auth *a, unsigned status, const char *text, sc_msec began);
