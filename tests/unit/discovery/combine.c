/* tests/unit/discovery/combine.c - what the targets of several sources are together.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/rand.h"
#include "discovery/combine.h"
#include "discovery/set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof (array)[0])

/* A source's mentions as text, "! " before them: it is too old; "ADDRESS*WEIGHT" and behind it t: terminating, u: unable,
 * h: held, ^N: of tier N. What comes out: the mentions that are kept, "SOURCE:ADDRESS*WEIGHT", and behind it s: stands by,
 * ^N: of tier N. Weights are whole. */
struct world {
    struct combine_source sources[8];
    struct mention mentions[64];
    unsigned nsources, n;
};

static void mention(struct world *w, unsigned source, const char *text)
{
    struct mention *m = &w->mentions[w->n++];

    *m = (struct mention){ .source = source, .address = (unsigned)(text[0] - 'a'), .class = MENTION_READY };
    m->weight = (uint32_t)strtoul(text + 2, NULL, 10) * WEIGHT_UNIT;
    m->class = strchr(text + 2, 't') != NULL ? MENTION_TERMINATING :
               strchr(text + 2, 'u') != NULL || m->weight == 0 ? MENTION_UNABLE : MENTION_READY;
    m->held = strchr(text + 2, 'h') != NULL;
    if (strchr(text, '^') != NULL)
        m->tier = (uint16_t)strtoul(strchr(text, '^') + 1, NULL, 10);
}

static void add(struct world *w, int64_t weight, const char *list)
{
    char copy[200], *rest = copy, *one;

    snprintf(copy, sizeof copy, "%s", list);
    while ((one = strsep(&rest, " ")) != NULL)
        if (*one == '!')
            w->sources[w->nsources].over = true;
        else if (*one != '\0')
            mention(w, w->nsources, one);
    w->sources[w->nsources++].weight = weight;
}

static void print(const struct world *w, char *to, size_t size)
{
    to[0] = '\0';
    for (unsigned i = 0; i < w->n; i++) {
        const struct mention *m = &w->mentions[i];
        size_t n = strlen(to);

        if (!m->kept)
            continue;
        snprintf(to + n, size - n, "%s%u:%c*%g%s", n == 0 ? "" : " ", m->source, (char)('a' + m->address),
                 m->set_weight / (double)WEIGHT_UNIT, m->standby ? "s" : "");
        if (m->set_tier > 0)
            snprintf(to + strlen(to), size - strlen(to), "^%u", m->set_tier);
    }
}

static const struct row {
    enum combine how;
    struct { int64_t weight; const char *mentions; } in[4];
    const char *out, *serving;      /* which sources serve */
} rows[] = {
    /* one source: as it says */
    { COMBINE_UNION, { { 1, "a*1 b*2 c*3t d*4u e*0 f*7h g*1^3" } }, "0:a*1 0:b*2 0:c*3 0:d*4 0:e*0 0:f*7 0:g*1^3", "0" },
    { COMBINE_FAILOVER, { { 1, "a*1 b*2t c*1^2" } }, "0:a*1 0:b*2 0:c*1^2", "0" },
    { COMBINE_WEIGHTED, { { 1, "a*2 b*2" } }, "0:a*0.5 0:b*0.5", "0" },
    { COMBINE_UNION, { { 1, "" } }, "", "" },
    /* union: the first one that names an address speaks for it, whatever it says */
    { COMBINE_UNION, { { 1, "a*1 b*2" }, { 1, "b*9 c*3" } }, "0:a*1 0:b*2 1:c*3", "01" },
    { COMBINE_UNION, { { 1, "a*1u" }, { 1, "a*9" } }, "0:a*1", "" },
    { COMBINE_UNION, { { 1, "" }, { 1, "a*9" } }, "1:a*9", "1" },
    { COMBINE_UNION, { { 1, "a*1h b*1" }, { 1, "a*9" } }, "0:b*1 1:a*9", "01" },
    { COMBINE_UNION, { { 1, "a*1h" }, { 1, "a*9h" } }, "0:a*1", "0" },
    { COMBINE_UNION, { { 1, "a*1^4 b*1" }, { 1, "a*1 c*1^2" } }, "0:a*1^4 0:b*1 1:c*1^2", "01" },
    { COMBINE_UNION, { { 1, "a*1t" }, { 1, "b*1" } }, "0:a*1 1:b*1", "1" },
    /* one that is too old to serve speaks only for what nobody else mentions */
    { COMBINE_UNION, { { 1, "! a*1u b*1u" }, { 1, "b*9 c*3" } }, "0:a*1 1:b*9 1:c*3", "1" },
    { COMBINE_UNION, { { 1, "! a*1u b*1u" }, { 1, "b*9h" } }, "0:a*1 1:b*9", "1" },
    { COMBINE_WEIGHTED, { { 9, "! a*1u" }, { 1, "a*2 b*2" } }, "1:a*0.5 1:b*0.5", "1" },
    { COMBINE_FAILOVER, { { 1, "! a*1u" }, { 1, "! a*1u" }, { 1, "a*2" } }, "2:a*2", "2" },
    /* failover: the first one that can */
    { COMBINE_FAILOVER, { { 1, "a*1 b*1u" }, { 1, "c*1" } }, "0:a*1 0:b*1 1:c*1s", "0" },
    { COMBINE_FAILOVER, { { 1, "a*1u b*0" }, { 1, "c*1" }, { 1, "d*1" } }, "0:a*1s 0:b*0s 1:c*1 2:d*1s", "1" },
    { COMBINE_FAILOVER, { { 1, "" }, { 1, "c*1" } }, "1:c*1", "1" },
    { COMBINE_FAILOVER, { { 1, "a*1t" }, { 1, "c*1" } }, "0:a*1s 1:c*1", "1" },
    { COMBINE_FAILOVER, { { 1, "a*1u" }, { 1, "c*1t" }, { 1, "d*1t" } }, "0:a*1s 1:c*1 2:d*1s", "1" },
    { COMBINE_FAILOVER, { { 1, "a*1h" }, { 1, "c*1" } }, "0:a*1 1:c*1s", "0" },
    { COMBINE_FAILOVER, { { 1, "a*1u" }, { 1, "b*1u" } }, "0:a*1s 1:b*1s", "" },
    { COMBINE_FAILOVER, { { 1, "a*1^3" }, { 1, "b*1" } }, "0:a*1^3 1:b*1s", "0" },
    /* failover: what both name belongs to the one that serves */
    { COMBINE_FAILOVER, { { 1, "a*1 b*1" }, { 1, "b*5 c*5" } }, "0:a*1 0:b*1 1:c*5s", "0" },
    { COMBINE_FAILOVER, { { 1, "a*1u b*1u" }, { 1, "b*5 c*5" } }, "0:a*1s 1:b*5 1:c*5", "1" },
    { COMBINE_FAILOVER, { { 1, "a*1h b*1h" }, { 1, "a*5 b*5" } }, "0:a*1 0:b*1", "0" },
    { COMBINE_FAILOVER, { { 1, "a*1h" }, { 1, "a*5u b*5" }, { 1, "c*5" } }, "0:a*1 1:b*5s 2:c*5s", "0" },
    { COMBINE_FAILOVER, { { 1, "a*1uh" }, { 1, "a*5" } }, "1:a*5", "1" },
    /* weighted: shares are the sources', spread by the targets' weights */
    { COMBINE_WEIGHTED, { { 80, "a*100 b*100" }, { 20, "c*100" } }, "0:a*40 0:b*40 1:c*20", "01" },
    { COMBINE_WEIGHTED, { { 80, "a*100 b*300" }, { 20, "c*1 d*1 e*2" } }, "0:a*20 0:b*60 1:c*5 1:d*5 1:e*10", "01" },
    { COMBINE_WEIGHTED, { { 3, "a*1u" }, { 1, "c*7" } }, "0:a*1 1:c*1", "1" },
    { COMBINE_WEIGHTED, { { 3, "a*1 b*1u" }, { 1, "c*7" } }, "0:a*3 0:b*1 1:c*1", "01" },
    { COMBINE_WEIGHTED, { { 0, "a*100" }, { 100, "b*100" } }, "0:a*0^1 1:b*100", "1" },
    { COMBINE_WEIGHTED, { { 0, "a*100" }, { 100, "" } }, "0:a*0^1", "" },
    { COMBINE_WEIGHTED, { { 3, "a*1t" }, { 1, "c*7" } }, "0:a*1 1:c*1", "1" },
    { COMBINE_WEIGHTED, { { 3, "a*5t" }, { 1, "c*7t" } }, "0:a*3 1:c*1", "01" },
    { COMBINE_WEIGHTED, { { 0, "a*1" }, { 1, "c*7t" } }, "0:a*0^1 1:c*1", "1" },
    /* weighted: what several name has its part of each share */
    { COMBINE_WEIGHTED, { { 60, "a*1 b*1" }, { 40, "a*1 b*1" } }, "0:a*50 0:b*50", "0" },
    { COMBINE_WEIGHTED, { { 60, "a*1 b*1" }, { 30, "a*1 b*1 c*1" } }, "0:a*40 0:b*40 1:c*10", "01" },
    { COMBINE_WEIGHTED, { { 0, "a*1 b*1" }, { 100, "a*1 b*3" } }, "1:a*25 1:b*75", "1" },
    { COMBINE_WEIGHTED, { { 60, "a*1u b*1" }, { 40, "a*1 c*1" } }, "0:a*1 0:b*60 1:c*40", "01" },
    { COMBINE_WEIGHTED, { { 60, "a*1 b*1" }, { 40, "a*1u c*1" } }, "0:a*30 0:b*30 1:c*40", "01" },
    /* weighted: tiers count within a source */
    { COMBINE_WEIGHTED, { { 1, "a*1 b*1^1" }, { 1, "c*1^5 d*1^9" } }, "0:a*1 0:b*1^1 1:c*1 1:d*1^1", "01" },
    { COMBINE_WEIGHTED, { { 1, "a*1u b*1^1" }, { 1, "c*1^5" } }, "0:a*1 0:b*1 1:c*1", "01" },
    /* several names of a source for one address are as many targets */
    { COMBINE_UNION, { { 1, "a*1 a*2" }, { 1, "a*3" } }, "0:a*1 0:a*2", "0" },
    { COMBINE_WEIGHTED, { { 9, "a*1 a*2" }, { 3, "a*3" } }, "0:a*6 0:a*6", "0" },
};

static void sources_are_combined(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N(rows); i++) {
        struct world w = { .n = 0 };
        char out[500], serving[10] = "";
        size_t nserving = 0;

        for (unsigned k = 0; k < N(rows[i].in) && rows[i].in[k].mentions != NULL; k++)
            add(&w, rows[i].in[k].weight, rows[i].in[k].mentions);
        combine(rows[i].how, w.sources, w.nsources, w.mentions, w.n, 26);
        print(&w, out, sizeof out);
        for (unsigned k = 0; k < w.nsources; k++)
            if (w.sources[k].serves)
                serving[nserving++] = (char)('0' + k);
        if (strcmp(out, rows[i].out) != 0 || strcmp(serving, rows[i].serving) != 0)
            fail_msg("row %u: wanted \"%s\" and \"%s\", got \"%s\" and \"%s\"", i, rows[i].out, rows[i].serving, out,
                     serving);
    }
}

/* Whatever the numbers of targets and weights: no share is off by more than two parts in a hundred of it. */
static void shares_are_kept(void **state)
{
    enum { MOST = 12000 };
    struct mention *m = calloc(MOST, sizeof *m);

    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct combine_source sources[16] = { { 0 } };
        unsigned n = 0, k = 1 + (unsigned)rand_below(16);
        double got[16] = { 0 }, all = 0, wanted = 0;

        for (unsigned s = 0; s < k; s++) {
            unsigned targets = 1 + (unsigned)rand_below(round % 3 == 0 ? 700 : 20);

            sources[s].weight = 1 + (int64_t)rand_below(round % 2 == 0 ? 65535 : 100);
            wanted += (double)sources[s].weight;
            for (unsigned i = 0; i < targets; i++, n++)
                m[n] = (struct mention){ .source = s, .address = n, .class = MENTION_READY,
                                         .weight = (uint32_t)(1 + rand_below(round % 5 == 0 ? 65535 : 100)) *
                                                   WEIGHT_UNIT };
        }
        combine(COMBINE_WEIGHTED, sources, k, m, n, n);
        for (unsigned i = 0; i < n; i++) {
            assert_true(m[i].kept && !m[i].standby && m[i].set_tier == 0 && m[i].set_weight > 0);
            got[m[i].source] += m[i].set_weight;
            all += m[i].set_weight;
        }
        for (unsigned s = 0; s < k; s++) {
            double share = got[s] / all, want = (double)sources[s].weight / wanted;

            if (share < want * 0.98 - 0.0005 || share > want * 1.02 + 0.0005)
                fail_msg("round %u: source %u of %u has %g, not %g", round, s, k, share, want);
        }
    }
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_are_combined),
        cmocka_unit_test(shares_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
