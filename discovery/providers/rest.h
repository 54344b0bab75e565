/* discovery/providers/rest.h - what the registries that are asked over HTTP have in common.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A list of addresses, a token, certificates; calls one after the other, again after a failure with a growing pause. What
 * is asked and what an answer means is the provider's. Discovery thread, but for rest_conf.c, which keeps nothing. */
#pragma once

#include "base/buf.h"
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
/* token_field: "Name: ", what comes before the token; field: a whole one that goes with every call, or NULL. Literals. */
struct rest *rest_new(struct registry_live *live, const struct rest_conf *(*conf_of)(const struct registry_live *live),
                      const char *token_field, const char *field);
void rest_free(struct rest **r);
/* Whether there are more callers than may call at once: then nobody should keep a connection for long. */
bool rest_is_crowded(const struct rest *r);

/* Sent in place of the configured token from the next call on; NULL: that one again. */
void rest_set_token(struct rest *r, const char *token);

/* A call to be made; zeroed, the buffers are rest.c's to free. */
struct rest_ask {
    struct buf path;                /* with the query */
    struct buf body;                /* JSON, by POST; empty: GET */
    sc_msec timeout;                /* for all of it; 0 with `until`: none */
    bool stream;                    /* the answer is read while it is open */
    sc_msec first, idle, until;     /* as in struct fetch_request */
};

/* How a call went: well, and the next one comes after `pause`, or when rest_again() says so. Or it has failed. */
struct rest_verdict {
    bool ok, wait;
    sc_msec pause;
    char error[256];
};

/* The calls of one watch, one at a time, for ever. Embedded in the watch's state, zero-initialised, and filled in: */
struct rest_caller {
    struct rest *rest;
    struct watch *watch;            /* NULL: a call that is no watch's own */
    void (*ask)(struct rest_caller *c, struct rest_ask *to);
    /* An answer with status 200, or the end of one that came in pieces. Not ok: as if the call had failed. */
    void (*answered)(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v);
    /* A piece of an open answer, cut anywhere; an empty one says that it is open. True: go on reading; false: it is over,
     * as v says. */
    bool (*piece)(struct rest_caller *c, struct sc_str piece, struct rest_verdict *v);
    /* An answer with another status. False: it is a failure like any other. May be NULL. */
    bool (*refused)(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v);
    /* It failed: everywhere, as watch_failed() will be told; NULL: the next address is asked. May be NULL. */
    void (*failed)(struct rest_caller *c, const char *text);
    /* From here on rest.c's. */
    struct link link;               /* among those whose turn has not come, or those who call */
    bool waits;                     /* for rest_again(), and takes no turn meanwhile */
    bool alone;                     /* the call began when there was room for everybody, and may be a long one */
    struct fetch *fetch;
    struct timer again;
    struct backoff backoff;
    sc_msec began, heard;           /* the call under way; its last piece */
    unsigned address, tried;        /* of the call under way; addresses in a row that did not do */
};

/* One call of its own: takes no turn and is not repeated. It goes to the first address, because an agent knows the services
 * of its own host only. Embedded, zero-initialised. */
struct rest_order {
    struct rest *rest;
    bool anywhere;                  /* to the address that answered last instead; one that does not answer is left */
    void (*done)(struct rest_order *o, const struct fetch *f);      /* may order again */
    struct fetch *fetch;            /* from here on rest.c's */
    unsigned address;
};
/* body: of another method than GET. Not while one is under way. */
void rest_order(struct rest_order *o, const char *method, const char *path, struct sc_str body, sc_msec timeout);
/* Without a `done`; harmless when none is under way. */
void rest_order_stop(struct rest_order *o);
/* "HTTP 403: Permission denied", or why there is no answer. */
void rest_describe(const struct fetch *f, char *to, size_t size);

void rest_start(struct rest_caller *c);
/* After a verdict that waits: the next call, in its turn. */
void rest_again(struct rest_caller *c);
/* The memory must stay until the end of the turn (loop_free_later). */
void rest_stop(struct rest_caller *c);
