/* discovery/provider.h - the interface between the manager and a kind of registry.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A provider is one file in providers/ that ends in one table, and one row in provider.c. It says the whole truth each
 * time, never a delta; deltas, duplicates, bad records, name look-ups and publishing are the manager's, once, for all.
 * Discovery thread only; nothing here may block. */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "conf/field.h"
#include "discovery/endpoint.h"
#include "discovery/registration/enrol.h"

#include <stdint.h>

struct conf_load;
struct curlmux;
struct loop;
struct node;
struct provider;
struct registration_conf;

/* A registry in use: what the watches and entries of one registry may share. */
struct registry_live {
    const char *name;
    const struct provider *provider;
    const void *conf;               /* the provider's keys; may be replaced by an equal value at a reload */
    struct loop *loop;
    struct curlmux *curl;
    const char *node, *zone;        /* where we are; NULL: not said */
    void *state;                    /* the provider's own */
};

/* One service of one registry; the manager owns it. */
struct watch {
    const char *service;            /* the service's name, for messages */
    const void *conf;               /* the keys of its source; may be replaced by an equal value at a reload */
    struct registry_live *registry; /* NULL for static targets */
    struct loop *loop;
    /* The provider sets these, before it reports: the registry's version of the answer, for the status; why the registry
     * itself says that its answer may be wrong or old (a literal; NULL: it does not). */
    uint64_t index;
    const char *doubt;
    sc_msec interval;               /* as in struct provider, which it begins with */
    void *state;                    /* the provider's own */
};

/* One service of this host in one registry; the manager owns it. */
struct entry {
    struct registry_live *registry;
    const struct registration_conf *conf;   /* NULL when it leaves */
    const char *id, *name;                  /* of the instance in all of the registry; of the service */
    const char *instance;                   /* of the instance within its service */
    enum enrol_standing standing;           /* to be said */
    bool maintenance;                       /* it is critical because people say so */
    const char *note;                       /* why, for people */
    /* What became of the word; error: why not, NULL unless it is ENROL_FAILED or ENROL_REFUSED. */
    void (*done)(struct entry *e, enum enrol_outcome outcome, const char *error);
    void *state;                            /* the provider's own; NULL at first */
};

struct provider {
    const char *name, *summary;
    const struct sc_field *fields;          /* of the registry, `type` aside */
    size_t conf_size;
    const struct sc_field *source_fields;   /* of a service's source, `registry` aside */
    size_t source_size;
    sc_msec interval;                       /* an answer or watch_contact is expected at least this often; 0: never again */
    /* Control thread, after the keys were read (may be NULL): relations between them, the environment's defaults. Reports
     * mistakes through load_error(); false after one. */
    bool (*check)(struct conf_load *load, const struct node *at, void *conf);
    bool (*check_source)(struct conf_load *load, const struct node *at, void *conf);
    /* Before the first watch and after the last one of a registry; may be NULL. */
    void (*open)(struct registry_live *r);
    void (*close)(struct registry_live *r);
    /* May report at once, from inside. */
    void (*watch)(struct watch *w);
    void (*unwatch)(struct watch *w);
    /* Control thread: whether a service of this host can be registered as it is configured. May be NULL. */
    bool (*check_entry)(struct conf_load *load, const struct node *at, const struct registration_conf *c);
    /* Both NULL: services of this host cannot be registered. Says one word; `done` comes later, never from inside, and
     * before it no other word. unsay: neither a `done` nor another word; gives the state back. */
    void (*say)(struct entry *e, enum enrol_word word);
    void (*unsay)(struct entry *e);
};

/* All of them, static targets aside; NULL ends the list. */
extern const struct provider *const providers[];
const struct provider *provider_find(struct sc_str name);
/* For the services that state their targets themselves; its watch->conf is a struct sc_list of endpoint_conf. */
extern const struct provider provider_static;

/* All targets of the service as of now; copied. cause: a word or two for the status ("file changed"), copied. True when it
 * is not what was said before. */
bool watch_report(struct watch *w, const struct endpoint *all, unsigned n, const char *cause);
/* The registry answers, and nothing but perhaps the index changed. */
void watch_contact(struct watch *w);
/* It does not, or not in a way that can be used; the last answer stays in force. */
void watch_failed(struct watch *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
