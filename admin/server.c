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
    SMALL = 64 * 1024,              /* answers up to this are not counted */
    HELD_MAX = 64 * 1024 * 1024,    /* of the others, until their clients have read them; a single one may be longer */
    READ_MS = 60000,                /* for reading an answer */
    CROWDED_MS = 1000,              /* in a crowd, and how often it is looked whether it is over */
    SCARCE_MS = 5000,               /* for reading, when others are refused an answer for want of memory */
};

static const struct pump_limits limits = {
    .framing = FRAMING_LIMITS_DEFAULT,
    .pool_size = 24 * 1024,
    .max_connections = CONNECTIONS_MAX,
    .header_timeout = 10000, .body_timeout = 10000, .idle_timeout = 60000,
};

/* When others wait, nobody keeps a connection that he does not use. */
static const struct pump_limits crowded = {
    .framing = FRAMING_LIMITS_DEFAULT,
    .pool_size = 24 * 1024,
    .max_connections = CONNECTIONS_MAX,
    .header_timeout = CROWDED_MS, .body_timeout = CROWDED_MS, .idle_timeout = CROWDED_MS / 10,
};

struct server {
    struct pump *pump;
    struct loop *loop;
    const struct admin_state *state;
    struct link asking;             /* requests that wait for control */
    struct link reading;            /* requests whose answer is on its way, the oldest first */
    size_t held;                    /* bytes of their answers, as far as they are counted */
    struct timer crowd;             /* pending: others wait to get in, or did a moment ago */
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
    /* Of one that is answered: */
    struct link reading;            /* of the server */
    struct timer late;
    sc_msec since;
    size_t held;
};

static void on_unread(struct timer *t);

static struct request *request_new(const char *target)
{
    struct request *r = xnew(struct request);

    arena_init(&r->arena, 4096);
    r->target = arena_dup(&r->arena, str_of(target));
    headers_init(&r->fields, &r->arena, NULL, 0);
    list_init(&r->asking);
    list_init(&r->reading);
    r->late.fn = on_unread;
    return r;
}

static void request_free(struct request **rp)
{
    struct request *r = *rp;

    *rp = NULL;
    list_remove(&r->asking);
    list_remove(&r->reading);
    timer_stop(&r->late);
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

/* ---- clients that do not read ---- */

static void on_unread(struct timer *t)
{
    client_kill(list_entry(t, struct request, late)->client);
}

/* Whoever has had long enough lets go of the memory that others are refused; in the next turn, outside of the library. */
static void end_holders(struct server *s)
{
    list_each(it, &s->reading) {
        struct request *r = list_entry(it, struct request, reading);

        if (r->held > 0 && loop_now(s->loop) - r->since >= SCARCE_MS)
            timer_start(s->loop, &r->late, 0);
    }
}

/* From here to its last byte the answer takes memory, and only its client can end that: for so long, and for so much. */
static void hold(struct server *s, struct client *c, struct request *r, struct admin_answer *a)
{
    size_t n = a->body.n > SMALL ? a->body.n : 0;

    if (n > 0 && s->held > 0 && s->held + n > HELD_MAX) {
        end_holders(s);
        page_problem(a, ERR_OVERLOADED, STR("too many read long pages"));
        n = 0;
    }
    r->client = c;
    r->held = n;
    s->held += n;
    r->since = loop_now(s->loop);
    list_push(&s->reading, &r->reading);
    timer_start(s->loop, &r->late, READ_MS);
}

static bool is_slow(const struct server *s, const struct request *r)
{
    return loop_now(s->loop) - r->since >= CROWDED_MS;
}

static void end_slow(struct server *s)
{
    list_each(it, &s->reading) {
        struct request *r = list_entry(it, struct request, reading);

        if (is_slow(s, r))
            client_kill(r->client);
    }
}

static void on_crowd(struct timer *t)
{
    struct server *s = list_entry(t, struct server, crowd);

    if (pump_connections(s->pump) <= CONNECTIONS_MAX / 2) {
        pump_set_limits(s->pump, &limits);
        return;
    }
    end_slow(s);
    timer_start(s->loop, t, CROWDED_MS);
}

static void on_full(void *arg)
{
    struct server *s = arg;

    if (s->crowd.pending || s->stopping)
        return;
    pump_set_limits(s->pump, &crowded);
    end_slow(s);
    timer_start(s->loop, &s->crowd, CROWDED_MS);
}

/* ---- the library's side ---- */

static int send_answer(struct server *s, struct client *c, struct request *r, struct admin_answer *a)
{
    struct MHD_Response *m;
    enum MHD_Result queued;
    size_t n;

    hold(s, c, r, a);
    n = a->body.n;
    m = MHD_create_response_from_buffer(n, buf_take(&a->body), MHD_RESPMEM_MUST_FREE);
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
    return send_answer(s, c, r, &a);
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
        return send_answer(s, c, r, &a);
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
        return !r->gone && send_answer(s, c, r, &r->later);
    if (r->order != NULL) {             /* called without a reason: it still waits */
        client_park(c);
        return 1;
    }
    answer(s, c, r, method, &a);
    return a.reload ? ask_reload(s, c, r) : send_answer(s, c, r, &a);
}

static void on_completed(void *arg, struct client *c, void *request, bool clean)
{
    struct request *r = request;
    struct server *s = arg;

    (void)c;
    (void)clean;
    s->held -= r->held;
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
    .refuse = on_refuse, .full = on_full,
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
    list_init(&s->reading);
    s->crowd.fn = on_crowd;
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
    timer_stop(&s->crowd);
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
    timer_stop(&s->crowd);
    pump_free(&s->pump);
    free(s);
}
