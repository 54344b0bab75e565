/* discovery/providers/kube_events.c - what a watch says: slices that come, change and go, and when it is no more to be had.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/kube_priv.h"

#include "base/rand.h"
#include "discovery/providers/kube_answer.h"

enum {
    QUICK = 1000,                   /* ms: a watch that ends sooner did not watch */
    QUICK_PAUSE = 500, QUICK_PAUSE_MAX = 15000,
    LIST_SPREAD = 2000, LIST_SPREAD_MAX = 60000,    /* ms over which those who have to list again are spread */
    STEADY = 30000,                 /* ms: a watch that lasted so long was a good one */
};

static bool goes_back(const struct kube_watch *k, const char *version)
{
    return k->version != NULL && kube_number_of(version) > 0 && kube_number_of(version) < kube_number_of(k->version);
}

static sc_msec lasted(const struct kube_watch *k)
{
    return loop_now(k->watch->loop) - k->caller.began;
}

static bool is_steady(const struct kube_watch *k)
{
    return k->watching && lasted(k) >= STEADY;
}

/* Everybody who watches hears so at the same time. Once that is nothing: what is known was true a moment ago. */
void kube_expire(struct kube_watch *k, enum kube_freshness freshness, struct rest_verdict *v)
{
    sc_msec spread = LIST_SPREAD;

    if (is_steady(k))
        k->relists = 0;
    for (unsigned i = 0; i < k->relists && spread < LIST_SPREAD_MAX; i++)
        spread *= 2;
    if (++k->relists > 1)
        watch_failed(k->watch, "the server calls what it has said before too old, again");
    kube_list_again(k, freshness);
    v->ok = true;
    v->pause = (sc_msec)rand_below((uint64_t)spread) + 1;
}

static bool take_change(struct kube_watch *k, const struct kube_event *ev, struct rest_verdict *v)
{
    if (goes_back(k, ev->version)) {
        kube_expire(k, LIST_NEWEST, v);
        return false;
    }
    if (ev->kind == KUBE_CHANGED)
        kube_slices_put(&k->slices, kube_read_slice(k, ev->object));
    else if (ev->kind == KUBE_DELETED)
        kube_slices_drop(&k->slices, kube_slice_name(ev->object));
    kube_set_version(k, ev->version);
    if (kube_is_too_much(&k->slices)) {
        kube_list_again(k, LIST_NOT_OLDER);
        kube_refuse(v, "more endpoints than one service may have");
        return false;
    }
    if (ev->kind == KUBE_BOOKMARK)
        watch_contact(k->watch);
    else
        kube_report_soon(k);
    return true;
}

static bool take_event(struct kube_watch *k, const struct kube_event *ev, struct rest_verdict *v)
{
    if (ev->kind != KUBE_ERROR)
        return take_change(k, ev, v);
    if (ev->expired) {
        kube_expire(k, LIST_NOT_OLDER, v);
        return false;
    }
    kube_list_again(k, LIST_NOT_OLDER);
    kube_refuse(v, ev->message);
    return false;
}

static bool take_line(struct kube_watch *k, struct sc_str line, struct rest_verdict *v)
{
    struct sc_error e = SC_ERROR_INIT;
    struct kube_event ev;
    bool on;

    if (!kube_event_read(&ev, line, &e)) {
        kube_list_again(k, LIST_NOT_OLDER);
        kube_refuse(v, e.text);
        return false;
    }
    on = take_event(k, &ev, v);
    kube_event_fini(&ev);
    return on;
}

/* The first piece may be empty: the watch is open. */
bool kube_piece(struct rest_caller *c, struct sc_str piece, struct rest_verdict *v)
{
    struct kube_watch *k = kube_watch_of(c);
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
    kube_list_again(k, LIST_NOT_OLDER);
    kube_refuse(v, "an event that is too long");
    return false;
}

void kube_end_watch(struct kube_watch *k, struct rest_verdict *v)
{
    if (lines_is_cut(&k->lines)) {
        kube_refuse(v, "the watch ends inside of an event");
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
