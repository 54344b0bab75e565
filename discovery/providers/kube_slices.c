/* discovery/providers/kube_slices.c - all EndpointSlices of one service, as one list of endpoints.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/kube_slices.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct kube_kept {
    const struct kube_endpoint *of;
    struct kube_slice *slice;           /* which has it; a reference */
    sc_msec until;                      /* 0: the slice is one of those that there are */
};

/* --- the slices --- */

void kube_slices_fini(struct kube_slices *s)
{
    struct map_item *item;

    for (unsigned i = 0; (item = map_next(&s->all, &i)) != NULL;)
        kube_slice_unref((struct kube_slice **)&item->value);
    map_fini(&s->all);
    *s = (struct kube_slices){ .unnamed = 0 };
}

static void forget(struct kube_slices *s, struct kube_slice *was)
{
    if (was == NULL)
        return;
    s->size -= 1 + was->n;
    kube_slice_unref(&was);
}

void kube_slices_put(struct kube_slices *s, struct kube_slice *slice)
{
    struct kube_slice *was = map_put(&s->all, str_of(slice->name), slice);

    s->size += 1 + slice->n;
    forget(s, was);
}

void kube_slices_drop(struct kube_slices *s, const char *name)
{
    forget(s, map_remove(&s->all, str_of(name)));
}

/* --- one list of them --- */

/* What is under way while they are merged. */
struct merge {
    const struct kube_slices *slices;
    const struct kube_merged *before;
    const struct kube_prefer *prefer;
    sc_msec now;
    struct kube_kept *at;               /* of those that are right; with room for those of before */
    unsigned n;
    const struct endpoint **wrong;
    unsigned nwrong;
    unsigned families[KUBE_BOTH];
};

static int compare_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b);
}

/* Where it is reached. */
static int compare_place(const struct kube_kept *a, const struct kube_kept *b)
{
    int order = strcmp(a->of->at.host, b->of->at.host);

    return order != 0 ? order : (a->of->at.port > b->of->at.port) - (a->of->at.port < b->of->at.port);
}

static int badness(enum endpoint_state s)
{
    return s == EP_READY ? 0 : s == EP_SERVING_TERMINATING ? 1 : 2;
}

/* Of one place the best first: what is ready in one slice is ready. */
static int compare(const void *x, const void *y)
{
    const struct kube_kept *a = x, *b = y;
    int order = compare_place(a, b);

    if (order == 0)
        order = badness(a->of->at.state) - badness(b->of->at.state);
    if (order == 0)
        order = compare_text(a->of->at.id, b->of->at.id);
    return order != 0 ? order : compare_text(a->of->whose, b->of->whose);
}

static int compare_wrong(const void *x, const void *y)
{
    const struct endpoint *a = *(const struct endpoint *const *)x, *b = *(const struct endpoint *const *)y;
    int order = compare_text(a->id, b->id);

    if (order == 0)
        order = compare_text(a->host, b->host);
    return order != 0 ? order : compare_text(a->wrong, b->wrong);
}

static void collect_slice(struct merge *m, struct kube_slice *s)
{
    m->families[s->family]++;
    for (unsigned i = 0; i < s->n; i++)
        if (s->at[i].at.wrong == NULL)
            m->at[m->n++] = (struct kube_kept){ .of = &s->at[i], .slice = s };
        else
            m->wrong[m->nwrong++] = &s->at[i].at;
}

static void collect(struct merge *m)
{
    struct map_item *item;
    unsigned room = m->before->nkept;

    for (unsigned i = 0; (item = map_next(&m->slices->all, &i)) != NULL;)
        room += ((struct kube_slice *)item->value)->n;
    m->at = xcalloc(room + 1, sizeof m->at[0]);
    m->wrong = xcalloc(room + 1, sizeof m->wrong[0]);
    for (unsigned i = 0; (item = map_next(&m->slices->all, &i)) != NULL;)
        collect_slice(m, item->value);
    qsort(m->wrong, m->nwrong, sizeof m->wrong[0], compare_wrong);
}

static void sort_once(struct merge *m)
{
    unsigned n = 0;

    qsort(m->at, m->n, sizeof m->at[0], compare);
    for (unsigned i = 0; i < m->n; i++)
        if (n == 0 || compare_place(&m->at[n - 1], &m->at[i]) != 0)
            m->at[n++] = m->at[i];
    m->n = n;
}

/* --- what moves --- */

/* Whether another slice may come to name what this one has lost. */
static bool may_move(const struct merge *m, enum kube_family family)
{
    return m->families[family] > 1 || m->before->families[family] > 1;
}

static void keep_one(struct merge *m, const struct kube_kept *was, sc_msec *first)
{
    struct kube_kept k = *was;

    if (k.until == 0 && k.of->at.state != EP_CRITICAL && may_move(m, k.of->family))
        k.until = m->now + KUBE_HANDOVER;
    if (k.until <= m->now)
        return;
    m->at[m->n++] = k;
    if (*first == 0 || k.until < *first)
        *first = k.until;
}

/* Both in order. Returns when the first of those kept is to go; 0: none is kept. */
static sc_msec keep_moving(struct merge *m)
{
    unsigned n = m->n, i = 0;
    sc_msec first = 0;

    for (unsigned k = 0; k < m->before->nkept; k++) {
        const struct kube_kept *was = &m->before->kept[k];

        while (i < n && compare_place(&m->at[i], was) < 0)
            i++;
        if (i == n || compare_place(&m->at[i], was) != 0)
            keep_one(m, was, &first);
    }
    qsort(m->at, m->n, sizeof m->at[0], compare);
    return first;
}

/* --- several addresses of one endpoint --- */

static bool is_dual(const struct merge *m)
{
    unsigned kinds = 0;

    for (unsigned i = 0; i < KUBE_BOTH; i++)
        kinds += m->families[i] > 0;
    return m->prefer->family != KUBE_BOTH && kinds > 1 && m->families[m->prefer->family] > 0;
}

/* The endpoint that is reached at an address of the preferred kind, too, and there as well as here. */
static bool has_better(const struct map *preferred, const struct kube_endpoint *e, enum kube_family family)
{
    const struct kube_endpoint *other = e->whose == NULL || e->family == family ? NULL
                                        : map_get(preferred, str_of(e->whose));

    return other != NULL && badness(other->at.state) <= badness(e->at.state);
}

static void prefer_family(struct merge *m)
{
    enum kube_family family = m->prefer->family;
    struct map preferred = MAP_INIT;
    struct kube_kept *all;
    unsigned n = 0;

    if (!is_dual(m))
        return;
    all = xcalloc(m->n + 1, sizeof *all);
    for (unsigned i = 0; i < m->n; i++)
        if (m->at[i].of->family == family && m->at[i].of->whose != NULL)
            map_put(&preferred, str_of(m->at[i].of->whose), (void *)m->at[i].of);
    for (unsigned i = 0; i < m->n; i++)
        if (!has_better(&preferred, m->at[i].of, family))
            all[n++] = m->at[i];
    map_fini(&preferred);
    free(m->at);
    m->at = all;
    m->n = n;
}

/* --- hints --- */

struct topology {
    bool by_node, by_zone;
};

/* As kube-proxy does it: hints count when all that are ready have them and one is for us. */
static struct topology read_topology(const struct merge *m)
{
    bool all_nodes = true, all_zones = true, node = false, zone = false;

    for (unsigned i = 0; i < m->n; i++) {
        const struct kube_endpoint *e = m->at[i].of;

        if (e->at.state != EP_READY)
            continue;
        all_nodes &= e->node_hints;
        all_zones &= e->zone_hints;
        node |= e->for_node;
        zone |= e->for_zone;
    }
    return (struct topology){ m->prefer->hints && all_nodes && node, m->prefer->hints && all_zones && zone };
}

/* Our node before our zone before all others. Those that are about to end serve when nobody else can, wherever they are. */
static uint16_t tier_of(const struct kube_endpoint *e, struct topology t)
{
    if (e->at.state == EP_SERVING_TERMINATING || (t.by_node && e->for_node))
        return 0;
    if (t.by_zone && e->for_zone)
        return 1;
    return t.by_node || t.by_zone ? 2 : 0;
}

/* --- the result --- */

static void write_down(struct kube_merged *to, const struct merge *m)
{
    struct topology topology = read_topology(m);

    to->at = xcalloc(m->n + m->nwrong + 1, sizeof to->at[0]);
    for (unsigned i = 0; i < m->n; i++) {
        to->at[i] = m->at[i].of->at;
        to->at[i].tier = tier_of(m->at[i].of, topology);
    }
    for (unsigned i = 0; i < m->nwrong; i++)
        to->at[m->n + i] = *m->wrong[i];
    if (m->slices->unnamed > 0)
        to->at[m->n + m->nwrong] = (struct endpoint){ .wrong = "the list holds something that is no EndpointSlice" };
    to->n = m->n + m->nwrong + (m->slices->unnamed > 0);
}

static void keep_all(struct kube_merged *to, const struct merge *m)
{
    to->kept = xrealloc(m->at, (m->n + 1) * sizeof m->at[0]);
    to->nkept = m->n;
    for (unsigned i = 0; i < m->n; i++)
        to->kept[i].slice->refs++;
    memcpy(to->families, m->families, sizeof to->families);
}

void kube_merged_taken(struct kube_merged *m)
{
    free(m->at);
    m->at = NULL;
    m->n = 0;
}

void kube_merged_fini(struct kube_merged *m)
{
    kube_merged_taken(m);
    for (unsigned i = 0; i < m->nkept; i++)
        kube_slice_unref(&m->kept[i].slice);
    free(m->kept);
    *m = (struct kube_merged){ .n = 0 };
}

void kube_merge(struct kube_merged *to, const struct kube_slices *s, const struct kube_prefer *prefer, sc_msec now)
{
    struct merge m = { .slices = s, .before = to, .prefer = prefer, .now = now };
    struct kube_merged next = { .n = 0 };

    collect(&m);
    sort_once(&m);
    next.until = keep_moving(&m);
    prefer_family(&m);
    write_down(&next, &m);
    keep_all(&next, &m);
    kube_merged_fini(to);
    *to = next;
    free(m.wrong);
}
