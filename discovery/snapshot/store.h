/* discovery/snapshot/store.h - the files in which the last good answers survive the process.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One file for each source (saved.h), in STATE_DIR/targets/, which is our user's alone. A file is replaced whole: written
 * beside it, synced, renamed, and the directory synced. Reading is done at once, a local file at the start; writing is done
 * by a helper, one file after the other, so that a slow disk keeps nobody waiting. Discovery thread. */
#pragma once

#include "base/clock.h"
#include "base/list.h"
#include "discovery/snapshot/saved.h"
#include "loop/loop.h"

#include <stdatomic.h>

struct offload;
struct store;

enum {
    STORE_PACE = 1000,              /* ms: one source's file is written this often at most */
    STORE_PAUSE = 10000,            /* ms without a try after one that failed */
    STORE_FLUSH = 2000,             /* ms that writing may take at the stop */
    STORE_FIRST_SWEEP = 60000,      /* ms after the start: then files are looked for that nobody wants any more */
    STORE_SWEEP = 24 * 3600000,     /* ms until that is done again */
    STORE_UNUSED = 7 * 24 * 3600,   /* s after which such a file is removed */
};

/* A source's place in the store; embedded, zero-initialised. */
struct store_slot {
    struct link link;               /* among those that are to be written */
    struct timer due;
    struct store *store;
    char *name;                     /* of the file; NULL: not in a store */
    sc_msec written;                /* mono, 0: never by this process */
    bool wanted;
    /* Appends what is to be kept now, as saved_print() does. False: nothing, just now. */
    bool (*print)(struct store_slot *slot, struct buf *body);
};

/* What has come of it so far. The store counts, anybody may look. */
struct store_counts {
    uint64_t read, refused;         /* files that served, files that were not believed */
    uint64_t written, failed;       /* writes */
    uint64_t removed;               /* files that nobody wanted any more */
};
struct store_tally {
    _Atomic(uint64_t) read, refused, written, failed, removed;
};
void store_counts(const struct store_tally *t, struct store_counts *to);

/* Touches nothing yet. dir: STATE_DIR, which is made when something is written; the string and the tally must stay. */
struct store *store_new(const char *dir, struct loop *loop, struct offload *offload, struct store_tally *tally);
/* All slots have left. A write under way ends by itself. */
void store_free(struct store **s);

/* The file of the source of this service and identity. A slot that has joined leaves before its memory goes. */
void store_join(struct store *s, struct store_slot *slot, const char *service, const char *identity);
void store_leave(struct store_slot *slot);

enum store_found { STORE_NONE, STORE_READ, STORE_REFUSED };
/* What is in the slot's file; strings live in the arena. NONE: there is no file. REFUSED: there is, and e says why it is not
 * believed; counted and said in the log. */
enum store_found store_read(struct store_slot *slot, const char *identity, struct arena *a, struct saved *to,
                            struct sc_error *e);

/* Something is new: the file is to be written, as soon as the pace allows. What is printed is what is true then. */
void store_want(struct store_slot *slot);
/* Writes what is still wanted, here and now, and no longer than STORE_FLUSH. At the stop. */
void store_flush(struct store *s);
