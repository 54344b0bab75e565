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
    struct node **items;        /* NODE_LIST, NODE_MAP: values in order */
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
