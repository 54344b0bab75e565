/* discovery/providers/static.c - targets stated in the configuration.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/provider.h"

#include "base/alloc.h"

#include <stdlib.h>

static void watch(struct watch *w)
{
    const struct sc_list *targets = w->conf;
    const struct endpoint_conf *list = targets->at;
    struct endpoint *all = xcalloc(targets->n + 1, sizeof *all);

    for (unsigned i = 0; i < targets->n; i++)
        all[i] = endpoint_of(&list[i]);
    watch_report(w, all, targets->n, "configuration");
    free(all);
}

static void unwatch(struct watch *w)
{
    (void)w;
}

const struct provider provider_static = {
    .name = "static",
    .summary = "Targets stated in the configuration.",
    .watch = watch, .unwatch = unwatch,
};
