/* discovery/providers/etcd_watch.c - the keys of one service in etcd, followed.
 * SPDX-License-Identifier: Apache-2.0
 *
 * They are read once, /v3/kv/range, and then followed by one watch from the next revision on, /v3/watch. After whatever goes
 * wrong they are read anew: the history may be another one by then. etcd_ask.c writes what is asked, etcd_answer.c says what
 * an answer means, etcd_kept.c keeps the instances, etcd_auth.c gets the token. */
#include "discovery/providers/etcd.h"

#include "base/alloc.h"
#include "base/log.h"
#include "discovery/providers/etcd_answer.h"
#include "discovery/providers/etcd_ask.h"
#include "discovery/providers/etcd_auth.h"
#include "discovery/providers/etcd_kept.h"
#include "discovery/providers/lines.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    INSTANCES_MAX = 65536,
    LINE_MAX_BYTES = 8 << 20,       /* etcd cuts its answers at two, before base64 */
    PACE = 50,                      /* ms between two reports of one service */
    TURN = 1000,                    /* ms that a watch lasts when others wait for its connection */
    STEADY = 1000,                  /* ms: a watch that lasted so long was a good one */
    AGAIN_BASE = 250, AGAIN_CAP = 10000,    /* ms before keys are read again that were read just now */
};

struct etcd_watch {
    struct rest_caller caller;
    struct etcd_waiter waiter;
    struct watch *watch;
    char *prefix;                   /* "/services/web/" */
    bool started, listed;           /* the caller; the keys were read, and the next call is a watch */
    uint64_t cluster, revision;     /* the one the keys are as of */
    struct etcd_kept kept;
    struct backoff rereads;
    /* Of the watch under way: */
    struct lines lines;
    bool created;
    uint64_t ahead;                 /* revision of the changes that are not complete yet */
    sc_msec began;
    /* Of reports: */
    bool news;                      /* something changed since the last one */
    sc_msec reported;
    struct timer report;
};

static const struct etcd_conf *conf_of(const struct etcd_watch *ew)
{
    return ew->watch->registry->conf;
}

static struct etcd_registry *registry_of(const struct etcd_watch *ew)
{
    return ew->watch->registry->state;
}

/* --- reports --- */

static void report(struct etcd_watch *ew)
{
    struct watch *w = ew->watch;

    timer_stop(&ew->report);
    ew->news = false;
    ew->reported = loop_now(w->loop);
    w->index = ew->revision;
    w->doubt = ew->kept.full ? "more than 65536 instances: the others are left out" : NULL;
    watch_report(w, ew->kept.at, ew->kept.n, "registry");
}

static void on_report(struct timer *t)
{
    report(list_entry(t, struct etcd_watch, report));
}

/* The first change at once; those that follow closely together. A part of a revision is not said. */
static void report_news(struct etcd_watch *ew)
{
    sc_msec wait = ew->reported + PACE - loop_now(ew->watch->loop);

    if (!ew->news || ew->ahead > 0 || ew->report.pending)
        return;
    if (wait > 0)
        timer_start(ew->watch->loop, &ew->report, wait);
    else
        report(ew);
}

/* Before something else is said of the source. */
static void report_now(struct etcd_watch *ew)
{
    timer_stop(&ew->report);
    if (ew->news && ew->ahead == 0)
        report(ew);
}

/* --- what is asked --- */

static void ask_range(struct etcd_watch *ew, struct rest_ask *to)
{
    buf_puts(&to->path, "/v3/kv/range");
    etcd_ask_range(&to->body, ew->prefix);
    to->timeout = ETCD_ANSWER_TIME;
}

static void ask_watch(struct etcd_watch *ew, struct rest_ask *to)
{
    buf_puts(&to->path, "/v3/watch");
    etcd_ask_watch(&to->body, ew->prefix, ew->revision);
    to->stream = true;
    to->first = ETCD_ANSWER_TIME;
    to->until = jitter(rest_is_crowded(ew->caller.rest) ? TURN : conf_of(ew)->wait);
    lines_reset(&ew->lines);
    ew->created = false;
    ew->ahead = 0;
}

static void on_ask(struct rest_caller *c, struct rest_ask *to)
{
    struct etcd_watch *ew = list_entry(c, struct etcd_watch, caller);

    ew->began = loop_now(ew->watch->loop);
    if (ew->listed)
        ask_watch(ew, to);
    else
        ask_range(ew, to);
}

/* --- the keys --- */

/* Those that were read just now are read again after a pause, which grows: sidecars by the hundred have the same reason. */
static void reread(struct etcd_watch *ew, struct rest_verdict *v)
{
    if (ew->created && loop_now(ew->watch->loop) - ew->began >= STEADY)
        ew->rereads.failures = 0;
    ew->listed = false;
    v->ok = true;
    v->pause = backoff_next(&ew->rereads, AGAIN_BASE, AGAIN_CAP);
}

static bool keep_all(struct etcd_watch *ew, const struct etcd_range *range)
{
    struct sc_str prefix = str_of(ew->prefix);
    struct etcd_kept kept;
    bool changed = false;

    etcd_kept_init(&kept, INSTANCES_MAX);
    for (unsigned i = 0; i < range->events.n; i++)
        if (!etcd_kept_apply(&kept, prefix, &range->events.at[i], &changed)) {
            etcd_kept_fini(&kept);
            return false;
        }
    etcd_kept_fini(&ew->kept);
    ew->kept = kept;
    return true;
}

static void take_range(struct etcd_watch *ew, const struct fetch *f, struct rest_verdict *v)
{
    struct sc_error e = SC_ERROR_INIT;
    struct etcd_range range;

    if (!etcd_range_read(&range, fetch_body(f), &e)) {
        snprintf(v->error, sizeof v->error, "%s", log_safe(str_of(e.text)));
        return;
    }
    v->ok = keep_all(ew, &range);
    if (v->ok) {
        ew->listed = true;
        ew->cluster = range.cluster;
        ew->revision = range.revision;
        ew->ahead = 0;
        report(ew);
    } else {
        snprintf(v->error, sizeof v->error, "a key that nobody asked for");
    }
    etcd_range_fini(&range);
}

/* --- the watch --- */

/* Whose history ends before ours, or who is another one, has not the one we know. */
static bool is_other_history(const struct etcd_watch *ew, const struct etcd_record *r)
{
    return r->cluster != ew->cluster || (r->revision > 0 && r->revision < ew->revision);
}

/* The revision of the changes, not of the header: of a long list the header tells the end before all of it was said. */
static bool take_changes(struct etcd_watch *ew, const struct etcd_record *r)
{
    struct sc_str prefix = str_of(ew->prefix);

    for (unsigned i = 0; i < r->events.n; i++) {
        const struct etcd_event *event = &r->events.at[i];

        if (!etcd_kept_apply(&ew->kept, prefix, event, &ew->news))
            return false;
        if (event->revision > ew->ahead)
            ew->ahead = event->revision;
    }
    if (r->fragment)
        return true;
    if (ew->ahead > ew->revision)
        ew->revision = ew->ahead;
    ew->ahead = 0;
    return true;
}

static void note_contact(struct etcd_watch *ew)
{
    ew->watch->index = ew->revision;
    if (!ew->news)
        watch_contact(ew->watch);
}

/* True: go on reading. */
static bool take_record(struct etcd_watch *ew, const struct etcd_record *r, struct rest_verdict *v)
{
    const char *wrong = r->text;

    if (r->kind == ETCD_COMPACTED || (r->kind <= ETCD_PROGRESS && is_other_history(ew, r))) {
        reread(ew, v);
        return false;
    }
    if (r->kind <= ETCD_PROGRESS && ew->created == (r->kind == ETCD_CREATED))
        wrong = ew->created ? "a watch that begins twice" : "a watch that does not begin";
    else if (r->kind == ETCD_CHANGES && !take_changes(ew, r))
        wrong = "a key that nobody asked for";
    if (wrong != NULL) {
        snprintf(v->error, sizeof v->error, "%s", log_safe(str_of(wrong)));
        return false;
    }
    if (r->kind == ETCD_PROGRESS && ew->ahead == 0 && r->revision > ew->revision)
        ew->revision = r->revision;
    ew->created = true;
    note_contact(ew);
    return true;
}

static bool take_line(struct etcd_watch *ew, struct sc_str line, struct rest_verdict *v)
{
    struct sc_error e = SC_ERROR_INIT;
    struct etcd_record record;
    bool more;

    if (!etcd_record_read(&record, line, &e)) {
        snprintf(v->error, sizeof v->error, "%s", log_safe(str_of(e.text)));
        return false;
    }
    more = take_record(ew, &record, v);
    etcd_record_fini(&record);
    return more;
}

static bool on_piece(struct rest_caller *c, struct sc_str piece, struct rest_verdict *v)
{
    struct etcd_watch *ew = list_entry(c, struct etcd_watch, caller);
    enum lines_got got;
    struct sc_str line;
    bool more = true;

    lines_feed(&ew->lines, piece);
    while (more && (got = lines_next(&ew->lines, &line)) != LINES_NO_MORE)
        if (got == LINES_ONE) {
            more = take_line(ew, line, v);
        } else {
            snprintf(v->error, sizeof v->error, "a record of more than %u bytes", (unsigned)LINE_MAX_BYTES);
            more = false;
        }
    if (more)
        report_news(ew);
    else
        report_now(ew);
    return more;
}

/* That we ended ourselves, so that a member that hangs is noticed: the next one goes on where it was. */
static void end_watch(struct etcd_watch *ew, const struct fetch *f, struct rest_verdict *v)
{
    report_now(ew);
    v->ok = fetch_was_ended(f) && ew->created;
    if (!v->ok)
        snprintf(v->error, sizeof v->error, ew->created ? "the watch was ended" : "the watch did not begin");
}

/* --- what came --- */

static void on_answered(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v)
{
    struct etcd_watch *ew = list_entry(c, struct etcd_watch, caller);

    if (ew->listed)
        end_watch(ew, f, v);
    else
        take_range(ew, f, v);
}

static void describe(const struct fetch *f, const char *text, struct rest_verdict *v)
{
    if (text != NULL)
        snprintf(v->error, sizeof v->error, "HTTP %u: %s", fetch_status(f), log_safe(str_of(text)));
    else
        rest_describe(f, v->error, sizeof v->error);
}

static bool on_refused(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v)
{
    struct etcd_watch *ew = list_entry(c, struct etcd_watch, caller);
    struct etcd_auth *auth = registry_of(ew)->auth;
    struct arena arena;
    const char *text;

    arena_init(&arena, 512);
    text = etcd_error_read(&arena, fetch_body(f));
    if (etcd_auth_refused(auth, fetch_status(f), text, ew->began)) {
        v->ok = true;
        v->wait = etcd_auth_is_missing(auth);
        if (v->wait)
            etcd_auth_wait(auth, &ew->waiter);
    } else {
        describe(f, text, v);
    }
    arena_fini(&arena);
    return true;
}

static void on_failed(struct rest_caller *c, const char *text)
{
    struct etcd_watch *ew = list_entry(c, struct etcd_watch, caller);

    (void)text;
    report_now(ew);
    ew->listed = false;
}

/* --- the token --- */

static void on_go(struct etcd_waiter *waiter)
{
    struct etcd_watch *ew = list_entry(waiter, struct etcd_watch, waiter);

    if (ew->started) {
        rest_again(&ew->caller);
        return;
    }
    ew->started = true;
    rest_start(&ew->caller);
}

static void on_no_token(struct etcd_waiter *waiter, const char *text)
{
    watch_failed(list_entry(waiter, struct etcd_watch, waiter)->watch, "authentication: %s", text);
}

/* --- for the provider --- */

void etcd_watch(struct watch *w)
{
    struct etcd_watch *ew = xnew(struct etcd_watch);
    struct etcd_registry *registry = w->registry->state;

    ew->watch = w;
    ew->caller = (struct rest_caller){ .rest = registry->rest, .watch = w, .ask = on_ask, .answered = on_answered,
                                       .piece = on_piece, .refused = on_refused, .failed = on_failed };
    ew->waiter = (struct etcd_waiter){ .go = on_go, .failed = on_no_token };
    list_init(&ew->waiter.link);
    ew->report.fn = on_report;
    ew->prefix = etcd_prefix_of(w);
    etcd_kept_init(&ew->kept, INSTANCES_MAX);
    lines_init(&ew->lines, LINE_MAX_BYTES);
    w->state = ew;
    w->interval = conf_of(ew)->wait < ETCD_INTERVAL_MIN ? ETCD_INTERVAL_MIN : conf_of(ew)->wait;
    if (etcd_auth_is_missing(registry->auth))
        etcd_auth_wait(registry->auth, &ew->waiter);
    else
        on_go(&ew->waiter);
}

void etcd_unwatch(struct watch *w)
{
    struct etcd_watch *ew = w->state;

    w->state = NULL;
    etcd_auth_leave(&ew->waiter);
    if (ew->started)
        rest_stop(&ew->caller);
    timer_stop(&ew->report);
    etcd_kept_fini(&ew->kept);
    lines_fini(&ew->lines);
    free(ew->prefix);
    loop_free_later(w->loop, ew);
}
