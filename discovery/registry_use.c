/* discovery/registry_use.c - the registries in use.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/registry_use.h"

#include "base/alloc.h"
#include "discovery/plan.h"
#include "discovery/service.h"

#include <stdlib.h>

void registry_uses_init(struct registry_uses *all, struct loop *loop, struct curlmux *curl)
{
    list_init(&all->all);
    all->loop = loop;
    all->curl = curl;
    all->plans = 0;
}

void registry_uses_begin(struct registry_uses *all)
{
    all->plans++;
}

static struct registry_use *find(const struct registry_uses *all, const struct registry *conf)
{
    list_each(it, &all->all) {
        struct registry_use *use = list_entry(it, struct registry_use, link);

        if (registry_same(use->conf, conf))
            return use;
    }
    return NULL;
}

static struct registry_use *add(struct registry_uses *all, const struct registry *conf)
{
    struct registry_use *use = xnew(struct registry_use);

    use->live = (struct registry_live){ .provider = conf->provider, .loop = all->loop, .curl = all->curl,
                                         .node = all->node, .zone = all->zone };
    list_push(&all->all, &use->link);
    return use;
}

struct registry_use *registry_uses_get(struct registry_uses *all, const struct registry *conf)
{
    struct registry_use *use;

    if (conf == NULL)
        return NULL;
    use = find(all, conf);
    if (use == NULL)
        use = add(all, conf);
    use->conf = conf;                   /* the old plan will be gone soon */
    use->live.name = conf->name;
    use->live.conf = conf->conf;
    use->seen = all->plans;
    discovery_plan_let_go(&use->plan);
    return use;
}

void registry_uses_sweep(struct registry_uses *all)
{
    list_each(it, &all->all) {
        struct registry_use *use = list_entry(it, struct registry_use, link);

        if (use->users == 0) {
            list_remove(&use->link);
            discovery_plan_let_go(&use->plan);
            free(use);
        }
    }
}

void registry_uses_hold(struct registry_uses *all, struct discovery_plan *old)
{
    list_each(it, &all->all) {
        struct registry_use *use = list_entry(it, struct registry_use, link);

        if (use->seen != all->plans && use->plan == NULL && old != NULL)
            use->plan = discovery_plan_hold(old);
    }
}

void registry_take(struct registry_use *r)
{
    if (r->users++ == 0 && r->live.provider->open != NULL)
        r->live.provider->open(&r->live);
}

void registry_leave(struct registry_use *r)
{
    if (--r->users == 0 && r->live.provider->close != NULL)
        r->live.provider->close(&r->live);
}
