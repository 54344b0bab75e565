/* discovery/providers/rest.c - what the registries that are asked over HTTP have in common.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/rest.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "conf/file.h"

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
    unsigned current;               /* the address that answered last */
    unsigned callers, calls;        /* all of them; calls under way */
    struct link waiting, calling;   /* callers: their turn has not come; it has, the first one first */
    char *token;                    /* the last good one; NULL: none */
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
                      const char *token_field)
{
    struct rest *r = xnew(struct rest);

    r->live = live;
    r->conf_of = conf_of;
    r->token_field = token_field;
    list_init(&r->waiting);
    list_init(&r->calling);
    return r;
}

void rest_free(struct rest **rp)
{
    struct rest *r = *rp;

    *rp = NULL;
    forget_token(&r->token);
    free(r->token_error);
    free(r);
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

static void on_done(void *arg, struct fetch *f);

static void send_call(struct rest_caller *c, const char *address, const char *path, sc_msec timeout)
{
    const struct rest_conf *conf = conf_of(c->rest);
    const struct fetch_tls tls = { conf->ca, conf->ca_path, conf->certificate, conf->key, !conf->verify };
    struct rest_place to = rest_place(address, conf->server_name, path);
    char *token = c->rest->token == NULL ? NULL : xasprintf("%s%s", c->rest->token_field, c->rest->token);
    const char *const headers[] = { "User-Agent: outrider", "Accept: application/json", token, NULL };

    c->fetch = fetch_start(c->rest->live->curl,
                           &(struct fetch_request){ .url = to.url, .socket = to.socket, .connect_to = to.connect_to,
                                                    .headers = headers, .tls = &tls, .connect_timeout = CONNECT_TIMEOUT,
                                                    .timeout = timeout, .max_body = ANSWER_MAX },
                           on_done, c);
    forget_token(&token);
    rest_place_fini(&to);
}

static void begin(struct rest_caller *c)
{
    const struct rest_conf *conf = conf_of(c->rest);
    struct buf path = BUF_INIT;
    sc_msec timeout;

    read_token(c->rest, &conf->token);
    timeout = c->ask(c, &path);
    c->began = loop_now(c->rest->live->loop);
    c->address = c->rest->current % conf->address.n;
    send_call(c, conf->address.at[c->address], path.p, timeout);
    buf_fini(&path);
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

/* An address that does not answer, or not sensibly, is left for the next one; all calls go there then. */
static bool move_on(struct rest_caller *c)
{
    unsigned n = conf_of(c->rest)->address.n;

    if (c->rest->current % n == c->address)
        c->rest->current = (c->address + 1) % n;
    return ++c->tried < n;
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

static void fail(struct rest_caller *c, const struct fetch *f, const char *text)
{
    const char *address = conf_of(c->rest)->address.at[c->address];
    sc_msec pause, asked = retry_after(f);

    if (c->failed != NULL)
        c->failed(c);
    if (!is_our_fault(f) && move_on(c)) {
        log_limited(LOG_INFO_, "discovery: %s: %s: %s; the next address is asked", c->rest->live->name, address, text);
        timer_start(c->rest->live->loop, &c->again, 0);
        return;
    }
    c->tried = 0;
    pause = backoff_next(&c->backoff, PAUSE_BASE, PAUSE_CAP);
    timer_start(c->rest->live->loop, &c->again, asked > pause ? asked : pause);
    watch_failed(c->watch, "%s: %s", address, text);
}

static void succeed(struct rest_caller *c, sc_msec pause)
{
    c->tried = 0;
    if (loop_now(c->rest->live->loop) - c->began >= STEADY)     /* good and bad answers in turn are no recovery */
        c->backoff.failures = 0;
    timer_start(c->rest->live->loop, &c->again, pause);
}

/* "HTTP 403: Permission denied", from an answer that is not what was asked for. */
static void describe_status(const struct fetch *f, char *to, size_t size)
{
    struct sc_str body = fetch_body(f), line = STR_NONE;

    str_split(&body, '\n', &line);
    if (line.n > 160)
        line.n = 160;
    snprintf(to, size, "HTTP %u%s%s", fetch_status(f), line.n == 0 ? "" : ": ", line.n == 0 ? "" : log_safe(line));
}

static void on_done(void *arg, struct fetch *f)
{
    struct rest_caller *c = arg;
    struct rest_verdict v = { .ok = false };

    c->fetch = NULL;
    c->rest->calls--;
    list_remove(&c->link);
    if (fetch_error(f) != NULL)
        snprintf(v.error, sizeof v.error, "%s", log_safe(str_of(fetch_error(f))));
    else if (fetch_status(f) != 200)
        describe_status(f, v.error, sizeof v.error);
    else
        c->answered(c, f, &v);
    if (v.ok)
        succeed(c, v.pause);
    else
        fail(c, f, v.error);
    begin_next(c->rest);
}

void rest_start(struct rest_caller *c)
{
    c->again.fn = on_again;
    c->fetch = NULL;
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
    r->callers--;
    r->calls -= c->fetch != NULL;
    fetch_cancel(&c->fetch);
    begin_next(r);
}
