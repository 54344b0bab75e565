/* discovery/providers/etcd_auth.c - the token of a registry whose users have passwords.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/etcd_auth.h"

#include "base/alloc.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "conf/file.h"
#include "discovery/providers/etcd.h"
#include "discovery/providers/etcd_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AGE_MIN = 1000,             /* ms: a token that is refused sooner is not the reason */
    PASSWORD_MAX = 8192,
};

struct etcd_auth {
    struct rest_caller caller;
    struct registry_live *live;
    struct rest *rest;
    bool have;                  /* a token, or etcd does not want any */
    bool started;
    sc_msec since;              /* when it was given */
    struct link waiters;
};

static const struct etcd_conf *conf_of(const struct etcd_auth *a)
{
    return a->live->conf;
}

/* --- the call --- */

static void add_password(struct jsonw *j, struct sc_str text)
{
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    jsonw_str(j, "password", text);
}

/* The file as it is now: a password that was changed is the one that counts. */
static void add_password_file(struct etcd_auth *a, struct jsonw *j, const char *file)
{
    struct buf text = BUF_INIT;
    struct stat st;

    if (!file_read(file, PASSWORD_MAX, &text, &st))
        log_limited(LOG_WARN_, "discovery: %s: %s: %s", a->live->name, file, strerror(errno));
    add_password(j, buf_view(&text));
    if (text.p != NULL)
        explicit_bzero(text.p, text.cap);
    buf_fini(&text);
}

static void on_ask(struct rest_caller *c, struct rest_ask *to)
{
    struct etcd_auth *a = list_entry(c, struct etcd_auth, caller);
    const struct etcd_conf *conf = conf_of(a);
    struct jsonw j = JSONW_INIT(&to->body);

    rest_set_token(a->rest, NULL);                      /* 3.4 refuses a password that comes with a bad token */
    buf_reserve(&to->body, 2 * PASSWORD_MAX);           /* no copy stays behind in memory that grew */
    buf_puts(&to->path, "/v3/auth/authenticate");
    jsonw_object(&j, NULL);
    jsonw_text(&j, "name", conf->user);
    if (conf->password.file != NULL)
        add_password_file(a, &j, conf->password.file);
    else
        jsonw_str(&j, "password", conf->password.value);
    jsonw_close(&j);
    to->timeout = ETCD_ANSWER_TIME;
}

static void let_go(struct etcd_auth *a)
{
    struct link all;
    struct link *it;

    list_init(&all);
    list_move_front(&all, &a->waiters);
    while ((it = list_pop(&all)) != NULL) {
        struct etcd_waiter *w = list_entry(it, struct etcd_waiter, link);

        w->go(w);
    }
}

static void take(struct etcd_auth *a, const char *token, struct rest_verdict *v)
{
    rest_set_token(a->rest, token);
    a->have = true;
    a->since = loop_now(a->live->loop);
    v->ok = v->wait = true;
    let_go(a);
}

static void on_answered(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v)
{
    struct etcd_auth *a = list_entry(c, struct etcd_auth, caller);
    struct sc_error e = SC_ERROR_INIT;
    struct arena arena;
    const char *token;

    arena_init(&arena, 512);
    token = etcd_token_read(&arena, fetch_body(f), &e);
    if (token == NULL || !rest_is_plain(token))
        snprintf(v->error, sizeof v->error, "%s", token == NULL ? log_safe(str_of(e.text)) : "the token is none");
    else
        take(a, token, v);
    arena_fini(&arena);
}

static bool on_refused(struct rest_caller *c, const struct fetch *f, struct rest_verdict *v)
{
    struct etcd_auth *a = list_entry(c, struct etcd_auth, caller);
    struct arena arena;
    const char *text;

    arena_init(&arena, 512);
    text = etcd_error_read(&arena, fetch_body(f));
    if (text != NULL && strcmp(text, "etcdserver: authentication is not enabled") == 0)
        take(a, NULL, v);
    else if (text != NULL)
        snprintf(v->error, sizeof v->error, "HTTP %u: %s", fetch_status(f), log_safe(str_of(text)));
    arena_fini(&arena);
    return text != NULL;
}

static void on_failed(struct rest_caller *c, const char *text)
{
    struct etcd_auth *a = list_entry(c, struct etcd_auth, caller);
    struct link all;
    struct link *it;

    if (text == NULL)
        return;
    list_init(&all);
    list_move_front(&all, &a->waiters);
    while ((it = list_pop(&all)) != NULL) {
        struct etcd_waiter *w = list_entry(it, struct etcd_waiter, link);

        list_push(&a->waiters, it);
        w->failed(w, text);
    }
}

/* --- for others --- */

struct etcd_auth *etcd_auth_new(struct registry_live *live, struct rest *rest)
{
    struct etcd_auth *a = xnew(struct etcd_auth);

    a->live = live;
    a->rest = rest;
    a->caller = (struct rest_caller){ .rest = rest, .ask = on_ask, .answered = on_answered, .refused = on_refused,
                                      .failed = on_failed };
    list_init(&a->waiters);
    return a;
}

void etcd_auth_free(struct etcd_auth **ap)
{
    struct etcd_auth *a = *ap;

    *ap = NULL;
    if (a->started)
        rest_stop(&a->caller);
    loop_free_later(a->live->loop, a);
}

bool etcd_auth_is_missing(const struct etcd_auth *a)
{
    return conf_of(a)->user != NULL && !a->have;
}

void etcd_auth_wait(struct etcd_auth *a, struct etcd_waiter *w)
{
    list_push(&a->waiters, &w->link);
    if (!a->started) {
        a->started = true;
        rest_start(&a->caller);
    }
}

void etcd_auth_leave(struct etcd_waiter *w)
{
    list_remove(&w->link);
}

/* As the servers of 3.4 and 3.5 put it. */
static bool is_about_token(unsigned status, const char *text)
{
    return status == 401 || (text != NULL && (strstr(text, "invalid auth token") != NULL ||
                                              strstr(text, "user name is empty") != NULL ||
                                              strstr(text, "revision of auth store is old") != NULL));
}

bool etcd_auth_refused(struct etcd_auth *a, unsigned status, const char *text, sc_msec began)
{
    if (conf_of(a)->user == NULL || !is_about_token(status, text))
        return false;
    if (!a->have || began < a->since)
        return true;
    if (loop_now(a->live->loop) - a->since < AGE_MIN)
        return false;
    a->have = false;
    rest_again(&a->caller);
    return true;
}
