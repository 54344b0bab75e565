/* admin/server.c - the admin pages over HTTP, on one listener.
 * SPDX-License-Identifier: Apache-2.0
 *
 * No page waits for anything, so a request is answered in the library's final call; but for those that control is asked
 * for: they are parked until its answer comes. */
#include "admin/server.h"

#include "admin/caller.h"
#include "admin/changes.h"
#include "admin/order.h"
#include "admin/page.h"
#include "base/alloc.h"
#include "base/log.h"
#include "http/framing.h"
#include "http/headers.h"
#include "http/uri.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX = 64 * 1024,           /* of requests */
    BODY_END = 16 * BODY_MAX,       /* up to this it is read to its end and then refused, so that the answer arrives */
    CONNECTIONS_MAX = 256,
};

static const struct pump_limits limits = {
    .framing = FRAMING_LIMITS_DEFAULT,
    .pool_size = 24 * 1024,
    .max_connections = CONNECTIONS_MAX,
    .header_timeout = 10000, .body_timeout = 10000, .idle_timeout = 60000,
};

struct server {
    struct pump *pump;
    struct loop *loop;
    const struct admin_state *state;
    struct link asking;             /* requests that wait for control */
    bool stopping;
    char own[2][80];                /* what the listener may be called in Host */
};

struct request {
    struct arena arena;
    struct sc_str target;
    struct headers fields;
    size_t taken;                   /* of the body */
    struct buf body;                /* what of it is kept */
    bool begun;                     /* the library's first call is over */
    /* Of one that waits for control: */
    struct link asking;             /* of the server */
    struct client *client;
    struct order *order;
    struct admin_answer later;
    bool over, gone;                /* `later` is the answer; the client is not there any more */
};

static struct request *request_new(const char *target)
{
    struct request *r = xnew(struct request);

    arena_init(&r->arena, 4096);
    r->target = arena_dup(&r->arena, str_of(target));
    headers_init(&r->fields, &r->arena, NULL, 0);
    list_init(&r->asking);
    return r;
}

static void request_free(struct request **rp)
{
    struct request *r = *rp;

    *rp = NULL;
    list_remove(&r->asking);
    order_abandon(&r->order);
    buf_fini(&r->later.body);
    buf_fini(&r->body);
    arena_fini(&r->arena);
    free(r);
}

/* ---- what a request says ---- */

static enum MHD_Result take_field(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct request *r = arg;

    (void)kind;
    headers_add(&r->fields, arena_dup(&r->arena, str_of(name)), arena_dup(&r->arena, str_of(value)));
    return MHD_YES;
}

/* p NULL when absent. Twice the same name is as bad as a wrong one: then no value fits. */
static struct sc_str only_field(const struct headers *h, struct sc_str name)
{
    const struct header *f = headers_find(h, name);

    if (f == NULL)
        return STR_NONE;
    return headers_find_next(h, f, name) == NULL ? f->value : STR("?");
}

static void answer(struct server *s, const struct client *c, struct request *r, const char *method,
                   struct admin_answer *a)
{
    static const struct uri_options options = { .keep_encoded_slash = true };     /* names of services may have one */
    struct admin_request q = {
        .arena = &r->arena, .method = str_of(method), .body = buf_view(&r->body), .local = pump_listener(s->pump)->local,
        .authorization = only_field(&r->fields, STR("Authorization")),
        .host = only_field(&r->fields, STR("Host")), .origin = only_field(&r->fields, STR("Origin")),
        .site = only_field(&r->fields, STR("Sec-Fetch-Site")), .accept = only_field(&r->fields, STR("Accept")),
        .own = { str_of(s->own[0]), str_of(s->own[1]) },
    };
    struct caller caller;
    struct uri uri;
    const char *wrong = uri_parse(&uri, r->target, &options, &r->arena);

    if (r->taken > BODY_MAX) {
        page_problem(a, ERR_BODY_TOO_LARGE, STR_NONE);
        return;
    }
    if (wrong != NULL) {
        page_problem(a, ERR_BAD_REQUEST, str_of(wrong));
        return;
    }
    if (uri.form == URI_ABSOLUTE)
        q.host = uri.authority;
    q.path = uri.path;
    q.query = uri.query;
    caller_find(&caller, c, q.local, s->state);
    q.loopback = caller.loopback;
    q.trusted = caller.trusted;
    q.who = caller.who;
    page_answer(s->state, &q, a);
}

/* ---- the library's side ---- */

static int send_answer(struct server *s, struct client *c, struct admin_answer *a)
{
    size_t n = a->body.n;
    struct MHD_Response *m = MHD_create_response_from_buffer(n, buf_take(&a->body), MHD_RESPMEM_MUST_FREE);
    enum MHD_Result queued;

    if (m == NULL)
        return 0;
    MHD_add_response_header(m, "Content-Type", a->type);
    MHD_add_response_header(m, "Cache-Control", "no-store");
    MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
    if (a->allow != NULL)
        MHD_add_response_header(m, "Allow", a->allow);
    if (a->challenge != NULL)
        MHD_add_response_header(m, "WWW-Authenticate", a->challenge);
    if (pump_draining(s->pump))
        MHD_add_response_header(m, "Connection", "close");
    c->answering = true;
    queued = MHD_queue_response(c->mhd, a->status, m);
    MHD_destroy_response(m);
    return queued == MHD_YES;
}

/* By its own words; who says nothing is counted. */
static bool is_too_long(const struct request *r)
{
    const struct header *length = headers_first(&r->fields, HDR_CONTENT_LENGTH);
    unsigned long long n;

    return length != NULL && (!str_u64(length->value, &n) || n > BODY_END);
}

static enum err check_head(const struct request *r, const char *method, const char *version)
{
    unsigned status = 0;

    if (!pump_has_seam())
        status = framing_check_parsed(str_of(method), r->target, str_of(version), &r->fields);
    if (status != 0)
        return problem_of_verdict(status);
    return is_too_long(r) ? ERR_BODY_TOO_LARGE : ERR_NONE;
}

static int begin(struct server *s, struct client *c, struct request *r, const char *method, const char *version)
{
    struct admin_answer a = { 0 };
    enum err e;

    r->begun = true;
    c->minor = strcmp(version, "HTTP/1.1") == 0;
    MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, take_field, r);
    e = check_head(r, method, version);
    if (e == ERR_NONE)
        return 1;
    /* An answer in the first call ends the connection, which is what such a request deserves. */
    page_problem(&a, e, STR_NONE);
    return send_answer(s, c, &a);
}

/* ---- what control is asked for ---- */

/* The handler's next call gives the answer. */
static void go_on(struct request *r)
{
    r->over = true;
    list_remove(&r->asking);
    if (r->client->parked)
        client_resume(r->client);
}

static void on_answered(struct order *o)
{
    struct request *r = o->asker;

    r->order = NULL;
    changes_reloaded(o, &r->later);
    order_free(&o);
    go_on(r);
}

static int ask_reload(struct server *s, struct client *c, struct request *r)
{
    struct admin_answer a = { 0 };

    if (s->stopping) {
        page_problem(&a, ERR_OVERLOADED, STR("the process is stopping"));
        return send_answer(s, c, &a);
    }
    r->client = c;
    r->order = order_new(s->loop, on_answered, r);
    list_push(&s->asking, &r->asking);
    client_request_whole(c);
    client_park(c);
    s->state->reload(s->state->arg, r->order);
    return 1;
}

static void *on_begin(void *arg, struct client *c, const char *target)
{
    (void)arg;
    (void)c;
    return request_new(target);
}

/* Nobody looks at the body of such a request. */
static bool reads(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static int on_handle(void *arg, struct client *c, void *request, const char *method, const char *version,
                     const char *data, size_t *size)
{
    struct server *s = arg;
    struct request *r = request;
    struct admin_answer a = { 0 };

    if (!r->begun)
        return begin(s, c, r, method, version);
    if (*size > 0) {
        r->taken += *size;
        if (r->taken <= BODY_MAX && !reads(method))
            buf_add(&r->body, data, *size);
        *size = 0;
        return r->taken <= BODY_END;
    }
    if (r->over)
        return !r->gone && send_answer(s, c, &r->later);
    if (r->order != NULL) {             /* called without a reason: it still waits */
        client_park(c);
        return 1;
    }
    answer(s, c, r, method, &a);
    return a.reload ? ask_reload(s, c, r) : send_answer(s, c, &a);
}

static void on_completed(void *arg, struct client *c, void *request, bool clean)
{
    struct request *r = request;

    (void)arg;
    (void)c;
    (void)clean;
    request_free(&r);
}

static void on_gone(void *arg, struct client *c, void *request)
{
    struct request *r = request;

    (void)arg;
    order_abandon(&r->order);
    r->client = c;
    r->gone = true;
    client_cut(c);
    go_on(r);
}

static void on_body_late(void *arg, struct client *c, void *request)
{
    (void)arg;
    (void)request;
    client_kill(c);
}

static size_t on_refuse(void *arg, struct client *c, int status, char *to, size_t room)
{
    const struct problem *p = problem_of(problem_of_verdict((unsigned)status));
    struct buf text = BUF_INIT;
    size_t n;

    (void)arg;
    (void)c;
    problem_response(&text, p, STR("outrider"), STR_NONE, STR_NONE);
    n = text.n <= room ? text.n : 0;
    memcpy(to, text.p, n);
    buf_fini(&text);
    return n;
}

static const struct pump_ops ops = {
    .begin = on_begin, .handle = on_handle, .completed = on_completed, .gone = on_gone, .body_late = on_body_late,
    .refuse = on_refuse,
};

/* ---- the server ---- */

/* "127.0.0.1:8001" -> "127.0.0.1". */
static void host_of(const char *address, char *to, size_t room)
{
    const char *colon = strrchr(address, ':');

    if (colon != NULL && (size_t)(colon - address) < room)
        snprintf(to, room, "%.*s", (int)(colon - address), address);
}

struct server *server_new(struct loop *loop, struct listener *listener, const struct admin_state *state)
{
    struct server *s = xnew(struct server);

    s->loop = loop;
    s->state = state;
    list_init(&s->asking);
    if (!listener->local) {
        host_of(listener->text, s->own[0], sizeof s->own[0]);
        host_of(listener->address, s->own[1], sizeof s->own[1]);
    }
    s->pump = pump_new(loop, listener, 0, &limits, &ops, s);
    if (!pump_ready(s->pump)) {
        pump_free(&s->pump);
        free(s);
        return NULL;
    }
    pump_start(s->pump);
    return s;
}

void server_stop(struct server *s)
{
    s->stopping = true;
    list_each(it, &s->asking) {
        struct request *r = list_entry(it, struct request, asking);

        order_abandon(&r->order);
        page_problem(&r->later, ERR_OVERLOADED, STR("the process is stopping"));
        go_on(r);
    }
    pump_stop(s->pump);
    pump_drain(s->pump, 0);
}

bool server_idle(const struct server *s)
{
    return pump_connections(s->pump) == 0;
}

void server_free(struct server **sp)
{
    struct server *s = *sp;

    *sp = NULL;
    if (s == NULL)
        return;
    pump_free(&s->pump);
    free(s);
}
