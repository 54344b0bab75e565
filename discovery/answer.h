/* discovery/answer.h - what a registry said at one moment, and the names in it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside discovery/ only; discovery thread. */
#pragma once

#include "base/arena.h"
#include "discovery/address.h"
#include "discovery/endpoint.h"
#include "discovery/resolver.h"

struct source;

/* One record of an answer, or one that is held. */
struct record {
    struct endpoint at;
    const char *wrong;              /* why no target can be made of it; NULL: fine */
    struct name_user name;          /* .name NULL: a numeric address or a socket */
    bool held;
    bool known;                     /* its name was looked up, or there is none */
    struct source *source;
    struct answer *answer;          /* NULL: held */
};

/* What a registry said at one moment. */
struct answer {
    struct arena arena;             /* of the records */
    bool doubted;                   /* by the registry itself */
    bool said;                      /* it was in force; only nobody's, at the beginning, was not */
    unsigned n, unknown;            /* records; names that were not looked up yet */
    struct record records[];
};

/* A copy of what s says; the look-ups of its names have begun. */
struct answer *answer_of(struct source *s, const struct endpoint *all, unsigned n);
void answer_free(struct answer **a);
bool answer_same(const struct answer *a, const struct endpoint *all, unsigned n);

/* A record of s as e says; its strings live in the arena. */
void record_init(struct source *s, struct arena *arena, struct record *r, const struct endpoint *e);
void record_fini(struct record *r);
/* Its addresses, without their port when they come from a name. `one` may hold the answer. */
const struct address *record_addresses(const struct record *r, struct address *one, unsigned *n);
/* What the target is called. */
const char *record_host(const struct endpoint *e);
