/* discovery/combine.h - what the targets of several sources are together.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure: everything that is known of the targets comes in, what becomes of them goes out. */
#pragma once

#include "conf/field.h"

#include <stdbool.h>
#include <stdint.h>

enum combine { COMBINE_UNION, COMBINE_FAILOVER, COMBINE_WEIGHTED };
extern const struct sc_enum combine_names[];

enum mention_class {
    MENTION_UNABLE,               /* cannot serve: by its state, its health check or its weight */
    MENTION_TERMINATING,          /* can, and should only when nothing else does */
    MENTION_READY,
};

/* What one source says of one address. */
struct mention {
    unsigned source;            /* its place in the list */
    unsigned address;           /* below `addresses`; the same number: the same address */
    enum mention_class class;
    bool held;                  /* the source has ceased to name it */
    uint16_t tier;
    uint32_t weight;            /* as stated, in 1/WEIGHT_UNIT */
    /* What becomes of it: */
    bool kept;                  /* it stands in the set; else another source speaks for the address */
    bool standby;               /* and waits until the source that serves cannot */
    uint16_t set_tier;
    uint32_t set_weight;        /* in 1/WEIGHT_UNIT */
};

struct combine_source {
    int64_t weight;             /* 0..65535; counts with COMBINE_WEIGHTED */
    bool over;                  /* what it says is too old to serve */
    bool serves;                /* out: it has a target that may get traffic, tiers aside */
};

/* An address is spoken for by the first source in the list that names it; one that only holds it comes after those that name
 * it, one that is too old after all others; with COMBINE_FAILOVER the source that serves comes first, held or not, with
 * COMBINE_WEIGHTED those of weight 0 last. COMBINE_FAILOVER: all but the source that serves stand by. COMBINE_WEIGHTED:
 * weights are the parts of the sources' shares; tiers count within a source. */
void combine(enum combine how, struct combine_source *sources, unsigned nsources, struct mention *mentions, unsigned n,
             unsigned addresses);
