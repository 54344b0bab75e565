/* discovery/providers/rest.h - what the registries that are asked over HTTP have in common.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A list of addresses, a token, certificates; calls one after the other, again after a failure with a growing pause. What
 * is asked and what an answer means is the provider's. Discovery thread, but for rest_conf.c, which keeps nothing. */
#pragma once

#include "discovery/backoff.h"
#include "discovery/provider.h"
#include "loop/fetch.h"
#include "loop/loop.h"

struct rest_conf {
    struct sc_strings address;
    struct sc_secret token;
    const char *ca, *ca_path, *certificate, *key, *server_name;
    bool verify;
    int64_t max_connections;
};

/* The rows of these keys in a provider's table; S is its struct, which has a `struct rest_conf rest`. */
extern const struct sc_field rest_fields[];

/* rest_conf.c. After loading: addresses that can be used, a token that fits into a field, certificate and key together. */
bool rest_check(struct conf_load *load, const struct node *at, const struct rest_conf *c);
/* Whether a word can stand in a URL or a field as it is: visible ASCII. */
bool rest_is_plain(const char *text);
/* Text with all but unreserved characters escaped (RFC 3986 2.1); the same as "?NAME=VALUE" or "&NAME=VALUE". */
void rest_add_escaped(struct buf *to, const char *text);
void rest_add_query(struct buf *to, const char *name, const char *value);

/* Where a call goes: "https://host:1/x/" and "/v1/y" make "https://host:1/x/v1/y". With a name for the certificate that
 * stands in the URL, and the host in connect_to. */
struct rest_place {
    char *url, *connect_to;             /* as in struct fetch_request */
    const char *socket;                 /* part of the address */
};
struct rest_place rest_place(const char *address, const char *server_name, const char *path);
void rest_place_fini(struct rest_place *p);

/* What all watches of one registry share. */
struct rest;
struct rest *rest_new(struct registry_live *live, const struct rest_conf *(*conf_of)(const struct registry_live *live),
                      const char *token_field);
void rest_free(struct rest **r);
/* Whether there are more callers than may call at once: then nobody should keep a connection for long. */
bool rest_is_crowded(const struct rest *r);

/* How one call went on: again after `pause`, or it has failed. */
struct rest_verdict {
    bool ok;
    sc_msec pause;
    char error[256];
};

/* The calls of one watch, one at a time, for ever. Embedded in the watch's state, zero-initialised, and filled in: */
struct rest_caller {
    struct rest *rest;
    struct watch *watch;
    /* Puts the path and query of the next call into `to` and returns how long it may take. */
    sc_msec (*ask)(struct rest_caller *c, struct buf *to);
    /* An answer with status 200. Not ok: as if the call had failed. */
    void (*answered)(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v);
    /* It failed; watch_failed() was or will be called. May be NULL. */
    void (*failed)(struct rest_caller *c);
    /* From here on rest.c's. */
    struct link link;               /* among those whose turn has not come, or those who call */
    bool alone;                     /* the call began when there was room for everybody, and may be a long one */
    struct fetch *fetch;
    struct timer again;
    struct backoff backoff;
    sc_msec began;                  /* the call under way */
    unsigned address, tried;        /* of the call under way; addresses in a row that did not do */
};

void rest_start(struct rest_caller *c);
/* The memory must stay until the end of the turn (loop_free_later). */
void rest_stop(struct rest_caller *c);
