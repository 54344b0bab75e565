/* policy/instance.c - one configured policy: its configuration and its states.
 * SPDX-License-Identifier: Apache-2.0 */
#include "policy/instance.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/refs.h"

#include <assert.h>
#include <stdlib.h>

static unsigned count_counters(const struct sc_policy *p)
{
    unsigned n = 0;

    while (p->counters != NULL && p->counters[n].name != NULL)
        n++;
    return n;
}

static bool is_equal(const struct policy_instance *i, const struct policy_entry *entry, unsigned nworkers)
{
    return i->policy == entry->policy && i->nworkers == nworkers && str_eq(i->conf->identity, entry->conf->identity);
}

static void *aligned_zero(size_t n)
{
    size_t whole = (n + 63) & ~(size_t)63;
    void *p = aligned_alloc(64, whole);

    if (p == NULL)
        abort();
    return memset(p, 0, whole);
}

/* Counters of one worker stand together on lines of their own: two workers never write to the same one. */
static void give_counters(struct policy_instance *i)
{
    for (unsigned w = 0; i->ncounters > 0 && w < i->nworkers; w++)
        i->slots[w].counters = aligned_zero(i->ncounters * sizeof(uint64_t));
}

static void instance_free(struct policy_instance *i)
{
    for (unsigned w = 0; w < i->nworkers; w++) {
        assert(i->slots[w].users == 0);
        free(i->slots[w].counters);
    }
    policy_conf_unref(&i->conf);
    free(i->scope);
    free(i->id);
    free(i);
}

struct policy_instance *instance_open(const struct policy_entry *entry, const char *scope, unsigned nworkers,
                                      struct policy_instance *like, struct sc_error *e)
{
    const struct sc_policy *p = entry->policy;
    struct policy_instance *i;

    if (like != NULL && is_equal(like, entry, nworkers))
        return instance_ref(like);
    i = aligned_zero(sizeof *i + nworkers * sizeof i->slots[0]);
    refs_init(&i->refs);
    i->policy = p;
    i->scope = xstrdup(scope);
    i->id = xstrdup(entry->id);
    i->conf = policy_conf_ref(entry->conf);
    i->rank = p->rank_of != NULL ? p->rank_of(i->conf->conf) : p->rank;
    i->ncounters = count_counters(p);
    i->nworkers = nworkers;
    give_counters(i);
    if (p->open != NULL &&
        !p->open(i->conf->conf, like != NULL && like->policy == p ? like->shared : NULL, &i->shared, e)) {
        instance_free(i);
        return NULL;
    }
    return i;
}

struct policy_instance *instance_ref(struct policy_instance *i)
{
    refs_get(&i->refs);
    return i;
}

void instance_unref(struct policy_instance **instance)
{
    struct policy_instance *i = *instance;

    *instance = NULL;
    if (i == NULL || !refs_put(&i->refs))
        return;
    if (i->policy->close != NULL)
        i->policy->close(i->shared);
    instance_free(i);
}

static struct sc_self self_of(const struct policy_instance *i, const struct instance_slot *slot)
{
    return (struct sc_self){ .conf = i->conf->conf, .shared = i->shared, .worker = slot->state,
                             .counters = slot->counters };
}

void instance_worker_open(struct policy_instance *i, unsigned worker, struct sc_worker *w)
{
    struct instance_slot *slot = &i->slots[worker];
    struct sc_self self = self_of(i, slot);

    assert(worker < i->nworkers);
    if (slot->users++ > 0 || i->policy->worker_open == NULL)
        return;
    slot->broken = !i->policy->worker_open(&self, w);
    slot->state = self.worker;
    if (slot->broken)
        log_error("policy %s%s%s of %s could not start on worker %u", i->policy->name, i->id[0] != '\0' ? " " : "",
                  i->id, i->scope[0] != '\0' ? i->scope : "all routes", worker);
}

void instance_worker_close(struct policy_instance *i, unsigned worker, struct sc_worker *w)
{
    struct instance_slot *slot = &i->slots[worker];
    struct sc_self self = self_of(i, slot);

    assert(worker < i->nworkers && slot->users > 0);
    if (--slot->users > 0)
        return;
    if (i->policy->worker_close != NULL && !slot->broken)
        i->policy->worker_close(&self, w);
    slot->state = NULL;
    slot->broken = false;
}

uint64_t instance_counter(const struct policy_instance *i, unsigned index)
{
    uint64_t sum = 0;

    for (unsigned w = 0; index < i->ncounters && w < i->nworkers; w++)
        sum += __atomic_load_n(&i->slots[w].counters[index], __ATOMIC_RELAXED);
    return sum;
}

/* One writer, the worker; readers add up. */
void sc_count(const struct sc_self *self, unsigned index, uint64_t n)
{
    uint64_t *at = &self->counters[index];

    __atomic_store_n(at, __atomic_load_n(at, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

uint64_t sc_random(void)
{
    return rand_u64();
}
