/* discovery/source.h - one source of a service: its watch, its last answer, the names in it, how fresh it is.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread. A service has one source or several; each follows its registry, is late and is
 * guarded by itself. Its service (tracked.h) makes one set of what all of them say. */
#pragma once

#include "base/list.h"
#include "discovery/answer.h"
#include "discovery/registry_use.h"
#include "discovery/service.h"
#include "discovery/status.h"
#include "discovery/snapshot/store.h"
#include "loop/loop.h"

struct source;
struct tracked;

struct source {
    struct link link;               /* of tracked.sources or tracked.leaving */
    struct tracked *owner;
    const struct source_conf *conf; /* of the plan in force; NULL: the targets that the service states itself */
    int64_t weight;                 /* source_conf.weight */
    bool serves;                    /* it has targets in the set in force that may get traffic */
    const struct provider *provider;
    struct registry_use *registry;  /* NULL: static, or not watched any more */
    struct watch watch;
    bool watching;

    struct answer *now;             /* in force; never NULL */
    struct answer *next;            /* its names are being looked up, or the source is frozen; NULL: none */
    struct answer *pinned;          /* in force in the place of `now`; NULL: not pinned */
    uint64_t hand;                  /* who has it in hand: struct hand; 0: nobody */
    char *by;                       /* its name, status.hand.by */
    struct timer patience;          /* they are waited for until then */
    struct link held;               /* what the one in force lacks and the shrink guard keeps; held.c */
    unsigned nheld, shown_held;     /* now; in the set in force */
    struct timer hold_end;

    struct store_slot slot;         /* kept.c; the file that survives the process */
    bool asked, unsaved;            /* it was read; it does not say what the source has said */
    enum source_mode shown;         /* in the history */
    bool over;                      /* what is in force is too old to serve; aging.c */
    struct source_status status;    /* without what follows */
    uint64_t *updates;              /* of its service and registry, by enum source_update; the service's */
    char *name;                     /* of the registry: status.registry, for as long as the source lives */
    sc_msec changed_wall;
    char *cause, *error;            /* of the last change, of the last failure */
    char *refused;                  /* why its file was not believed */
};

/* Not watched yet. registry NULL: the targets that the service states itself. */
struct source *source_new(struct tracked *owner, struct registry_use *registry);
/* Its watch, its records and what is held of them. */
void source_free(struct source **s);

/* Begins anew. conf is the source in the plan that now holds, NULL for stated targets. */
void source_watch(struct source *s, const struct source_conf *conf);
/* What it said stays. */
void source_unwatch(struct source *s);
/* A reload that left the source alone: only what points into the configuration is new. */
void source_repoint(struct source *s, const struct source_conf *conf);

/* Other targets in the place of what the registry says, which goes on to be listened to; and what it says again. hand.c */
void source_pin(struct source *s, const struct endpoint *all, unsigned n);
void source_unpin(struct source *s);
/* It is not frozen any more: what was said meanwhile is in force. hand.c */
void source_thaw(struct source *s);
/* As if the registry could not be reached, because of `by`; and it can be again. hand.c */
void source_cut(struct source *s, const char *by);
void source_mend(struct source *s);
/* What is in force of it: what is pinned, or what was said. */
static inline struct answer *source_answer(const struct source *s)
{
    return s->pinned != NULL ? s->pinned : s->now;
}

/* Before a set is made: what was waiting for names and has them is in force. */
void source_settle(struct source *s);
/* Whether it has said something, if only that it fails, and every name in it was looked up once, or long enough. */
bool source_is_ready(const struct source *s);
/* Whether it has said who the targets are, if only that there are none; and so on. */
bool source_has_answered(const struct source *s);
/* The same, or its file has. */
bool source_has_targets(const struct source *s);
/* What its file says is in force until it says something itself. changed, cause: of the last change, then. */
void source_recall(struct source *s, const struct endpoint *all, unsigned n, sc_msec changed, const char *cause);
/* As of now, without the strings that are not the source's: mode and age can be told from it. */
struct source_status source_status(const struct source *s);
/* Its targets are others now (the cause: a word or two for the status); a set is to be made. */
void source_changed(struct source *s, const char *cause);
/* Into the arena of a status. */
void source_describe(const struct source *s, struct arena *a, struct source_status *to);

/* What the names of an answer may take before its targets are published without them. */
enum { SOURCE_PATIENCE = 5000 };

/* The record of a member of s->held. held.c */
struct record *held_record(struct link *l);
