/* discovery/providers/etcd.h - a registry that is etcd: its keys in the configuration, and what its watches share.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/providers/etcd*.c only. */
#pragma once

#include "discovery/providers/rest.h"

struct etcd_auth;

enum {
    ETCD_ANSWER_TIME = 10000,       /* ms; a member without a leader takes seven to say so */
    ETCD_INTERVAL_MIN = 5000,
};

struct etcd_conf {
    struct rest_conf rest;
    const char *prefix, *user;
    struct sc_secret password;
    sc_msec wait;
};

struct etcd_source {
    const char *service;
};

/* state of a registry_live. */
struct etcd_registry {
    struct rest *rest;
    struct etcd_auth *auth;
};

/* etcd_watch.c */
void etcd_watch(struct watch *w);
void etcd_unwatch(struct watch *w);

/* etcd_conf.c */
extern const struct sc_field etcd_fields[], etcd_source_fields[];
bool etcd_check(struct conf_load *load, const struct node *at, void *conf);
bool etcd_check_source(struct conf_load *load, const struct node *at, void *conf);
/* etcd_say.c, of struct provider. */
bool etcd_check_entry(struct conf_load *load, const struct node *at, const struct registration_conf *c);
void etcd_say(struct entry *e, enum enrol_word word);
void etcd_unsay(struct entry *e);
/* "/services/NAME/", to be freed. */
char *etcd_prefix_of(const struct watch *w);
