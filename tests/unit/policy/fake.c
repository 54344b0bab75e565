/* tests/unit/policy/fake.c - an exchange without a proxy around it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/policy/fake.h"

#include <stdarg.h>
#include <stdio.h>

void fake_init(struct sc_exchange *x)
{
    memset(x, 0, sizeof *x);
    arena_init(&x->arena, 4096);
    headers_init(&x->request, &x->arena, NULL, 0);
    headers_init(&x->outgoing, &x->arena, NULL, 0);
    headers_init(&x->response, &x->arena, NULL, 0);
    x->method = STR("GET");
    x->scheme = STR("http");
    x->host = STR("h.example");
    x->path = STR("/");
    x->query = STR("");
    x->client_ip = STR("192.0.2.1");
    x->route = STR("a-route");
    x->service = STR("a-service");
    x->now = 1000000;
    x->wall = 1795000000000;
}

void fake_fini(struct sc_exchange *x)
{
    arena_fini(&x->arena);
}

void fake_header(struct sc_exchange *x, const char *name, const char *value)
{
    headers_add(&x->request, str_of(name), str_of(value));
    headers_add(&x->outgoing, str_of(name), str_of(value));
}

static const char *only(struct sc_exchange *x, struct headers *h, const char *name)
{
    struct header *f = headers_find(h, str_of(name));

    if (f == NULL || headers_find_next(h, f, str_of(name)) != NULL)
        return NULL;
    return arena_dupz(&x->arena, f->value);
}

const char *fake_outgoing(struct sc_exchange *x, const char *name)
{
    return only(x, &x->outgoing, name);
}

const char *fake_response(struct sc_exchange *x, const char *name)
{
    return only(x, &x->response, name);
}

void fake_advance(struct sc_exchange *x, sc_msec ms)
{
    struct sc_timer **at = &x->timers;

    x->now += ms;
    x->wall += ms;
    while (*at != NULL) {
        struct sc_timer *t = *at;

        if (t->at > x->now) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        t->fn(x, t->arg);
        at = &x->timers;
    }
}

/* --- the calls --- */

struct sc_str sc_method(const struct sc_exchange *x)
{
    return x->method;
}

struct sc_str sc_scheme(const struct sc_exchange *x)
{
    return x->scheme;
}

struct sc_str sc_host(const struct sc_exchange *x)
{
    return x->host;
}

struct sc_str sc_path(const struct sc_exchange *x)
{
    return x->path;
}

struct sc_str sc_query(const struct sc_exchange *x)
{
    return x->query;
}

struct sc_str sc_client_ip(const struct sc_exchange *x)
{
    return x->client_ip;
}

bool sc_peer_is_trusted(const struct sc_exchange *x)
{
    return x->trusted;
}

struct sc_str sc_route(const struct sc_exchange *x)
{
    return x->route;
}

struct sc_str sc_service(const struct sc_exchange *x)
{
    return x->service;
}

static bool nth(const struct headers *h, const char *name, unsigned n, struct sc_str *value)
{
    struct header *f = headers_find(h, str_of(name));

    while (f != NULL && n-- > 0)
        f = headers_find_next(h, f, str_of(name));
    if (f == NULL)
        return false;
    *value = f->value;
    return true;
}

static bool put(struct sc_exchange *x, struct headers *h, const char *name, struct sc_str value, bool replace)
{
    if (!http_is_token(str_of(name)) || !http_is_value(value))
        return false;
    if (replace)
        headers_remove_name(h, str_of(name));
    headers_add(h, arena_dup(&x->arena, str_of(name)), arena_dup(&x->arena, value));
    return true;
}

bool sc_request_header_nth(const struct sc_exchange *x, const char *name, unsigned n, struct sc_str *value)
{
    return nth(&x->request, name, n, value);
}

bool sc_set_request_header(struct sc_exchange *x, const char *name, struct sc_str value)
{
    return put(x, &x->outgoing, name, value, true);
}

bool sc_add_request_header(struct sc_exchange *x, const char *name, struct sc_str value)
{
    return put(x, &x->outgoing, name, value, false);
}

void sc_remove_request_header(struct sc_exchange *x, const char *name)
{
    headers_remove_name(&x->outgoing, str_of(name));
}

unsigned sc_status(const struct sc_exchange *x)
{
    return x->status;
}

bool sc_response_header_nth(const struct sc_exchange *x, const char *name, unsigned n, struct sc_str *value)
{
    return nth(&x->response, name, n, value);
}

bool sc_set_response_header(struct sc_exchange *x, const char *name, struct sc_str value)
{
    return put(x, &x->response, name, value, true);
}

bool sc_add_response_header(struct sc_exchange *x, const char *name, struct sc_str value)
{
    return put(x, &x->response, name, value, false);
}

void sc_remove_response_header(struct sc_exchange *x, const char *name)
{
    headers_remove_name(&x->response, str_of(name));
}

void sc_reply(struct sc_exchange *x, unsigned status, const char *code, const char *detail, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, detail);
    vsnprintf(text, sizeof text, detail, ap);
    va_end(ap);
    headers_clear(&x->response);
    x->status = x->reply_status = status;
    x->reply_code = arena_dup(&x->arena, str_of(code));
    x->reply_text = arena_dup(&x->arena, str_of(text));
    x->reply_type = STR("application/problem+json");
}

void sc_reply_with(struct sc_exchange *x, unsigned status, const char *content_type, struct sc_str body)
{
    headers_clear(&x->response);
    x->status = x->reply_status = status;
    x->reply_code = STR("");
    x->reply_text = arena_dup(&x->arena, body);
    x->reply_type = arena_dup(&x->arena, str_of(content_type));
}

void sc_resume(struct sc_exchange *x, enum sc_verdict verdict)
{
    x->resumed++;
    x->verdict = verdict;
}

struct sc_str sc_request_id(const struct sc_exchange *x)
{
    return x->id;
}

void sc_set_request_id(struct sc_exchange *x, struct sc_str id)
{
    x->id = arena_dup(&x->arena, id);
}

void *sc_alloc(struct sc_exchange *x, size_t n)
{
    return arena_alloc(&x->arena, n);
}

void sc_log(struct sc_exchange *x, enum sc_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
    x->logged++;
}

sc_msec sc_now(const struct sc_exchange *x)
{
    return x->now;
}

sc_msec sc_wall(const struct sc_exchange *x)
{
    return x->wall;
}

struct sc_timer *sc_timer_start(struct sc_exchange *x, sc_msec delay, void (*fn)(struct sc_exchange *x, void *arg),
                                void *arg)
{
    struct sc_timer *t = arena_alloc(&x->arena, sizeof *t);

    *t = (struct sc_timer){ x, x->now + delay, fn, arg, x->timers };
    x->timers = t;
    return t;
}

void sc_timer_cancel(struct sc_timer **t)
{
    struct sc_timer **at;

    if (*t == NULL)
        return;
    at = &(*t)->x->timers;
    while (*at != NULL && *at != *t)
        at = &(*at)->next;
    if (*at != NULL)
        *at = (*at)->next;
    *t = NULL;
}

unsigned sc_worker_index(const struct sc_worker *w)
{
    return w->index;
}
