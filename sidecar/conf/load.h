/* sidecar/conf/load.h - from the tree to typed structs, by the tables of field.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Control thread. Never stops at the first mistake. */
#pragma once

#include "conf/field.h"
#include "conf/tree.h"

struct conf_load {
    struct arena *arena;            /* owns everything loaded */
    struct conf_report *report;
    struct buf path;                /* of the key being read; grows and shrinks as the walk goes */
    void *context;                  /* for custom loaders: what the caller of conf_load_object set */
    bool partial;                   /* nothing is required: what is read lies under something else (defaults) */
};

void conf_load_init(struct conf_load *l, struct arena *arena, struct conf_report *report);
void conf_load_fini(struct conf_load *l);

/* Fills *to (what the table describes is zeroed first, the rest left alone) from the map `at` (NULL or a null node: all
 * defaults). Reports unknown keys with "did you mean", wrong types, ranges, missing required keys. False if it reported an
 * error; *to is then safe to read, with defaults where it could not do better. */
bool conf_load_object(struct conf_load *l, const struct node *at, const struct sc_field *fields, void *to);

/* The same, but the keys named in `but` (NULL-terminated) are the caller's and not looked at. */
bool conf_load_object_but(struct conf_load *l, const struct node *at, const struct sc_field *fields, void *to,
                          const char *const *but);

/* For custom loaders. */
size_t load_enter(struct conf_load *l, const char *key);             /* path + ".key"; returns what load_leave needs */
size_t load_enter_index(struct conf_load *l, unsigned i);            /* path + "[i]" */
void load_leave(struct conf_load *l, size_t mark);
bool load_error(struct conf_load *l, const struct node *at, const char *fmt, ...)     /* always false */
    __attribute__((format(printf, 3, 4)));
void load_warning(struct conf_load *l, const struct node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "a map", "a list", "a string", ... for messages. */
const char *node_kind_name(const struct node *n);
/* One scalar by type, as a field of that type would read it; to: the field's C type. */
bool load_scalar(struct conf_load *l, const struct node *at, const struct sc_field *f, void *to);
/* The known word nearest to `word` (small edit distance), or NULL. words: NULL-terminated. */
const char *nearest_word(struct sc_str word, const char *const *words);
/* Reports that the text of `at` is no `what` ("balancer", "provider"), with the nearest of `words`. Always false. */
bool load_unknown(struct conf_load *l, const struct node *at, const char *what, const char *const *words);
/* What the predecessors' word is called here, or NULL. */
const char *foreign_key(struct sc_str word);
const char *foreign_value(struct sc_str word);
