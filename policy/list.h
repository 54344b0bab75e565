/* policy/list.h - a `policies:` list, loaded.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Control thread. */
#pragma once

#include "base/arena.h"
#include "conf/field.h"
#include "conf/load.h"
#include "policy/policy.h"

#include <stdatomic.h>

/* The configuration of one entry, with memory of its own, because an instance that survives a reload keeps it. */
struct policy_conf {
    atomic_uint refs;
    struct arena arena;
    const void *conf;               /* .conf_size bytes, by .fields */
    struct sc_str identity;         /* equal bytes = equal configuration; secrets included, never printed */
};

struct policy_entry {
    const struct sc_policy *policy;
    const char *id;                 /* "" when not given */
    bool off;                       /* `NAME: off` */
    bool enabled;
    struct policy_conf *conf;       /* NULL when off; one reference, dropped by policy_list_fini() */
};

struct policy_list {
    struct policy_entry *at;        /* in the loader's arena; file order */
    unsigned n;
};

/* For a SC_T_CUSTOM row on a struct policy_list; `- NAME: {keys}`, `- NAME: off`, `- NAME`. */
bool policy_list_load(struct conf_load *load, const struct node *at, void *to);
void policy_list_print(const void *list, struct buf *out);
extern const char policy_list_schema[];

/* Gives the configurations back that no instance holds. Once, when the configuration goes. */
void policy_list_fini(struct policy_list *list);

struct policy_conf *policy_conf_ref(struct policy_conf *c);
void policy_conf_unref(struct policy_conf **c);
