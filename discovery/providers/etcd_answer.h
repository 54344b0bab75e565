/* discovery/providers/etcd_answer.h - what etcd's JSON gateway says, read strictly.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure. Numbers of 64 bits come as strings, keys and values in base64, fields that are zero not at all. What lacks a header
 * is no answer of etcd and is refused whole; a single value that makes no sense is marked, and touches no other. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* A key as it is, or as it has become. */
struct etcd_event {
    struct sc_str key, value;       /* bytes */
    uint64_t revision;              /* that made it so */
    bool deleted;
    bool garbled;                   /* the value is not base64 */
};

struct etcd_events {
    struct etcd_event *at;
    unsigned n;
};

/* Of /v3/kv/range. */
struct etcd_range {
    struct arena arena;             /* owns all that follows */
    uint64_t cluster, revision;     /* of the store when it was read; > 0 */
    struct etcd_events events;      /* none of them deleted */
};
/* False with the reason in e; *to then holds nothing. */
bool etcd_range_read(struct etcd_range *to, struct sc_str text, struct sc_error *e);
void etcd_range_fini(struct etcd_range *r);

enum etcd_kind {
    ETCD_CREATED,                   /* the watch is there */
    ETCD_CHANGES,
    ETCD_PROGRESS,                  /* everything up to the revision was said */
    ETCD_COMPACTED,                 /* the history that was asked for is gone, and the watch with it */
    ETCD_CANCELED,                  /* the watch is gone; text says why */
    ETCD_FAILED,                    /* the stream is; text says why */
};

/* One line of /v3/watch. */
struct etcd_record {
    struct arena arena;
    enum etcd_kind kind;
    uint64_t cluster, revision;     /* 0: not said */
    bool fragment;                  /* the rest of these changes is in the records that follow */
    const char *text;               /* NULL but for CANCELED and FAILED */
    struct etcd_events events;
};
bool etcd_record_read(struct etcd_record *to, struct sc_str line, struct sc_error *e);
void etcd_record_fini(struct etcd_record *r);

/* Of a single call: of a lease, a put, a range of one key. */
struct etcd_reply {
    uint64_t lease, ttl;            /* seconds; both 0: no such lease, or none was asked for */
    bool found;                     /* a range: there is a key */
    uint64_t holder;                /* and this is its lease; 0: it has none */
};
bool etcd_reply_read(struct etcd_reply *to, struct sc_str text, struct sc_error *e);

/* The token in an answer of /v3/auth/authenticate, which stands in `a`; NULL with the reason in e. */
const char *etcd_token_read(struct arena *a, struct sc_str text, struct sc_error *e);
/* What an error says, in the words of 3.4 or 3.5; NULL when it is none of etcd's. In `a`. */
const char *etcd_error_read(struct arena *a, struct sc_str text);
