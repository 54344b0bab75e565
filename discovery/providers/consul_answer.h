/* discovery/providers/consul_answer.h - an answer of Consul's /v1/health/service/NAME, or of a prepared query, as endpoints.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure. An answer that is no list of JSON is refused whole; an entry that makes no sense becomes an endpoint with `wrong`,
 * and touches no other. Entries come in one by one while the answer is still on its way, and one that stood in the answer
 * before, byte for byte, is not read again. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "discovery/endpoint.h"
#include "discovery/providers/items.h"

#include <stdbool.h>
#include <stdint.h>

struct consul_want {
    bool passing_only;              /* those with a warning are not eligible */
    const char *tagged_address;     /* "wan": addresses of that name where there are; NULL: none */
    bool prepared;                  /* the entries are the `Nodes` of an object: the answer of a prepared query */
};

struct consul_entry {
    const struct endpoint *at;
    uint64_t hash;                  /* of its text; keyed */
};

/* An answer, coming in or whole. */
struct consul_answer {
    struct arena arena;             /* of the endpoints */
    struct items items;
    struct consul_entry *entries;
    unsigned nentries, cap;
    uint64_t all;                   /* of the entries in the order in which they came */
    size_t bytes;
    bool prepared;
    struct endpoint *report;        /* from consul_answer_end() */
};

/* The one before. */
struct consul_memory {
    struct arena arena;
    struct consul_entry *entries;
    uint32_t *slots;                /* of entries, plus one, by hash; 0: free; NULL: none can be found */
    unsigned n, mask;
    uint64_t all;
};
void consul_memory_fini(struct consul_memory *m);

/* about: how many entries there may be. */
void consul_answer_init(struct consul_answer *a, unsigned about);
void consul_answer_fini(struct consul_answer *a);
/* For another answer. */
void consul_answer_reset(struct consul_answer *a, unsigned about);
/* A piece of a list, cut anywhere; what is wanted is the same for all of them. False with the reason in e: then only
 * consul_answer_reset() helps. m may be NULL. */
bool consul_answer_piece(struct consul_answer *a, const struct consul_want *want, const struct consul_memory *m,
                         struct sc_str piece, struct sc_error *e);
/* False with the reason in e: it is not whole. */
bool consul_answer_is_whole(const struct consul_answer *a, struct sc_error *e);
/* A whole answer at once: a list, or that of a prepared query, of which m remembers only whether it is the same. */
bool consul_answer_read(struct consul_answer *a, const struct consul_want *want, struct sc_str text, struct sc_error *e);
/* Whether it is, entry for entry, the one that m remembers. */
bool consul_answer_is_same(const struct consul_answer *a, const struct consul_memory *m);
/* The endpoints in a fixed order, whatever Consul's was; until the answer is remembered or gone. */
const struct endpoint *consul_answer_end(struct consul_answer *a, unsigned *n);
/* Moves it there, to be known when it comes again. */
void consul_answer_remember(struct consul_answer *a, struct consul_memory *m);
