/* discovery/providers/kube_watch.c - the EndpointSlices of one service, followed: a list, then a watch from there on.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The list says what there is and as of which version; the watch says what became of it since. A watch that ends is opened
 * again at the version it had come to. Only when the server does not know that version any more, or when a watch made no
 * sense, there is a list again: not older than what is known, and only if that cannot be had the newest there is, which
 * costs the cluster's store more. */
#include "discovery/providers/kube_priv.h"

#include "base/alloc.h"
#include "base/log.h"
#include "conf/data.h"
#include "discovery/providers/kube_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPORT_PACE = 50,               /* ms between two reports: a slice comes alone, a hundred come at once */
    PAGES_MAX = 1000,
    EVENT_MAX = 8 << 20,            /* bytes; the cluster's store takes objects of 1.5 MiB */
};

static const struct kube_conf *conf_of(const struct watch *w)
{
    return w->registry->conf;
}

static void set_text(char **to, const char *text)
{
    char *copy = xstrdup(text);

    free(*to);
    *to = copy;
}

/* --- versions --- */

uint64_t kube_number_of(const char *version)
{
    unsigned long long n;

    return str_u64(str_of(version), &n) ? n : 0;
}

void kube_set_version(struct kube_watch *k, const char *version)
{
    set_text(&k->version, version);
    k->watch->index = kube_number_of(version);
}

/* --- reports --- */

static void report_within(struct kube_watch *k, sc_msec delay)
{
    if (!k->report.pending || k->report.at > loop_now(k->watch->loop) + delay)
        timer_start(k->watch->loop, &k->report, delay);
}

static void report(struct kube_watch *k)
{
    const struct kube_source *source = k->watch->conf;
    const struct kube_prefer prefer = { (enum kube_family)source->family, source->hints };
    sc_msec now = loop_now(k->watch->loop);

    timer_stop(&k->report);
    k->reported = now;
    kube_merge(&k->merged, &k->slices, &prefer, now);
    watch_report(k->watch, k->merged.at, k->merged.n, "registry");
    kube_merged_taken(&k->merged);
    if (k->merged.until > 0)
        report_within(k, k->merged.until - now);
}

static void on_report(struct timer *t)
{
    report(list_entry(t, struct kube_watch, report));
}

void kube_report_soon(struct kube_watch *k)
{
    sc_msec next = k->reported + REPORT_PACE, now = loop_now(k->watch->loop);

    report_within(k, next > now ? next - now : 0);
}

/* --- calls --- */

static void drop_pages(struct kube_watch *k)
{
    kube_slices_fini(&k->coming);
    set_text(&k->next, NULL);
    k->pages = 0;
}

void kube_list_again(struct kube_watch *k, enum kube_freshness freshness)
{
    drop_pages(k);
    k->watching = false;
    k->freshness = k->version == NULL && freshness == LIST_NOT_OLDER ? LIST_ANY : freshness;
}

/* --- the list --- */

struct kube_slice *kube_read_slice(const struct kube_watch *k, const struct data *object)
{
    const struct kube_source *source = k->watch->conf;
    const struct registry_live *live = k->watch->registry;
    const struct kube_want want = { source->port, live->node, live->zone };

    return kube_slice_new(object, &want);
}

static void take_item(struct kube_watch *k, const struct data *item)
{
    if (kube_slice_name(item) == NULL)
        k->coming.unnamed++;
    else
        kube_slices_put(&k->coming, kube_read_slice(k, item));
}

static void end_list(struct kube_watch *k, const char *version)
{
    kube_slices_fini(&k->slices);
    k->slices = k->coming;
    k->coming = (struct kube_slices){ .unnamed = 0 };
    drop_pages(k);
    kube_set_version(k, version);
    k->watching = true;
    k->freshness = LIST_NOT_OLDER;
    report(k);
}

void kube_refuse(struct rest_verdict *v, const char *text)
{
    v->ok = false;
    snprintf(v->error, sizeof v->error, "%s", log_safe(str_of(text)));
}

static void take_page(struct kube_watch *k, const struct fetch *f, struct rest_verdict *v)
{
    struct sc_error e = SC_ERROR_INIT;
    struct kube_page page;

    if (!kube_page_read(&page, fetch_body(f), &e)) {
        kube_refuse(v, e.text);
        return;
    }
    for (size_t i = 0; i < data_size(page.items) && !kube_is_too_much(&k->coming); i++)
        take_item(k, data_at(page.items, i));
    if (kube_is_too_much(&k->coming) || (page.next != NULL && ++k->pages >= PAGES_MAX)) {
        kube_refuse(v, "more endpoints than one service may have");
    } else {
        v->ok = true;
        if (page.next != NULL)
            set_text(&k->next, page.next);
        else
            end_list(k, page.version);
    }
    kube_page_fini(&page);
}

static void on_answered(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v)
{
    struct kube_watch *k = kube_watch_of(c);

    k->switched = false;
    if (k->watching)
        kube_end_watch(k, v);
    else
        take_page(k, f, v);
}

/* --- refusals --- */

static void describe(const struct fetch *f, struct rest_verdict *v)
{
    char *message = kube_status_message(fetch_body(f));

    if (message == NULL)
        rest_describe(f, v->error, sizeof v->error);
    else
        snprintf(v->error, sizeof v->error, "HTTP %u: %s", fetch_status(f), log_safe(str_of(message)));
    free(message);
}

/* No such version of the group: then the other one, once. */
static bool switch_version(struct kube_watch *k, struct rest_verdict *v)
{
    k->beta = !k->beta;
    k->switched = !k->switched;
    kube_list_again(k, LIST_NOT_OLDER);
    v->ok = k->switched;
    if (!v->ok)
        kube_refuse(v, "HTTP 404: neither discovery.k8s.io/v1 nor v1beta1 is there");
    return true;
}

/* 410: too old, or the next page is no more to be had. 504 to a list that must not be older: the server is behind us, for
 * the moment or for good. */
static bool on_refused(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v)
{
    struct kube_watch *k = kube_watch_of(c);

    switch (fetch_status(f)) {
    case 404:
        return switch_version(k, v);
    case 410:
        kube_expire(k, k->watching ? LIST_NOT_OLDER : LIST_NEWEST, v);
        return true;
    case 504:
        if (!k->watching)
            k->freshness = LIST_NEWEST;
        break;
    }
    describe(f, v);
    return true;
}

/* A list that was begun is begun anew, a watch goes on where it was. */
static void on_failed(struct rest_caller *c, const char *text)
{
    (void)text;
    drop_pages(kube_watch_of(c));
}

/* --- the life of a watch --- */

bool kube_is_name(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
              (name[i] >= '0' && name[i] <= '9') || (name[i] == '-' && i > 0 && i + 1 < n)))
            return false;
    return n > 0 && n <= 63;
}

void kube_watch_start(struct watch *w)
{
    struct kube_watch *k = xnew(struct kube_watch);

    k->watch = w;
    k->caller = (struct rest_caller){ .rest = w->registry->state, .watch = w, .ask = kube_ask, .answered = on_answered,
                                      .piece = kube_piece, .refused = on_refused, .failed = on_failed };
    k->report.fn = on_report;
    lines_init(&k->lines, EVENT_MAX);
    w->state = k;
    w->interval = conf_of(w)->wait;
    k->asks = kube_is_name(kube_service_of(w));
    if (k->asks)
        rest_start(&k->caller);
    else
        watch_failed(w, "no service of Kubernetes can have the name `%s`", log_safe(str_of(kube_service_of(w))));
}

void kube_watch_stop(struct watch *w)
{
    struct kube_watch *k = w->state;

    w->state = NULL;
    timer_stop(&k->report);
    if (k->asks)
        rest_stop(&k->caller);
    drop_pages(k);
    kube_slices_fini(&k->slices);
    kube_merged_fini(&k->merged);
    lines_fini(&k->lines);
    free(k->version);
    loop_free_later(w->loop, k);
}
