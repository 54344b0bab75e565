/* tests/mutate/origin.c - the targets: one that does nothing wrong, and one that does everything wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include "board.h"
#include "corpus.h"
#include "mutator.h"
#include "sender.h"
#include "turn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* max_retries is 2; one more, after the end of a kept connection, is not counted. */
enum { TRIES = 4 };
enum { SEEN_MOST = 6000, SURPLUS_MOST = 16000, LATE_MOST = 20000 };

/* What follows an answer. */
enum after { AFTER_NOTHING, AFTER_CLOSE, AFTER_RESET, AFTER_IDLE_BYTES };

struct conn {
    struct watch watch;
    struct conn *prev, *next;
    bool steady;
    bool noisy;            /* it has sent something on the idle connection, which may have crossed with a request */
    struct rng rng;
    struct reader in;
    struct sender sender;
    bool answering;        /* an answer waits or is on its way */
    bool answered;         /* the request that is being read, before its end */
    bool early;
    bool spoilt;           /* what was sent was no answer, or more than one: no request may come after it */
    bool raw, granted;     /* an upgrade: asked for and given; and that is on its way */
    enum after after;
    uint64_t answer_at;
    struct asked asked;
    struct promise *promise;
    struct text seen;      /* the last bytes that came, for reports */
};

struct listener {
    struct watch watch;
    bool steady;
};

static struct listener listeners[3];
static struct conn *all, *graveyard;
static size_t open_now;

/* ---- connections */

static void bury(struct conn *c, bool reset)
{
    if (c->watch.fd < 0)
        return;
    turn_close(&c->watch, reset);
    open_now--;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        all = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    c->next = graveyard;
    graveyard = c;
}

void origin_sweep(void)
{
    while (graveyard != NULL) {
        struct conn *c = graveyard;

        graveyard = c->next;
        reader_fini(&c->in);
        text_free(&c->sender.out);
        text_free(&c->seen);
        free(c);
    }
}

size_t origin_open(void)
{
    return open_now;
}

void origin_close_all(void)
{
    while (all != NULL)
        bury(all, false);
    origin_sweep();
}

static bool is_good(const struct conn *c)
{
    return c->asked.tagged && c->asked.tag.kind == TAG_GOOD;
}

static void wrong(struct conn *c, const char *what)
{
    if (loose && !is_good(c))
        return;
    failed(c->asked.tagged ? c->asked.tag.conn : 0, "%s target: %s", c->steady ? "steady" : "hostile", what);
    if (failure_is_shown()) {
        text_show("it got", c->seen.p, c->seen.n, 3000);
        text_show("it had sent", c->sender.out.p, c->sender.out.n, 1500);
    }
}

/* ---- what the sidecar may send */

static bool is_path_normal(const char *p, size_t n)
{
    const char *query = memchr(p, '?', n);
    size_t len = query != NULL ? (size_t)(query - p) : n;
    static const char *const never[] = { "/../", "/./", "%2e", "%2E", "%00", "%5c", "%5C", "\\", "//" };

    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (memmem(p, len, never[i], strlen(never[i])) != NULL)
            return false;
    return !(len >= 3 && memcmp(p + len - 3, "/..", 3) == 0) && !(len >= 2 && memcmp(p + len - 2, "/.", 2) == 0);
}

static const char *wrong_target(const struct reader *r)
{
    if (r->target_len == 1 && r->target[0] == '*')
        return r->method_len == 7 && memcmp(r->method, "OPTIONS", 7) == 0 ? NULL : "a request for * that is not OPTIONS";
    if (r->target[0] != '/')
        return "a target that is no path";
    return is_path_normal(r->target, r->target_len) ? NULL : "a path that is not in its normal form";
}

/* The last member of the last Via must be the sidecar's own, "1.1 outrider-...": bytes that it did not write have none. */
static bool has_via(const struct reader *r)
{
    static const char mark[] = "outrider";
    const struct field *last = NULL;
    const char *by;

    for (size_t i = 0; i < r->nfields; i++)
        if (r->fields[i].name_len == 3 && strncasecmp(r->fields[i].name, "via", 3) == 0)
            last = &r->fields[i];
    by = last == NULL ? NULL : memrchr(last->value, ' ', last->value_len);
    return by != NULL && (size_t)(last->value + last->value_len - by) > sizeof mark - 1 &&
           memcmp(by + 1, mark, sizeof mark - 1) == 0;
}

static const char *wrong_fields(const struct reader *r)
{
    static const char *const hops[] = { "keep-alive", "proxy-connection", "proxy-authorization", "http2-settings" };

    if (r->minor != 1)
        return "a request that is not HTTP/1.1";
    if (reader_count(r, "host") != 1)
        return "not exactly one Host";
    if (!has_via(r))
        return "a request without the sidecar's Via";
    if (reader_count(r, "x-request-id") != 1)
        return "not exactly one X-Request-ID";
    if (reader_count(r, "x-forwarded-for") == 0)
        return "no X-Forwarded-For";
    for (size_t i = 0; i < sizeof hops / sizeof *hops; i++)
        if (reader_field(r, hops[i]) != NULL)
            return "a field that ends at the hop before";
    if (reader_field(r, "upgrade") != NULL && !r->upgrade)
        return "Upgrade without Connection";
    return NULL;
}

/* ---- whether it may be sent at all */

static const char *wrong_request(struct conn *c, const struct reader *r)
{
    const struct tag *t = &c->asked.tag;
    struct promise *p;

    if (!c->asked.tagged)
        return NULL;
    c->promise = p = promise_of(t->conn);
    if (p == NULL)
        return "a request of a connection that ended long ago";
    if (p->allowed[t->message] == 0)
        return "a request that was smuggled: a strict reader does not see it in what the client sent";
    if (++p->seen[t->message] > TRIES * p->allowed[t->message])
        return "a request that came more often than it may be tried";
    if (!request_is_idempotent(r) && ++p->seen_once[t->message] > p->allowed[t->message])
        return "a request that may not be repeated came twice";
    return NULL;
}

/* ---- what becomes of an answer */

static enum reader_body judge_head(struct reader *r)
{
    const struct asked *asked = r->user;

    if (r->status == 101)
        return READER_SWITCHED;
    return asked->head ? READER_NO_BODY : READER_AS_FRAMED;
}

static void judge_body(struct reader *r, const char *p, size_t n)
{
    (void)r, (void)p, (void)n;
}

static void judge_end(struct reader *r)
{
    if (r->status >= 200)
        r->phase = READER_ENDED;
}

static const struct reader_ops judge_ops = { judge_head, judge_body, judge_end };

struct verdict {
    bool whole, keep, switched, to_close, cut;
};

/* What a reader that is no stricter than the sidecar makes of these bytes as an answer. */
static struct verdict judge(const struct text *t, const struct asked *asked)
{
    static struct reader r;
    bool fed;

    r.ops = &judge_ops;
    r.user = (void *)asked;
    r.requests = false;
    r.lenient = true;
    reader_init(&r);
    fed = reader_feed(&r, t->p, t->n);
    return (struct verdict){
        .whole = r.phase == READER_ENDED, .switched = r.phase == READER_RAW, .to_close = r.phase == READER_TO_CLOSE,
        .keep = r.phase == READER_ENDED && !r.close && (r.minor != 0 || r.keep_alive),
        .cut = fed && r.phase != READER_ENDED && r.phase != READER_RAW && r.phase != READER_TO_CLOSE,
    };
}

/* Every X-Plan becomes another name of the same length. */
static void rename_plan(struct text *t, const char *name)
{
    for (size_t i = 0; i + 6 <= t->n; i++)
        if ((t->p[i] | 0x20) == 'x' && strncasecmp(t->p + i, "X-Plan", 6) == 0)
            memcpy(t->p + i, name, 6);
}

static void settle(struct conn *c)
{
    struct verdict v = judge(&c->sender.out, &c->asked);

    c->spoilt = !v.keep;
    c->raw = v.switched && c->asked.upgrade;
    if (v.to_close || (v.whole && !v.keep))
        c->after = AFTER_CLOSE;
    else if (!v.whole && !v.switched && c->after == AFTER_NOTHING)
        c->after = rng_chance(&c->rng, 400) ? AFTER_CLOSE : rng_chance(&c->rng, 300) ? AFTER_RESET : AFTER_NOTHING;
}

/* ---- answers */

static void answer_mutated(struct conn *c)
{
    struct text other = { 0 };

    corpus_odd_answer(&c->sender.out, &c->rng, &c->asked);
    corpus_odd_answer(&other, &c->rng, &c->asked);
    mutate_text(&c->sender.out, &c->rng, &other);
    rename_plan(&c->sender.out, "X-Muta");
    text_free(&other);
    counts.mutated_answers++;
}

/* A whole answer and another one behind it, in one piece. */
static void answer_twice(struct conn *c)
{
    struct text *out = &c->sender.out;
    struct asked surplus = { .tagged = c->asked.tagged, .tag = c->asked.tag };
    struct verdict v;

    corpus_answer(out, &c->rng, &c->asked, true);
    v = judge(out, &c->asked);
    if (!v.whole || out->n > SURPLUS_MOST / 2)
        return;
    surplus.tag.kind = TAG_SURPLUS;
    corpus_answer(out, &c->rng, &surplus, true);
    if (out->n > SURPLUS_MOST)
        out->n = SURPLUS_MOST;
    c->sender.piece = 0;
    counts.surplus++;
}

static void answer_cut(struct conn *c)
{
    struct text *out = &c->sender.out;
    struct verdict v;

    corpus_answer(out, &c->rng, &c->asked, false);
    out->n = rng_below(&c->rng, out->n);
    v = judge(out, &c->asked);
    rename_plan(out, v.cut ? "X-Cuts" : "X-Muta");
    c->after = rng_chance(&c->rng, 500) ? AFTER_CLOSE : AFTER_RESET;
    counts.cut_answers++;
}

static void answer_hostile(struct conn *c)
{
    size_t what = rng_below(&c->rng, 100);

    if (what < 45) {
        answer_mutated(c);
    } else if (what < 85) {
        corpus_answer(&c->sender.out, &c->rng, &c->asked, false);
        c->after = what < 80 ? AFTER_NOTHING : what < 83 ? AFTER_IDLE_BYTES : AFTER_CLOSE;
    } else if (what < 89) {
        answer_twice(c);
    } else if (what < 93) {
        answer_cut(c);
    } else {
        c->after = what < 95 ? AFTER_CLOSE : what < 98 ? AFTER_RESET : AFTER_NOTHING;   /* nothing at all */
    }
    if (rng_chance(&c->rng, 40))
        c->answer_at = turn_now() + rng_below(&c->rng, LATE_MOST);
}

static void go_on(struct conn *c);

static void answer(struct conn *c)
{
    c->answering = c->answered = true;
    c->after = AFTER_NOTHING;
    c->answer_at = 0;
    sender_begin(&c->sender, &c->rng, c->steady ? 60 : 150);
    if (c->steady)
        corpus_answer(&c->sender.out, &c->rng, &c->asked, true);
    else
        answer_hostile(c);
    text_add(&c->sender.out, "", 0);
    if (c->noisy)
        rename_plan(&c->sender.out, "X-Muta");
    settle(c);
}

/* ---- requests */

static enum reader_body on_head(struct reader *r)
{
    struct conn *c = r->user;
    const char *error;

    c->asked = (struct asked){ .head = r->method_len == 4 && memcmp(r->method, "HEAD", 4) == 0, .upgrade = r->upgrade };
    c->asked.tagged = request_tag(r, &c->asked.tag);
    c->promise = NULL;
    c->answered = false;
    counts.reached++;
    counts.reached_untagged += !c->asked.tagged;
    error = c->spoilt ? "a request on a connection that must not be used again"
            : c->answering ? "a request before the one before it was answered" : wrong_target(r);
    if (error == NULL)
        error = wrong_fields(r);
    if (error == NULL)
        error = wrong_request(c, r);
    if (error != NULL) {
        reader_refuse(r, error);
        return READER_AS_FRAMED;
    }
    if (c->asked.tagged)                /* the same seed has it answered in the same way */
        c->rng = rng_for(the_seed, c->asked.tag.conn,
                         1000u + c->asked.tag.message * 100u + c->promise->seen[c->asked.tag.message]);
    c->early = !c->steady && rng_chance(&c->rng, 40);
    if (c->early)
        answer(c);
    return READER_AS_FRAMED;
}

static void on_body(struct reader *r, const char *p, size_t n)
{
    struct conn *c = r->user;

    if (is_good(c) && !tag_body_is(p, r->seen, n, &c->asked.tag))
        reader_refuse(r, "the body of a good request is not the one that was sent");
}

static void on_end(struct reader *r)
{
    struct conn *c = r->user;

    if (is_good(c) && r->seen != c->promise->size[c->asked.tag.message])
        reader_refuse(r, "the body of a good request is not as long as it was");
    if (!c->answered)
        answer(c);
    else if (c->sender.at == c->sender.out.n)
        c->answering = false;
    if (c->raw)
        r->phase = READER_RAW;
}

static const struct reader_ops ops = { on_head, on_body, on_end };

/* ---- bytes */

static void on_finished(struct conn *c)
{
    static const char late[] = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    c->answering = false;
    c->granted = c->raw;
    if (c->after == AFTER_CLOSE || c->after == AFTER_RESET) {
        bury(c, c->after == AFTER_RESET);
    } else if (c->after == AFTER_IDLE_BYTES && !c->spoilt) {
        c->after = AFTER_NOTHING;
        c->noisy = true;
        sender_begin(&c->sender, &c->rng, 0);
        text_add(&c->sender.out, late, rng_chance(&c->rng, 500) ? sizeof late - 1 : rng_below(&c->rng, sizeof late));
        c->sender.until = turn_now() + rng_below(&c->rng, 5000);
    }
}

static void go_on(struct conn *c)
{
    enum sent sent = SENT_PAUSED;

    if (c->watch.fd < 0)
        return;
    if (c->answer_at > turn_now())
        turn_at(&c->watch, c->answer_at);
    else if (c->answering || c->sender.at < c->sender.out.n)
        sent = sender_go(&c->sender, c->watch.fd, c->sender.out.n, &c->rng, turn_now());
    else
        return;
    if (c->answer_at <= turn_now() && sent == SENT_PAUSED)
        turn_at(&c->watch, c->sender.until);
    turn_watch(&c->watch, sent == SENT_BLOCKED ? EPOLLIN | EPOLLOUT : EPOLLIN);
    if (sent == SENT_BROKEN)
        bury(c, false);
    else if (sent == SENT_ALL && (!c->early || c->raw || reader_is_idle(&c->in) || c->after != AFTER_NOTHING))
        on_finished(c);
}

/* After an upgrade: everything comes back. */
static void echo(struct conn *c, const char *p, size_t n)
{
    if (c->sender.at == c->sender.out.n)
        c->sender.at = c->sender.out.n = 0;
    text_add(&c->sender.out, p, n);
    c->answering = true;
    if (!c->steady && rng_chance(&c->rng, 300))
        c->after = rng_chance(&c->rng, 500) ? AFTER_CLOSE : AFTER_RESET;
}

static void take(struct conn *c, const char *p, size_t n)
{
    text_add(&c->seen, p, n);
    text_trim_front(&c->seen, SEEN_MOST);
    if (c->granted && c->in.phase == READER_RAW) {
        echo(c, p, n);
        return;
    }
    if (c->in.phase == READER_RAW)
        reader_refuse(&c->in, "bytes behind an upgrade before it was granted");
    else if (reader_feed(&c->in, p, n))
        return;
    wrong(c, c->in.error);
    bury(c, true);
}

static void on_event(struct watch *w)
{
    static char bytes[65536];
    struct conn *c = (struct conn *)w;
    ssize_t n = recv(w->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n > 0) {
        take(c, bytes, (size_t)n);
    } else if (n == 0 || errno != EAGAIN) {
        bury(c, false);
        return;
    }
    go_on(c);
}

static void on_due(struct watch *w)
{
    go_on((struct conn *)w);
}

/* ---- listening */

static void on_accept(struct watch *w)
{
    struct listener *l = (struct listener *)w;

    for (int fd; (fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct conn *c = calloc(1, sizeof *c);

        if (c == NULL)
            abort();
        c->watch = (struct watch){ .fd = fd, .on_event = on_event, .on_due = on_due };
        c->steady = l->steady;
        c->rng = rng_for(the_seed, 0xffffffffu, ++counts.origin_connections);
        c->in = (struct reader){ .ops = &ops, .user = c, .requests = true };
        reader_init(&c->in);
        c->next = all;
        if (all != NULL)
            all->prev = c;
        all = c;
        open_now++;
        turn_watch(&c->watch, EPOLLIN);
    }
}

static void listen_on(struct listener *l, int fd, bool steady)
{
    if (fd < 0 || listen(fd, 1024) != 0) {
        perror("mutate: listen");
        exit(69);
    }
    *l = (struct listener){ .watch = { .fd = fd, .on_event = on_accept }, .steady = steady };
    turn_watch(&l->watch, EPOLLIN);
}

static int bound_tcp(uint16_t *port)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0 || getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return -1;
    *port = ntohs(sa.sin_port);
    return fd;
}

static int bound_unix(const char *path)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    return bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0 ? fd : -1;
}

void origin_start(struct origin_addresses *a)
{
    listen_on(&listeners[0], bound_tcp(&a->steady), true);
    listen_on(&listeners[1], bound_tcp(&a->hostile), false);
    listen_on(&listeners[2], bound_unix(a->unix_path), false);
}

void origin_stop(void)
{
    origin_close_all();
    for (size_t i = 0; i < 3; i++)
        turn_close(&listeners[i].watch, false);
}
