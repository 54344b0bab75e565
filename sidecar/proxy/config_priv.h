/* sidecar/proxy/config_priv.h - what the files of the configuration share.
 * SPDX-License-Identifier: Apache-2.0
 *
 * config_fields.c: the tables; config_values.c: keys that no type of field.h reads; config_check.c, config_admin.c: what
 * must agree with something else; config.c: the order of it all. Control thread. */
#pragma once

#include "conf/load.h"
#include "proxy/config.h"

bool config_load_workers(struct conf_load *l, const struct node *at, void *to);
bool config_load_retry_on(struct conf_load *l, const struct node *at, void *to);
bool config_load_statuses(struct conf_load *l, const struct node *at, void *to);
bool config_load_defaults(struct conf_load *l, const struct node *at, void *to);
void config_print_workers(const void *value, struct buf *out);
void config_print_retry_on(const void *value, struct buf *out);
void config_print_statuses(const void *value, struct buf *out);

/* `root`: the map that `c` was loaded from, defaults merged in. Fills what follows from other keys, reports what does not
 * agree, and drops what is not enabled. */
void config_link(struct config *c, struct conf_load *l, const struct node *root);
/* `item`: the map that `s` was loaded from. What must agree with something else in it, or with the registries. */
void config_link_service(const struct config *c, struct conf_load *l, struct service_conf *s, const struct node *item);
/* `defaults.service` or `defaults.route` of what was read; NULL: none. */
const struct node *config_defaults(struct arena *a, const struct node *root, const char *key);
/* Of these, the admin section. */
void config_link_admin(struct config *c, struct conf_load *l, const struct node *root);
/* The i-th item of a list that may have been given as one item. */
const struct node *config_item(const struct node *list, unsigned i);
