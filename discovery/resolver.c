/* discovery/resolver.c - host names and the addresses behind them, kept fresh.
 * SPDX-License-Identifier: Apache-2.0
 *
 * getaddrinfo() is asked, and not a library of our own: it knows what the system's administrator wrote into hosts,
 * resolv.conf and nsswitch.conf. It does not tell how long its answer is good for, hence the fixed interval. */
#include "discovery/resolver.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/map.h"
#include "base/rand.h"
#include "loop/offload.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resolver {
    struct loop *loop;
    struct offload *offload;
    struct map names;               /* of struct name */
};

struct name {
    struct resolver *resolver;
    struct link users;
    struct timer again;
    struct lookup *lookup;          /* under way, or NULL */
    bool answered;
    sc_msec pause;                  /* before the next try after a failure */
    char error[128];                /* "": the last one succeeded */
    unsigned n;
    struct address *at;
    char host[];
};

/* Travels to a helper and back; knows nothing that could go away meanwhile. */
struct lookup {
    struct offload_job job;
    struct name *name;              /* the discovery thread's */
    int result, error;              /* of getaddrinfo; errno for EAI_SYSTEM */
    unsigned n;
    struct address at[RESOLVER_ADDRESSES_MAX];
    char host[];
};

/* --- on a helper --- */

static int by_text(const void *a, const void *b)
{
    char x[ADDRESS_TEXT_MAX], y[ADDRESS_TEXT_MAX];
    const struct address *p = a, *q = b;

    if (p->sa.ss_family != q->sa.ss_family)             /* IPv4 first */
        return p->sa.ss_family == AF_INET ? -1 : 1;
    address_print(x, (const struct sockaddr *)&p->sa);
    address_print(y, (const struct sockaddr *)&q->sa);
    return strcmp(x, y);
}

/* Servers turn their answers round to spread the load; ours is spread already, so a fixed order is worth more. */
static void sort(struct lookup *l)
{
    unsigned kept = 0;

    qsort(l->at, l->n, sizeof l->at[0], by_text);
    for (unsigned i = 0; i < l->n; i++)
        if (kept == 0 || by_text(&l->at[kept - 1], &l->at[i]) != 0)
            l->at[kept++] = l->at[i];
    l->n = kept;
}

static void work(struct offload_job *job)
{
    struct lookup *l = list_entry(job, struct lookup, job);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *all = NULL;

    l->result = getaddrinfo(l->host, NULL, &hints, &all);
    l->error = errno;
    if (l->result != 0)
        return;
    for (struct addrinfo *a = all; a != NULL && l->n < RESOLVER_ADDRESSES_MAX; a = a->ai_next)
        if (address_of(&l->at[l->n], a->ai_addr, a->ai_addrlen))
            l->n++;
    freeaddrinfo(all);
    sort(l);
}

static void drop(struct offload_job *job)
{
    free(list_entry(job, struct lookup, job));
}

/* --- on the discovery thread --- */

static void tell(struct name *n)
{
    list_each(it, &n->users) {
        struct name_user *u = list_entry(it, struct name_user, link);

        u->changed(u);
    }
}

static bool same_addresses(const struct name *n, const struct lookup *l)
{
    if (n->n != l->n)
        return false;
    for (unsigned i = 0; i < l->n; i++)
        if (!address_equal(&n->at[i], &l->at[i]))
            return false;
    return true;
}

static bool take(struct name *n, const struct lookup *l)
{
    bool changed = !n->answered || !same_addresses(n, l);

    if (n->error[0] != '\0')
        log_info("discovery: %s is resolved again", n->host);
    n->error[0] = '\0';
    n->pause = RESOLVER_RETRY;
    n->n = l->n;
    n->at = xrealloc(n->at, (l->n + 1) * sizeof n->at[0]);
    memcpy(n->at, l->at, l->n * sizeof n->at[0]);
    return changed;
}

static bool fail(struct name *n, const struct lookup *l)
{
    bool first = !n->answered, news = n->error[0] == '\0';

    snprintf(n->error, sizeof n->error, "%s",
             l->result == 0 ? "no address" : l->result == EAI_SYSTEM ? strerror(l->error) : gai_strerror(l->result));
    if (news)
        log_warn("discovery: %s cannot be resolved: %s%s", n->host, n->error,
                 n->n > 0 ? "; the last answer is kept" : "");
    return first;
}

static void done(struct offload_job *job)
{
    struct lookup *l = list_entry(job, struct lookup, job);
    struct name *n = l->name;
    bool good = l->result == 0 && l->n > 0, news = good ? take(n, l) : fail(n, l);
    sc_msec pause = good ? RESOLVER_INTERVAL : n->pause;

    free(l);
    n->lookup = NULL;
    n->answered = true;
    if (!good)
        n->pause = n->pause * 2 > RESOLVER_INTERVAL ? RESOLVER_INTERVAL : n->pause * 2;
    timer_start(n->resolver->loop, &n->again, pause - pause / 20 + (sc_msec)rand_below((uint64_t)pause / 10));
    if (news)
        tell(n);
}

static void look_up(struct timer *t)
{
    struct name *n = list_entry(t, struct name, again);
    size_t size = strlen(n->host) + 1;
    struct lookup *l = xcalloc(1, sizeof *l + size);

    l->job = (struct offload_job){ .work = work, .done = done, .drop = drop };
    l->name = n;
    memcpy(l->host, n->host, size);
    if (offload_submit(n->resolver->offload, n->resolver->loop, &l->job)) {
        n->lookup = l;
        return;
    }
    free(l);                        /* the helpers are behind */
    timer_start(n->resolver->loop, &n->again, RESOLVER_RETRY);
}

static struct name *name_new(struct resolver *r, const char *host)
{
    size_t size = strlen(host) + 1;
    struct name *n = xcalloc(1, sizeof *n + size);

    n->resolver = r;
    list_init(&n->users);
    n->again.fn = look_up;
    n->pause = RESOLVER_RETRY;
    memcpy(n->host, host, size);
    return n;
}

static void name_free(struct name *n)
{
    struct resolver *r = n->resolver;

    map_remove(&r->names, str_of(n->host));
    timer_stop(&n->again);
    if (n->lookup != NULL)
        offload_cancel(r->offload, &n->lookup->job);
    free(n->at);
    free(n);
}

struct resolver *resolver_new(struct loop *loop, struct offload *offload)
{
    struct resolver *r = xnew(struct resolver);

    *r = (struct resolver){ loop, offload, MAP_INIT };
    return r;
}

void resolver_free(struct resolver **rp)
{
    struct resolver *r = *rp;
    struct map_item *item;

    *rp = NULL;
    if (r == NULL)
        return;
    for (unsigned i = 0; (item = map_next(&r->names, &i)) != NULL;)
        name_free(item->value);
    map_fini(&r->names);
    free(r);
}

void resolver_use(struct resolver *r, const char *host, struct name_user *u)
{
    struct name *n = map_get(&r->names, str_of(host));

    if (n == NULL) {
        n = name_new(r, host);
        map_put(&r->names, str_of(host), n);
        look_up(&n->again);
    }
    u->name = n;
    list_push(&n->users, &u->link);
}

void resolver_leave(struct name_user *u)
{
    struct name *n = u->name;

    list_remove(&u->link);
    u->name = NULL;
    if (list_empty(&n->users))
        name_free(n);
}

const struct address *name_addresses(const struct name *n, unsigned *count)
{
    *count = n->n;
    return n->at;
}

bool name_answered(const struct name *n)
{
    return n->answered;
}

const char *name_error(const struct name *n)
{
    return n->error[0] == '\0' ? NULL : n->error;
}
