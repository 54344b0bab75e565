/* discovery/providers/kube_watch.c - the EndpointSlices of one service, followed: a list, then a watch from there on.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The list says what there is and as of which version; the watch says what became of it since. A watch that ends is opened
 * again at the version it had come to. Only when the server does not know that version any more, or when a watch made no
 * sense, there is a list again: not older than what is known, and only if that cannot be had the newest there is, which
 * costs the cluster's store more. */
#include "discovery/providers/kube_watch.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/rand.h"
#include "conf/data.h"
#include "discovery/providers/kube_answer.h"
#include "discovery/providers/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_TIME = 15000,            /* ms beyond what a watch may take, and for a page of a list */
    TURN = 1000,                    /* ms that a watch takes when others wait for its connection */
    QUICK = 1000,                   /* ms: a watch that ends sooner did not watch */
    QUICK_PAUSE = 500, QUICK_PAUSE_MAX = 15000,
    LIST_SPREAD = 2000, LIST_SPREAD_MAX = 60000,    /* ms over which those who have to list again are spread */
    STEADY = 30000,                 /* ms: a watch that lasted so long was a good one */
    REPORT_PACE = 50,               /* ms between two reports: a slice comes alone, a hundred come at once */
    PAGE = 500,                     /* slices in one page */
    PAGES_MAX = 1000,
    EVENT_MAX = 8 << 20,            /* bytes; the cluster's store takes objects of 1.5 MiB */
    ENDPOINTS_MAX = 200000,
};

/* How new a list must be. */
enum freshness { LIST_ANY, LIST_NOT_OLDER, LIST_NEWEST };

struct kube_watch {
    struct rest_caller caller;
    struct watch *watch;
    bool watching;                  /* the next call is a watch, not a page of a list */
    bool beta;                      /* discovery.k8s.io/v1beta1 */
    bool switched;                  /* from one version of the group to the other, in vain so far */
    enum freshness freshness;
    unsigned relists, quick;        /* in a row */
    char *version;                  /* of what is known; NULL: nothing is */
    char *next;                     /* the page that comes next; NULL: the first */
    unsigned pages;
    bool asks;                      /* the service has a name that can be asked for */
    struct kube_slices slices, coming;      /* what is known; the pages so far */
    struct lines lines;
    struct kube_merged merged;
    struct timer report;
    sc_msec reported;
};

static struct kube_watch *watch_of(struct rest_caller *c)
{
    return list_entry(c, struct kube_watch, caller);
}

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

/* A version is a word of the server's; where it is a number, and it is one everywhere, it grows. */
static uint64_t number_of(const char *version)
{
    unsigned long long n;

    return str_u64(str_of(version), &n) ? n : 0;
}

static bool goes_back(const struct kube_watch *k, const char *version)
{
    return k->version != NULL && number_of(version) > 0 && number_of(version) < number_of(k->version);
}

static void set_version(struct kube_watch *k, const char *version)
{
    set_text(&k->version, version);
    k->watch->index = number_of(version);
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

static void report_soon(struct kube_watch *k)
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

/* What follows is a list, its first page first. */
static void list_again(struct kube_watch *k, enum freshness freshness)
{
    drop_pages(k);
    k->watching = false;
    k->freshness = k->version == NULL && freshness == LIST_NOT_OLDER ? LIST_ANY : freshness;
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

static const char *service_of(const struct watch *w)
{
    const struct kube_source *source = w->conf;

    return source->service != NULL ? source->service : w->service;
}

static void on_ask(struct rest_caller *c, struct rest_ask *to)
{
    struct kube_watch *k = watch_of(c);
    const struct kube_source *source = k->watch->conf;
    char *selector = xasprintf("kubernetes.io/service-name=%s", service_of(k->watch));

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

/* --- the list --- */

static struct kube_slice *read_slice(const struct kube_watch *k, const struct data *object)
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
        kube_slices_put(&k->coming, read_slice(k, item));
}

static void end_list(struct kube_watch *k, const char *version)
{
    kube_slices_fini(&k->slices);
    k->slices = k->coming;
    k->coming = (struct kube_slices){ .unnamed = 0 };
    drop_pages(k);
    set_version(k, version);
    k->watching = true;
    k->freshness = LIST_NOT_OLDER;
    report(k);
}

static void refuse(struct rest_verdict *v, const char *text)
{
    v->ok = false;
    snprintf(v->error, sizeof v->error, "%s", log_safe(str_of(text)));
}

static bool is_too_much(const struct kube_slices *s)
{
    return s->size > ENDPOINTS_MAX;
}

static void take_page(struct kube_watch *k, const struct fetch *f, struct rest_verdict *v)
{
    struct sc_error e = SC_ERROR_INIT;
    struct kube_page page;

    if (!kube_page_read(&page, fetch_body(f), &e)) {
        refuse(v, e.text);
        return;
    }
    for (size_t i = 0; i < data_size(page.items) && !is_too_much(&k->coming); i++)
        take_item(k, data_at(page.items, i));
    if (is_too_much(&k->coming) || (page.next != NULL && ++k->pages >= PAGES_MAX)) {
        refuse(v, "more endpoints than one service may have");
    } else {
        v->ok = true;
        if (page.next != NULL)
            set_text(&k->next, page.next);
        else
            end_list(k, page.version);
    }
    kube_page_fini(&page);
}

/* --- the watch --- */

static sc_msec lasted(const struct kube_watch *k)
{
    return loop_now(k->watch->loop) - k->caller.began;
}

static bool is_steady(const struct kube_watch *k)
{
    return k->watching && lasted(k) >= STEADY;
}

/* What was known is too old, or of another history. Everybody who watches hears so at the same time. */
static void expire(struct kube_watch *k, enum freshness freshness, struct rest_verdict *v)
{
    sc_msec spread = LIST_SPREAD;

    if (is_steady(k))
        k->relists = 0;
    for (unsigned i = 0; i < k->relists && spread < LIST_SPREAD_MAX; i++)
        spread *= 2;
    k->relists++;
    list_again(k, freshness);
    v->ok = true;
    v->pause = (sc_msec)rand_below((uint64_t)spread) + 1;
}

static bool take_change(struct kube_watch *k, const struct kube_event *ev, struct rest_verdict *v)
{
    if (goes_back(k, ev->version)) {
        expire(k, LIST_NEWEST, v);
        return false;
    }
    if (ev->kind == KUBE_CHANGED)
        kube_slices_put(&k->slices, read_slice(k, ev->object));
    else if (ev->kind == KUBE_DELETED)
        kube_slices_drop(&k->slices, kube_slice_name(ev->object));
    set_version(k, ev->version);
    if (is_too_much(&k->slices)) {
        list_again(k, LIST_NOT_OLDER);
        refuse(v, "more endpoints than one service may have");
        return false;
    }
    if (ev->kind == KUBE_BOOKMARK)
        watch_contact(k->watch);
    else
        report_soon(k);
    return true;
}

static bool take_event(struct kube_watch *k, const struct kube_event *ev, struct rest_verdict *v)
{
    if (ev->kind != KUBE_ERROR)
        return take_change(k, ev, v);
    if (ev->expired) {
        expire(k, LIST_NOT_OLDER, v);
        return false;
    }
    list_again(k, LIST_NOT_OLDER);
    refuse(v, ev->message);
    return false;
}

static bool take_line(struct kube_watch *k, struct sc_str line, struct rest_verdict *v)
{
    struct sc_error e = SC_ERROR_INIT;
    struct kube_event ev;
    bool on;

    if (!kube_event_read(&ev, line, &e)) {
        list_again(k, LIST_NOT_OLDER);
        refuse(v, e.text);
        return false;
    }
    on = take_event(k, &ev, v);
    kube_event_fini(&ev);
    return on;
}

/* The first piece is empty: the watch is open. */
static bool on_piece(struct rest_caller *c, struct sc_str piece, struct rest_verdict *v)
{
    struct kube_watch *k = watch_of(c);
    enum lines_got got;
    struct sc_str line;

    k->switched = false;
    if (piece.n == 0)
        watch_contact(k->watch);
    lines_feed(&k->lines, piece);
    while ((got = lines_next(&k->lines, &line)) == LINES_ONE)
        if (!take_line(k, line, v))
            return false;
    if (got == LINES_NO_MORE)
        return true;
    list_again(k, LIST_NOT_OLDER);
    refuse(v, "an event that is too long");
    return false;
}

static void end_watch(struct kube_watch *k, struct rest_verdict *v)
{
    if (lines_is_cut(&k->lines)) {
        refuse(v, "the watch ends inside of an event");
        return;
    }
    if (is_steady(k))
        k->relists = 0;
    k->quick = lasted(k) >= QUICK ? 0 : k->quick + 1;
    v->ok = true;
    if (k->quick > 1)
        v->pause = backoff_delay(k->quick - 1, QUICK_PAUSE, QUICK_PAUSE_MAX, rand_u64());
    watch_contact(k->watch);
}

static void on_answered(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v)
{
    struct kube_watch *k = watch_of(c);

    k->switched = false;
    if (k->watching)
        end_watch(k, v);
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
    list_again(k, LIST_NOT_OLDER);
    v->ok = k->switched;
    if (!v->ok)
        refuse(v, "HTTP 404: neither discovery.k8s.io/v1 nor v1beta1 is there");
    return true;
}

/* 410: too old, or the next page is no more to be had. 504 to a list that must not be older: the server is behind us, for
 * the moment or for good. */
static bool on_refused(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v)
{
    struct kube_watch *k = watch_of(c);

    switch (fetch_status(f)) {
    case 404:
        return switch_version(k, v);
    case 410:
        expire(k, k->watching ? LIST_NOT_OLDER : LIST_NEWEST, v);
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
    drop_pages(watch_of(c));
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
    k->caller = (struct rest_caller){ .rest = w->registry->state, .watch = w, .ask = on_ask, .answered = on_answered,
                                      .piece = on_piece, .refused = on_refused, .failed = on_failed };
    k->report.fn = on_report;
    lines_init(&k->lines, EVENT_MAX);
    w->state = k;
    w->interval = conf_of(w)->wait;
    k->asks = kube_is_name(service_of(w));
    if (k->asks)
        rest_start(&k->caller);
    else
        watch_failed(w, "no service of Kubernetes can have the name `%s`", log_safe(str_of(service_of(w))));
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
