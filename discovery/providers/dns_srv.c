/* discovery/providers/dns_srv.c - from the records of an answer to targets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/dns_srv.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

enum { FACTOR_MAX = 100 };      /* so that a weight of 0 is small beside the others, and parts of weights are not */

/* --- addresses --- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static unsigned sort(const char **at, unsigned n)
{
    unsigned kept = 0;

    qsort(at, n, sizeof *at, by_text);
    for (unsigned i = 0; i < n; i++)
        if (kept == 0 || strcmp(at[kept - 1], at[i]) != 0)
            at[kept++] = at[i];
    return kept;
}

void dns_host_add(struct arena *a, struct dns_host *h, const struct dns_message *m)
{
    const char **at = arena_alloc(a, (h->n + m->n + 1) * sizeof *at);

    for (unsigned i = 0; i < h->n; i++)
        at[i] = h->at[i];
    for (unsigned i = 0; i < m->n; i++)
        at[h->n + i] = m->at[i].host;
    h->n = sort(at, h->n + m->n);
    h->at = at;
}

struct dns_host *dns_host_copy(struct arena *a, const struct dns_host *h)
{
    struct dns_host *copy = arena_alloc(a, sizeof *copy);

    *copy = (struct dns_host){ .name = arena_dupz(a, str_of(h->name)), .n = h->n };
    copy->at = arena_alloc(a, (h->n + 1) * sizeof *copy->at);
    for (unsigned i = 0; i < h->n; i++)
        copy->at[i] = arena_dupz(a, str_of(h->at[i]));
    return copy;
}

struct endpoint *dns_address_endpoints(struct arena *a, const struct dns_message *m, uint16_t port, unsigned *n)
{
    struct endpoint *all = arena_zero(a, (m->n + 1) * sizeof *all);
    struct dns_host h = { .n = 0 };

    dns_host_add(a, &h, m);
    for (unsigned i = 0; i < h.n; i++)
        all[i] = (struct endpoint){ .host = h.at[i], .port = port, .weight = ENDPOINT_WEIGHT };
    *n = h.n;
    return all;
}

/* --- SRV --- */

static int compare(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

static int by_record(const void *a, const void *b)
{
    const struct dns_record *x = a, *y = b;
    int order = compare(x->priority, y->priority);

    if (order == 0)
        order = strcmp(x->host, y->host);
    if (order == 0)
        order = compare(x->port, y->port);
    return order != 0 ? order : compare(x->weight, y->weight);
}

static const struct dns_host *host_of(const struct map *by_name, const struct dns_record *r)
{
    return map_get(by_name, str_of(r->host));
}

/* What a weight of the priority that begins at `at` is multiplied with: 1, unless there are zeros beside others, or weights
 * that have to be divided; 0: all of them are 0. */
static uint32_t factor_of(const struct map *by_name, const struct dns_record *at, unsigned n)
{
    bool exact = true;
    uint32_t most = 0;

    for (unsigned i = 0; i < n && at[i].priority == at->priority; i++) {
        const struct dns_host *h = host_of(by_name, &at[i]);

        exact &= at[i].weight > 0 && (h == NULL || h->n < 2);
        if (at[i].weight > most)
            most = at[i].weight;
    }
    if (most == 0 || exact)
        return most == 0 ? 0 : 1;
    return ENDPOINT_WEIGHT_MAX / most < FACTOR_MAX ? ENDPOINT_WEIGHT_MAX / most : FACTOR_MAX;
}

static uint32_t weight_of(const struct dns_record *r, uint32_t factor, unsigned addresses)
{
    uint32_t whole = factor == 0 ? ENDPOINT_WEIGHT : r->weight * factor;

    return whole < addresses ? 1 : (whole + addresses / 2) / addresses;
}

struct list {
    struct arena *arena;
    struct endpoint *at;
    unsigned n, room;
};

static struct endpoint *add(struct list *l)
{
    if (l->n == l->room) {
        struct endpoint *more = arena_zero(l->arena, (l->room * 2 + 16) * sizeof *more);

        if (l->n > 0)
            memcpy(more, l->at, l->n * sizeof *more);
        l->at = more;
        l->room = l->room * 2 + 16;
    }
    return &l->at[l->n++];
}

static void add_record(struct list *l, const struct dns_record *r, const struct dns_host *h, uint32_t factor)
{
    struct endpoint e = { .id = r->host, .host = r->host, .port = r->port, .tier = r->priority, .weight = 1 };

    e.wrong = r->wrong != NULL ? r->wrong : h == NULL ? "more hosts than one answer may name" :
              h->wrong != NULL ? h->wrong : r->port == 0 ? "port 0" : NULL;
    if (e.wrong != NULL) {
        *add(l) = e;
        return;
    }
    for (unsigned i = 0; i < h->n; i++) {
        e.host = h->at[i];
        e.weight = weight_of(r, factor, h->n);
        *add(l) = e;
    }
}

static void index_hosts(struct map *by_name, const struct dns_host *hosts, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        map_put(by_name, str_of(hosts[i].name), (void *)&hosts[i]);
}

struct endpoint *dns_srv_endpoints(struct arena *a, const struct dns_message *m, const struct dns_host *hosts,
                                   unsigned nhosts, unsigned *n)
{
    struct dns_record *at = arena_alloc(a, (m->n + 1) * sizeof *at);
    struct list l = { .arena = a };
    struct map by_name = MAP_INIT;
    uint32_t factor = 0;

    memcpy(at, m->at, m->n * sizeof *at);
    qsort(at, m->n, sizeof *at, by_record);
    index_hosts(&by_name, hosts, nhosts);
    for (unsigned i = 0; i < m->n; i++) {
        if (i == 0 || at[i].priority != at[i - 1].priority)
            factor = factor_of(&by_name, at + i, m->n - i);
        if (at[i].host[0] != '\0')
            add_record(&l, &at[i], host_of(&by_name, &at[i]), factor);
    }
    map_fini(&by_name);
    *n = l.n;
    return l.at;
}
