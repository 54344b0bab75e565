/* discovery/combine.c - what the targets of several sources are together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/combine.h"

#include "base/alloc.h"
#include "discovery/endpoint.h"
#include "discovery/set.h"

#include <stdlib.h>

const struct sc_enum combine_names[] = {
    { "union", COMBINE_UNION }, { "failover", COMBINE_FAILOVER }, { "weighted", COMBINE_WEIGHTED }, { NULL, 0 },
};

struct state {
    enum combine how;
    struct combine_source *sources;
    unsigned nsources;
    struct mention *mentions;
    unsigned n;
    unsigned serving;           /* COMBINE_FAILOVER: the source that does; nsources: none can */
    enum mention_class able;      /* what it takes to serve: MENTION_TERMINATING when nothing is ready */
    struct mention **speaker;     /* by address: the first of those that speak for it */
};

/* Terminating targets serve when nothing else of the whole service can. */
static enum mention_class find_able(const struct state *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        const struct mention *c = &s->mentions[i];

        if (c->class == MENTION_READY && (s->how != COMBINE_WEIGHTED || s->sources[c->source].weight > 0))
            return MENTION_READY;
    }
    return MENTION_TERMINATING;
}

static unsigned find_serving(const struct state *s)
{
    unsigned first = s->nsources;

    for (unsigned i = 0; i < s->n; i++)
        if (s->mentions[i].class >= s->able && s->mentions[i].source < first)
            first = s->mentions[i].source;
    return first;
}

/* --- who speaks for an address --- */

/* The lower, the sooner. The source that serves speaks for what it holds, too: the others stand by, and what they speak for
 * does so with them. */
static unsigned rank(const struct state *s, const struct mention *c)
{
    const struct combine_source *source = &s->sources[c->source];
    bool serving = s->how == COMBINE_FAILOVER && c->source == s->serving;
    bool unweighted = s->how == COMBINE_WEIGHTED && source->weight == 0;

    if (serving)
        return c->held ? 1 : 0;
    return c->source + 2 + (s->nsources + 2) * ((unweighted ? 1 : 0) + (c->held ? 2 : 0) + (source->over ? 4 : 0));
}

/* What one source says of an address under two names is kept both ways: these are two targets. */
static void find_speakers(struct state *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct mention *c = &s->mentions[i], **first = &s->speaker[c->address];

        if (*first == NULL || rank(s, c) < rank(s, *first))
            *first = c;
    }
    for (unsigned i = 0; i < s->n; i++) {
        struct mention *c = &s->mentions[i];
        const struct mention *first = s->speaker[c->address];

        c->kept = c->source == first->source && c->held == first->held;
        c->standby = s->how == COMBINE_FAILOVER && c->source != s->serving;
        c->set_tier = c->tier;
        c->set_weight = c->weight;
    }
}

/* --- shares --- */

/* What one source spreads its share over. */
struct share {
    int tier;                   /* the lowest with a target that counts; -1: none */
    uint64_t sum;               /* of the weights there */
    double unit;                /* a weight's worth in the set */
};

/* Whether a source's traffic may go there: it says so, and so does the source that speaks for the address. */
static bool counts(const struct state *s, const struct mention *c)
{
    return c->class >= s->able && s->speaker[c->address]->class >= s->able;
}

static void find_shares(const struct state *s, struct share *shares)
{
    for (unsigned i = 0; i < s->nsources; i++)
        shares[i].tier = -1;
    for (unsigned i = 0; i < s->n; i++) {
        const struct mention *c = &s->mentions[i];
        struct share *share = &shares[c->source];

        if (!counts(s, c))
            continue;
        if (share->tier < 0 || c->tier < share->tier) {
            share->tier = c->tier;
            share->sum = 0;
        }
        share->sum += c->tier == share->tier ? c->weight : 0;
    }
}

static bool takes_part(const struct state *s, const struct share *shares, const struct mention *c)
{
    return counts(s, c) && c->tier == shares[c->source].tier;
}

/* Weights are whole numbers: where a share spreads over many targets all of them are scaled up, so that rounding does not
 * change the shares by more than a thousandth. */
static void find_units(const struct state *s, struct share *shares)
{
    double all = 0, smallest = 0, scale = 1, most = (double)ENDPOINT_WEIGHT_MAX * WEIGHT_UNIT;

    for (unsigned i = 0; i < s->nsources; i++) {
        shares[i].unit = shares[i].sum == 0 ? 0 : (double)s->sources[i].weight * WEIGHT_UNIT / (double)shares[i].sum;
        all += (double)s->sources[i].weight * WEIGHT_UNIT;
    }
    for (unsigned i = 0; i < s->n; i++)
        if (takes_part(s, shares, &s->mentions[i])) {
            double part = s->mentions[i].weight * shares[s->mentions[i].source].unit;

            if (part > 0 && (smallest == 0 || part < smallest))
                smallest = part;
        }
    while (smallest > 0 && smallest * scale < 1000 && all * scale * 10 <= most)
        scale *= 10;
    if (all * scale > most || (smallest > 0 && smallest * scale < 1000))
        scale = most / all;
    for (unsigned i = 0; i < s->nsources; i++)
        shares[i].unit *= scale;
}

static uint32_t part_of(const struct mention *c, const struct share *share)
{
    double part = c->weight * share->unit;

    return part > 0 && part < 1 ? 1 : (uint32_t)(part + 0.5);
}

/* Targets that have no part in a share that is above 0 come after those that have. */
static void spread(const struct state *s, const struct share *shares)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct mention *c = &s->mentions[i];

        if (c->kept && c->class >= s->able) {
            c->set_tier = 1;
            c->set_weight = s->sources[c->source].weight == 0 ? 0 : c->weight;
        }
    }
    for (unsigned i = 0; i < s->n; i++) {
        const struct mention *c = &s->mentions[i];
        struct mention *to = c->kept ? &s->mentions[i] : s->speaker[c->address];

        if (!takes_part(s, shares, c) || shares[c->source].unit <= 0)
            continue;
        to->set_weight = (to->set_tier == 0 ? to->set_weight : 0) + part_of(c, &shares[c->source]);
        to->set_tier = 0;
    }
}

static void weigh(const struct state *s)
{
    struct share *shares = xcalloc(s->nsources, sizeof *shares);

    find_shares(s, shares);
    find_units(s, shares);
    spread(s, shares);
    free(shares);
}

static void note_serving(const struct state *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        const struct mention *c = &s->mentions[i];

        if (c->kept && !c->standby && c->class >= s->able && c->set_weight > 0)
            s->sources[c->source].serves = true;
    }
}

void combine(enum combine how, struct combine_source *sources, unsigned nsources, struct mention *mentions, unsigned n,
             unsigned addresses)
{
    struct state s = { .how = how, .sources = sources, .nsources = nsources, .mentions = mentions, .n = n };

    s.able = find_able(&s);
    s.serving = find_serving(&s);
    s.speaker = xcalloc(addresses + 1, sizeof *s.speaker);
    find_speakers(&s);
    if (how == COMBINE_WEIGHTED)
        weigh(&s);
    note_serving(&s);
    free(s.speaker);
}
