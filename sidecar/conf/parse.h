/* sidecar/conf/parse.h - what the readers of YAML and of JSON have in common.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inside sidecar/conf only. Control thread. */
#pragma once

#include "conf/tree.h"

struct parse {
    struct arena *arena;
    struct conf_report *report;
    const char *file;           /* lives as long as the arena */
    struct buf path;            /* of the node being read */
    bool verbatim;              /* ${NAME} stays as it is */
};

/* Both take text of at most TREE_MAX_BYTES; NULL after a mistake that leaves nothing to go on with. */
struct node *yaml_parse(struct parse *p, struct sc_str text);
struct node *json_parse(struct parse *p, struct sc_str text);
/* Whether strict JSON would take it. */
bool json_accepts(struct sc_str text);

struct node *parse_node(struct parse *p, enum node_kind kind, unsigned line, unsigned col);
/* The text of a scalar with ${NAME} replaced; reports what is unset. */
struct sc_str parse_expand(struct parse *p, const struct node *at, struct sc_str text);
void parse_error(struct parse *p, const struct node *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The path grows by ".key" or "[i]"; returns the length to go back to. Keys that are no plain words are quoted. */
size_t path_key(struct buf *path, struct sc_str key);
size_t path_index(struct buf *path, unsigned i);
void path_back(struct buf *path, size_t mark);

/* Growing a list or map while it is read. */
struct children {
    struct node **items;
    struct sc_str *keys;
    struct conf_place *places;
    unsigned n, cap;
};
void children_add(struct children *c, struct node *item);
void children_add_key(struct children *c, struct sc_str key, struct conf_place place, struct node *item);
/* Moves them into the node, and frees what was borrowed meanwhile. */
void children_into(struct children *c, struct arena *a, struct node *n);
