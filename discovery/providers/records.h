/* discovery/providers/records.h - the content of one file of the file registry.
 * SPDX-License-Identifier: Apache-2.0
 *
 * YAML or JSON, one map: `users: [ {host, port, weight, zone, tags, meta, tls}, ... ]`. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "discovery/endpoint.h"

struct record_list {
    const struct endpoint *at;
    unsigned n;
};

struct records {
    struct arena arena;
    struct map services;            /* of struct record_list, by service */
};

/* The ending of `name` tells JSON; it also stands in messages. NULL with the first mistake ("FILE:LINE:COL: PATH: ...")
 * in e: a file counts whole or not at all. Keeps nothing of text. */
struct records *records_parse(const char *name, struct sc_str text, struct sc_error *e);
void records_free(struct records **r);

/* What the file says about a service; n = 0 when nothing. */
struct record_list records_of(const struct records *r, const char *service);
