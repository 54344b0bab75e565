/* sidecar/conf/tree.h - a configuration as written: one tree for YAML and JSON.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every node knows where it stood, so that every message can say it. Control thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

enum node_kind { NODE_NULL, NODE_BOOL, NODE_NUMBER, NODE_STRING, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;        /* by the YAML 1.2 core schema for plain scalars; NODE_STRING when quoted */
    bool quoted;
    struct sc_str text;         /* scalars: the text after ${} was replaced; NUL-terminated */
    struct node **items;        /* NODE_LIST, NODE_MAP: values in order; an alias is the very node it names */
    struct sc_str *keys;        /* NODE_MAP: beside items */
    struct conf_place *key_at;  /* NODE_MAP: where each key stands */
    unsigned n;
    const char *file;
    unsigned line, col;         /* 1-based */
};

struct conf_place {
    const char *file;
    unsigned line, col;
};

/* All mistakes of one run, in order of place. */
struct conf_mistake {
    const char *file;           /* NULL: not tied to a place */
    unsigned line, col;
    const char *path;           /* "routes[2].policies[0].rate-limiting.minute", "" for the file itself */
    const char *text;
    bool warning;
};

struct conf_report {
    struct arena arena;
    struct conf_mistake *list;
    unsigned n, cap, errors;
    unsigned left_out;          /* counted, not kept: there were too many */
};

void report_init(struct conf_report *r);
void report_fini(struct conf_report *r);
/* at may be NULL. Warnings do not make the configuration invalid. */
void report_error(struct conf_report *r, const struct node *at, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void report_warning(struct conf_report *r, const struct node *at, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* "FILE:LINE:COL: PATH: message\n" for every mistake ("warning: " before a warning's message), sorted by place. */
void report_print(struct conf_report *r, struct buf *out);

struct node *node_get(const struct node *map, const char *key);      /* NULL when absent or not a map */

/* What may stand in one file, and what an alias may blow it up to. */
#define TREE_MAX_BYTES (16u << 20)
#define TREE_MAX_DEPTH 64
#define TREE_MAX_ALIASED 100000     /* nodes that aliases add, all together */

/* One file as it stands: ".json" is JSON, everything else YAML, "-" standard input (either). ${NAME} is replaced. NULL
 * when it cannot be read at all; with mistakes in `r` the tree may be incomplete. An empty file is a null node. */
struct node *tree_read(struct arena *a, struct conf_report *r, const char *path);
/* The same from memory; `name` stands in messages. Keeps nothing of `text`. */
struct node *tree_parse(struct arena *a, struct conf_report *r, const char *name, struct sc_str text);
/* JSON that somebody has sent: ${NAME} is text like any other, and tells nobody of our environment. Any thread. */
struct node *tree_parse_sent(struct arena *a, struct conf_report *r, const char *name, struct sc_str json);
/* A file, and under it the *.yaml, *.yml, *.json of `conf.d/` beside it in order of name. They may only add to lists and
 * maps: a key that has a value, or a list item whose `name` is there already, is a mistake that names both places. NULL
 * when any of the files cannot be read at all; the others were looked at, too. */
struct node *tree_read_all(struct arena *a, struct conf_report *r, const char *path);

/* A map of one key, where `value` stands; shares the value. */
struct node *node_wrap(struct arena *a, const struct node *value, const char *key);
/* `over` with the keys that only `under` has, map by map; either may be NULL. Maps that both have a `type`, and not the
 * same, are not mixed: `over` wins whole. Shares nodes with both. */
const struct node *tree_under(struct arena *a, const struct node *over, const struct node *under);

/* Of the libraries that read the two languages, at run time. Any thread. */
const char *yaml_library_version(void);
const char *json_library_version(void);
