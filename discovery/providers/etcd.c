/* discovery/providers/etcd.c - targets in etcd v3, followed by watches over its JSON gateway.
 * SPDX-License-Identifier: Apache-2.0
 *
 * etcd_watch.c follows the keys of a service, etcd_conf.c has the keys of the configuration. */
#include "discovery/providers/etcd.h"

#include "base/alloc.h"
#include "discovery/providers/etcd_auth.h"

#include <stdlib.h>

static const struct rest_conf *rest_conf_of(const struct registry_live *live)
{
    return &((const struct etcd_conf *)live->conf)->rest;
}

/* A member that has lost its cluster says so, and ends its watches, only to those who ask for a leader. */
static void etcd_open(struct registry_live *r)
{
    struct etcd_registry *state = xnew(struct etcd_registry);

    state->rest = rest_new(r, rest_conf_of, "Authorization: ", "Grpc-Metadata-hasleader: true");
    state->auth = etcd_auth_new(r, state->rest);
    r->state = state;
}

static void etcd_close(struct registry_live *r)
{
    struct etcd_registry *state = r->state;

    r->state = NULL;
    etcd_auth_free(&state->auth);
    rest_free(&state->rest);
    free(state);
}

const struct provider provider_etcd = {
    .name = "etcd",
    .summary = "Targets in etcd (3.4 or later), under `PREFIX/SERVICE/INSTANCE`, followed by watches over its JSON gateway. "
               "`ETCDCTL_ENDPOINTS`, `ETCDCTL_USER` and the like stand for keys that are not given.",
    .fields = etcd_fields, .conf_size = sizeof(struct etcd_conf),
    .source_fields = etcd_source_fields, .source_size = sizeof(struct etcd_source),
    .interval = 60000,
    .check = etcd_check, .check_source = etcd_check_source,
    .open = etcd_open, .close = etcd_close, .watch = etcd_watch, .unwatch = etcd_unwatch,
    .check_entry = etcd_check_entry, .say = etcd_say, .unsay = etcd_unsay,
};
