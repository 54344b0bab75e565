/* discovery/providers/rest.c - what the registries that are asked over HTTP have in common.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/rest.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "conf/file.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_TIMEOUT = 3000,
    PAUSE_BASE = 250, PAUSE_CAP = 10000,        /* ms, after failures */
    STEADY = 1000,                              /* ms: who answers only after this has recovered */
    RETRY_AFTER_MAX = 60000,                    /* ms that a registry may ask us to wait */
    TOKEN_MAX = 8192,
};
#define ANSWER_MAX ((size_t)32 << 20)           /* 10 000 instances of Consul take about 12 MiB */

struct rest {
    struct registry_live *live;
    const struct rest_conf *(*conf_of)(const struct registry_live *live);
    const char *token_field;        /* "X-Consul-Token: " */
    const char *field;              /* that goes with every call; NULL: none */
    unsigned current;               /* the address that answered last */
    unsigned callers, calls;        /* all of them; calls under way */
    struct link waiting, calling;   /* callers: their turn has not come; it has, the first one first */
    char *token;                    /* the last good one; NULL: none */
    char *given;                    /* by rest_set_token(), in its place */
    char *token_error;              /* why the file could not be read again; NULL: it could */
};

/* --- the token --- */

static void forget_token(char **token)
{
    if (*token != NULL)
        explicit_bzero(*token, strlen(*token));
    free(*token);
    *token = NULL;
}

static void token_trouble(struct rest *r, const char *file, const char *what)
{
    char *text = xasprintf("%s: %s", file, what);

    if (r->token_error == NULL || strcmp(r->token_error, text) != 0)
        log_warn("discovery: %s: %s; the last good token is used", r->live->name, text);
    free(r->token_error);
    r->token_error = text;
}

static void take_token(struct rest *r, const char *file, struct sc_str text)
{
    char *token;

    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    token = str_dupz(text);
    if (strlen(token) != text.n || !rest_is_plain(token)) {
        token_trouble(r, file, text.n == 0 ? "is empty" : "holds something that is no token");
        forget_token(&token);
        return;
    }
    free(r->token_error);
    r->token_error = NULL;
    forget_token(&r->token);
    r->token = token;
}

/* The file as it is now; a file that cannot be read leaves the token before in use. */
static void read_token(struct rest *r, const struct sc_secret *conf)
{
    struct buf text = BUF_INIT;
    struct stat st;

    if (conf->file == NULL) {
        forget_token(&r->token);
        r->token = conf->value.p == NULL ? NULL : str_dupz(conf->value);
        return;
    }
    if (file_read(conf->file, TOKEN_MAX, &text, &st))
        take_token(r, conf->file, buf_view(&text));
    else
        token_trouble(r, conf->file, strerror(errno));
    if (text.p != NULL)
        explicit_bzero(text.p, text.cap);
    buf_fini(&text);
}

struct rest *rest_new(struct registry_live *live, const struct rest_conf *(*conf_of)(const struct registry_live *live),
                      const char *token_field, const char *field)
{
    struct rest *r = xnew(struct rest);

    r->live = live;
    r->conf_of = conf_of;
    r->token_field = token_field;
    r->field = field;
    list_init(&r->waiting);
    list_init(&r->calling);
    return r;
}

void rest_free(struct rest **rp)
{
    struct rest *r = *rp;

    *rp = NULL;
    forget_token(&r->token);
    forget_token(&r->given);
    free(r->token_error);
    free(r);
}

void rest_set_token(struct rest *r, const char *token)
{
    forget_token(&r->given);
    r->given = xstrdup(token);
}

/* --- calls --- */

static const struct rest_conf *conf_of(const struct rest *r)
{
    return r->conf_of(r->live);
}

bool rest_is_crowded(const struct rest *r)
{
    return r->callers > conf_of(r)->max_connections;
}

/* r says what; where, and who we are, are put to it. */
static struct fetch *send_call(struct rest *rest, const char *address, const char *path, struct fetch_request r,
                               void (*done)(void *arg, struct fetch *f), void *arg)
{
    const struct rest_conf *conf = conf_of(rest);
    const struct fetch_tls tls = { conf->ca, conf->ca_path, conf->certificate, conf->key, !conf->verify };
    struct rest_place to = rest_place(address, conf->server_name, path);
    const char *word = rest->given != NULL ? rest->given : rest->token;
    char *token = word == NULL ? NULL : xasprintf("%s%s", rest->token_field, word);
    const char *headers[] = { "User-Agent: outrider", "Accept: application/json", NULL, NULL, NULL };
    struct fetch *f;
    unsigned n = 2;

    if (rest->field != NULL)
        headers[n++] = rest->field;
    headers[n] = token;
    r.url = to.url;
    r.socket = to.socket;
    r.connect_to = to.connect_to;
    r.headers = headers;
    r.tls = &tls;
    r.connect_timeout = CONNECT_TIMEOUT;
    r.max_body = ANSWER_MAX;
    f = fetch_start(rest->live->curl, &r, done, arg);
    forget_token(&token);
    rest_place_fini(&to);
    return f;
}

static void on_done(void *arg, struct fetch *f);
static void on_piece(void *arg, struct fetch *f, struct sc_str piece);

static struct fetch_request request_of(const struct rest_ask *ask)
{
    return (struct fetch_request){ .method = ask->body.n > 0 ? "POST" : NULL, .body = buf_view(&ask->body),
                                   .timeout = ask->timeout, .piece = ask->stream ? on_piece : NULL,
                                   .first = ask->first, .idle = ask->idle, .until = ask->until };
}

static void begin(struct rest_caller *c)
{
    const struct rest_conf *conf = conf_of(c->rest);
    struct rest_ask ask = { .timeout = 0 };

    read_token(c->rest, &conf->token);
    c->ask(c, &ask);
    c->began = c->heard = loop_now(c->rest->live->loop);
    c->address = c->rest->current % conf->address.n;
    c->fetch = send_call(c->rest, conf->address.at[c->address], ask.path.p, request_of(&ask), on_done, c);
    buf_fini(&ask.path);
    if (ask.body.p != NULL)
        explicit_bzero(ask.body.p, ask.body.cap);       /* it may hold a password */
    buf_fini(&ask.body);
}

/* In order of arrival, so that everybody gets a first answer before anybody gets a second one. */
static void begin_next(struct rest *r)
{
    while (r->calls < conf_of(r)->max_connections && !list_empty(&r->waiting)) {
        struct rest_caller *c = list_entry(list_pop(&r->waiting), struct rest_caller, link);

        list_push(&r->calling, &c->link);
        r->calls++;
        c->alone = !rest_is_crowded(r);
        begin(c);
    }
}

/* One that began a long call when there was room for all takes its turn anew. */
static void make_room(struct rest *r)
{
    struct rest_caller *first;

    if (r->calls < conf_of(r)->max_connections || list_empty(&r->calling))
        return;
    first = list_entry(r->calling.next, struct rest_caller, link);
    if (!first->alone)
        return;
    fetch_cancel(&first->fetch);
    r->calls--;
    list_remove(&first->link);
    list_push(&r->waiting, &first->link);
}

static void call(struct rest_caller *c)
{
    list_push(&c->rest->waiting, &c->link);
    make_room(c->rest);
    begin_next(c->rest);
}

static void on_again(struct timer *t)
{
    call(list_entry(t, struct rest_caller, again));
}

/* An address that does not answer, or not sensibly, is left for the next one; all calls go there then. Returns how many
 * there are. */
static unsigned leave_address(struct rest *r, unsigned address)
{
    unsigned n = conf_of(r)->address.n;

    if (r->current % n == address)
        r->current = (address + 1) % n;
    return n;
}

static bool move_on(struct rest_caller *c)
{
    return ++c->tried < leave_address(c->rest, c->address);
}

static sc_msec retry_after(const struct fetch *f)
{
    unsigned long long seconds;

    if (fetch_error(f) != NULL || !str_u64(fetch_header(f, STR("Retry-After")), &seconds))
        return 0;
    return seconds > RETRY_AFTER_MAX / 1000 ? RETRY_AFTER_MAX : (sc_msec)seconds * 1000;
}

/* What this address says will not be better at the next one: our request, or our token, is at fault. */
static bool is_our_fault(const struct fetch *f)
{
    return fetch_error(f) == NULL && fetch_status(f) / 100 == 4 && fetch_status(f) != 429 && fetch_status(f) != 408;
}

static void pause_after_failure(struct rest_caller *c, const struct fetch *f)
{
    sc_msec pause = backoff_next(&c->backoff, PAUSE_BASE, PAUSE_CAP), asked = retry_after(f);

    timer_start(c->rest->live->loop, &c->again, asked > pause ? asked : pause);
}

static void fail(struct rest_caller *c, const struct fetch *f, const char *text)
{
    const char *address = conf_of(c->rest)->address.at[c->address];
    bool elsewhere;

    if (c->heard - c->began >= STEADY)                  /* an answer in pieces that was good for so long */
        c->backoff.failures = c->tried = 0;
    elsewhere = !is_our_fault(f) && move_on(c);
    if (c->failed != NULL)
        c->failed(c, elsewhere ? NULL : text);
    if (elsewhere) {
        log_limited(LOG_INFO_, "discovery: %s: %s: %s; the next address is asked", c->rest->live->name, address, text);
        timer_start(c->rest->live->loop, &c->again, 0);
        return;
    }
    c->tried = 0;
    pause_after_failure(c, f);
    if (c->watch != NULL)
        watch_failed(c->watch, "%s: %s", address, text);
}

static void succeed(struct rest_caller *c, const struct rest_verdict *v)
{
    c->tried = 0;
    if (loop_now(c->rest->live->loop) - c->began >= STEADY)     /* good and bad answers in turn are no recovery */
        c->backoff.failures = 0;
    c->waits = v->wait;
    if (v->wait)
        c->rest->callers--;
    else
        timer_start(c->rest->live->loop, &c->again, v->pause);
}

void rest_again(struct rest_caller *c)
{
    assert(c->waits);
    c->waits = false;
    c->rest->callers++;
    call(c);
}

void rest_describe(const struct fetch *f, char *to, size_t size)
{
    struct sc_str body = fetch_body(f), line = STR_NONE;

    if (fetch_error(f) != NULL) {
        snprintf(to, size, "%s", log_safe(str_of(fetch_error(f))));
        return;
    }
    str_split(&body, '\n', &line);
    if (line.n > 160)
        line.n = 160;
    snprintf(to, size, "HTTP %u%s%s", fetch_status(f), line.n == 0 ? "" : ": ", line.n == 0 ? "" : log_safe(line));
}

/* The call is over, and its turn. */
static void leave(struct rest_caller *c)
{
    c->fetch = NULL;
    c->rest->calls--;
    list_remove(&c->link);
}

static void go_on(struct rest_caller *c, const struct fetch *f, const struct rest_verdict *v)
{
    if (v->ok)
        succeed(c, v);
    else
        fail(c, f, v->error);
    begin_next(c->rest);
}

static void on_done(void *arg, struct fetch *f)
{
    struct rest_caller *c = arg;
    struct rest_verdict v = { .ok = false };

    leave(c);
    if (fetch_error(f) == NULL && fetch_status(f) == 200)
        c->answered(c, f, &v);
    else if (fetch_error(f) != NULL || c->refused == NULL || !c->refused(c, f, &v))
        rest_describe(f, v.error, sizeof v.error);
    go_on(c, f, &v);
}

static void on_piece(void *arg, struct fetch *f, struct sc_str piece)
{
    struct rest_caller *c = arg;
    struct rest_verdict v = { .ok = false };

    c->heard = loop_now(c->rest->live->loop);
    if (c->piece(c, piece, &v))
        return;
    leave(c);
    go_on(c, f, &v);
    fetch_cancel(&f);
}

void rest_start(struct rest_caller *c)
{
    c->again.fn = on_again;
    c->fetch = NULL;
    c->waits = false;
    list_init(&c->link);
    c->rest->callers++;
    c->backoff.failures = c->tried = 0;
    call(c);
}

void rest_stop(struct rest_caller *c)
{
    struct rest *r = c->rest;

    timer_stop(&c->again);
    list_remove(&c->link);
    r->callers -= !c->waits;
    r->calls -= c->fetch != NULL;
    fetch_cancel(&c->fetch);
    begin_next(r);
}

/* --- orders --- */

static void on_order_done(void *arg, struct fetch *f)
{
    struct rest_order *o = arg;

    o->fetch = NULL;
    if (o->anywhere && !is_our_fault(f) && fetch_status(f) != 200)
        leave_address(o->rest, o->address);
    o->done(o, f);
}

void rest_order(struct rest_order *o, const char *method, const char *path, struct sc_str body, sc_msec timeout)
{
    const struct rest_conf *conf = conf_of(o->rest);

    read_token(o->rest, &conf->token);
    o->address = o->anywhere ? o->rest->current % conf->address.n : 0;
    o->fetch = send_call(o->rest, conf->address.at[o->address], path,
                         (struct fetch_request){ .method = method, .body = body, .timeout = timeout }, on_order_done, o);
}

void rest_order_stop(struct rest_order *o)
{
    fetch_cancel(&o->fetch);
}
