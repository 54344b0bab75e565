/* discovery/providers/kube_ask.c - what is asked of the API server: a page of a list, or a watch.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/kube_priv.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ANSWER_TIME = 15000,            /* ms beyond what a watch may take, and for a page of a list */
    TURN = 1000,                    /* ms that a watch takes when others wait for its connection */
    PAGE = 500,                     /* slices in one page */
};

static const struct kube_conf *conf_of(const struct watch *w)
{
    return w->registry->conf;
}

static void ask_list(const struct kube_watch *k, struct rest_ask *to)
{
    char number[16];

    snprintf(number, sizeof number, "%d", PAGE);
    rest_add_query(&to->path, "limit", number);
    if (k->next != NULL)
        rest_add_query(&to->path, "continue", k->next);
    else if (k->freshness == LIST_ANY)
        rest_add_query(&to->path, "resourceVersion", "0");
    else if (k->freshness == LIST_NOT_OLDER) {
        rest_add_query(&to->path, "resourceVersion", k->version);
        rest_add_query(&to->path, "resourceVersionMatch", "NotOlderThan");
    }
    to->timeout = ANSWER_TIME;
}

/* In whole seconds, which is what the server counts in. */
static void ask_watch(struct kube_watch *k, struct rest_ask *to)
{
    sc_msec wait = rest_is_crowded(k->caller.rest) ? TURN : jitter(conf_of(k->watch)->wait);
    sc_msec seconds = wait < 1000 ? 1 : wait / 1000;
    char number[32];

    snprintf(number, sizeof number, "%lld", (long long)seconds);
    rest_add_query(&to->path, "watch", "true");
    rest_add_query(&to->path, "allowWatchBookmarks", "true");
    rest_add_query(&to->path, "resourceVersion", k->version);
    rest_add_query(&to->path, "timeoutSeconds", number);
    lines_reset(&k->lines);
    to->stream = true;
    to->timeout = seconds * 1000 + ANSWER_TIME;
}

const char *kube_service_of(const struct watch *w)
{
    const struct kube_source *source = w->conf;

    return source->service != NULL ? source->service : w->service;
}

void kube_ask(struct rest_caller *c, struct rest_ask *to)
{
    struct kube_watch *k = kube_watch_of(c);
    const struct kube_source *source = k->watch->conf;
    char *selector = xasprintf("kubernetes.io/service-name=%s", kube_service_of(k->watch));

    buf_printf(&to->path, "/apis/discovery.k8s.io/%s/namespaces/", k->beta ? "v1beta1" : "v1");
    rest_add_escaped(&to->path, source->namespace != NULL ? source->namespace : conf_of(k->watch)->namespace);
    buf_puts(&to->path, "/endpointslices");
    rest_add_query(&to->path, "labelSelector", selector);
    if (k->watching)
        ask_watch(k, to);
    else
        ask_list(k, to);
    free(selector);
}
