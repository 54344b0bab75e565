/* sidecar/conf/describe.h - tables turned into something to read: values, schema, help, pages.
 * SPDX-License-Identifier: Apache-2.0
 *
 * All of it appends to a buffer of the caller's. Any thread; tables are constant. */
#pragma once

#include "base/buf.h"
#include "conf/field.h"

#include <stdbool.h>

struct node;

/* What was loaded by `fields` into `value`, as JSON; secrets as "***". */
void conf_print(const struct sc_field *fields, const void *value, struct buf *out);
/* The same for what a key chooses: `key` (a literal) with the name of the choice, then its values; fields may be NULL, and
 * value too: nothing was loaded. */
void conf_print_choice(const char *key, const char *name, const struct sc_field *fields, const void *value,
                       struct buf *out);
/* The values that differ from those in `dflt`, as "PREFIXKEY=JSON" with a space before each; secrets and the keys named in
 * `but` (NULL-terminated) left out. */
void conf_print_changed(const struct sc_field *fields, const void *value, const void *dflt, const char *const *but,
                        const char *prefix, struct buf *out);
/* A tree as JSON: scalars of ours, such as defaults. Never for what users wrote: it would show their secrets. */
void conf_print_node(const struct node *n, struct buf *out);

/* Whether a key that is marked SC_RESTART differs between two loaded values; *path then names it. */
bool conf_needs_restart(const struct sc_field *fields, const void *was, const void *now, struct buf *path);

/* Tables that a key chooses among: policies, balancers, kinds of registries. */
struct conf_topic {
    const char *where;              /* "policies", "services.balancer" */
    const char *name;               /* NULL ends the list */
    const char *summary;
    const struct sc_field *fields;  /* NULL: no keys */
};

/* JSON Schema 2020-12 of the root table. */
void conf_schema(const struct sc_field *root, const char *title, struct buf *out);

/* What is known about `key`: a full path ("services.retry.budget", indices are skipped), the end of one, or a topic.
 * False when there is no such key; *out then has the nearest, if any. */
bool conf_help(const struct sc_field *root, const struct conf_topic *topics, const char *key, struct buf *out);
/* The path of every key, one a line. */
void conf_keys(const struct sc_field *root, const struct conf_topic *topics, struct buf *out);

/* The manual page outrider.yaml(5) in troff, and the same as Markdown. */
void conf_man(const struct sc_field *root, const struct conf_topic *topics, const char *version, struct buf *out);
void conf_markdown(const struct sc_field *root, const struct conf_topic *topics, struct buf *out);

/* "duration", "list of strings", "`reject` or `keep`"; nothing for what only prose can say. */
void field_type_text(const struct sc_field *f, struct buf *out);
/* "duration, 10ms to 1d, default 10s, needs a restart": all that fits into a line. */
void field_line(const struct sc_field *f, struct buf *out);

/* Every key with its path, tables that were walked already left out; topics are not walked. */
struct field_walk {
    void (*each)(void *arg, const char *path, const struct sc_field *f, unsigned depth, const char *again);
    void *arg;
    const struct sc_field *seen[64];
    const char *seen_at[64];
    unsigned n;
};
void field_walk(struct field_walk *w, const struct sc_field *fields, const char *prefix, unsigned depth);
void field_walk_fini(struct field_walk *w);
