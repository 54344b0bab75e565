/* sidecar/proxy/answer.c - the answer on its way to the client: its head, its body, and what the library makes of them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The library frames the body and sends it. With the seam the head is ours, and replaces the library's on the wire;
 * without it, the library writes one from what it is given. */
#include "proxy/answer.h"

#include "base/alloc.h"
#include "base/log.h"
#include "http/status.h"
#include "http/trailer.h"
#include "proxy/flow.h"
#include "proxy/tunnel.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

#include <assert.h>
#include <microhttpd.h>

enum { BLOCK = 64 * 1024 };         /* of a streamed answer: what the library asks for at once */

/* ---- the head ---- */

static bool is_ours_to_say(const struct header *h)
{
    return h->id == HDR_CONTENT_LENGTH || h->id == HDR_TRANSFER_ENCODING || h->id == HDR_CONNECTION;
}

bool answer_closes(const struct sc_exchange *x, enum frame f)
{
    unsigned said = headers_may_have(&x->headers, HDR_CONNECTION) ? connection_options(&x->headers) : 0;

    return x->down.close || x->client->closing || f == FRAME_CLOSE || (said & CONNECTION_CLOSE) != 0 ||
           (x->req.minor == 0 && (said & CONNECTION_KEEP_ALIVE) == 0);
}

static char *put(char *to, const void *p, size_t n)
{
    memcpy(to, p, n);
    return to + n;
}

#define PUT(to, literal) put(to, literal, sizeof(literal) - 1)

static char *put_number(char *to, uint64_t n)
{
    char digits[20];
    unsigned at = sizeof digits;

    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    return put(to, digits + at, sizeof digits - at);
}

static size_t head_bound(const struct sc_exchange *x)
{
    const struct headers *h = &x->response.headers;
    size_t n = 256;

    for (unsigned i = 0; i < h->n; i++)
        n += h->at[i].name.n + h->at[i].value.n + 4;
    return n;
}

static char *put_fields(struct sc_exchange *x, char *to)
{
    struct header *h;
    bool date = false;

    for (unsigned i = 0; (h = headers_each(&x->response.headers, &i)) != NULL;) {
        if (is_ours_to_say(h) || (h->id == HDR_DATE && date))
            continue;
        date |= h->id == HDR_DATE;
        to = put(to, h->name.p, h->name.n);
        to = PUT(to, ": ");
        if (h->value.n > 0)
            to = put(to, h->value.p, h->value.n);
        to = PUT(to, "\r\n");
    }
    if (!date) {                                        /* RFC 9110 6.6.1 */
        to = PUT(to, "Date: ");
        to = put(to, worker_date(x->worker).p, 29);
        to = PUT(to, "\r\n");
    }
    return to;
}

struct sc_str answer_head(struct sc_exchange *x, enum frame f, uint64_t length, bool closes)
{
    struct sc_str reason = status_reason(x->res.status);
    char *head = arena_alloc(&x->arena, head_bound(x) + x->res.upgrade.n), *to = PUT(head, "HTTP/1.1 ");

    to = put_number(to, x->res.status);
    *to++ = ' ';
    to = put(to, reason.p, reason.n);
    to = PUT(to, "\r\n");
    to = put_fields(x, to);
    if (f == FRAME_LENGTH) {
        to = PUT(to, "Content-Length: ");
        to = put_number(to, length);
        to = PUT(to, "\r\n");
    } else if (f == FRAME_CHUNKED) {
        to = PUT(to, "Transfer-Encoding: chunked\r\n");
    }
    if (closes)
        to = PUT(to, "Connection: close\r\n");
    else if (x->req.minor == 0)
        to = PUT(to, "Connection: keep-alive\r\n");
    if (x->res.status == 426 && !x->res.own && x->res.upgrade.n > 0) {
        to = PUT(to, "Connection: Upgrade\r\nUpgrade: ");
        to = put(to, x->res.upgrade.p, x->res.upgrade.n);
        to = PUT(to, "\r\n");
    }
    to = PUT(to, "\r\n");
    return str_range(head, to);
}

static void add_header(struct MHD_Response *r, const char *name, const char *value)
{
    if (MHD_add_response_header(r, name, value[0] == '\0' ? " " : value) != MHD_YES)
        log_limited(LOG_DEBUG_, "libmicrohttpd refused the field %s of an answer", log_safe(str_of(name)));
}

static void add_headers(struct sc_exchange *x, struct MHD_Response *r)
{
    struct header *h;
    bool date = false;

    for (unsigned i = 0; (h = headers_each(&x->response.headers, &i)) != NULL;) {
        if (is_ours_to_say(h) || (h->id == HDR_DATE && date))
            continue;
        date |= h->id == HDR_DATE;
        add_header(r, arena_dupz(&x->arena, h->name), arena_dupz(&x->arena, h->value));
    }
    if (!date)
        add_header(r, "Date", worker_date(x->worker).p);
}

static void give_head(struct sc_exchange *x, struct MHD_Response *r, enum frame f, uint64_t length)
{
    bool closes = answer_closes(x, f);

    if (closes)
        add_header(r, "Connection", "close");
    if (pump_has_seam())
        client_set_head(x->client, answer_head(x, f, length, closes));
    else
        add_headers(x, r);
}

/* ---- a change of protocol ---- */

size_t answer_switch_head(struct sc_exchange *x, const char **head)
{
    char *to = arena_alloc(&x->arena, head_bound(x) + x->res.upgrade.n);

    *head = to;
    to = PUT(to, "HTTP/1.1 101 Switching Protocols\r\n");
    to = put_fields(x, to);
    to = PUT(to, "Connection: Upgrade\r\nUpgrade: ");
    to = put(to, x->res.upgrade.p, x->res.upgrade.n);
    to = PUT(to, "\r\n\r\n");
    return (size_t)(to - *head);
}

/* Without the seam: the library has sent the head, and lets go. */
static void on_switched(void *arg, struct MHD_Connection *m, void *request, const char *early, size_t early_n,
                        MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
    struct sc_exchange *x = arg;
    struct client *c = x->client;

    (void)m;
    (void)request;
    assert(fd == c->io.fd);
    c->upgraded = handle;
    if (early_n > 0) {
        c->stash = xmalloc(early_n);
        memcpy(c->stash, early, early_n);
        c->stash_n = early_n;
    }
    tunnel_open(x, NULL, 0);
}

bool answer_queue_switch(struct sc_exchange *x)
{
    struct MHD_Response *r = MHD_create_response_for_upgrade(on_switched, x);
    enum MHD_Result done;

    add_header(r, "Upgrade", arena_dupz(&x->arena, x->res.upgrade));
    add_headers(x, r);
    done = MHD_queue_response(x->client->mhd, MHD_HTTP_SWITCHING_PROTOCOLS, r);
    MHD_destroy_response(r);
    return done == MHD_YES;
}

/* ---- the body ---- */

/* Nobody shall take what was sent for the whole. */
static ssize_t broken(struct sc_exchange *x)
{
    x->down.broken = true;
    upstream_cancel(x);
    client_cut(x->client);
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t ended(struct sc_exchange *x)
{
    struct header *h;

    x->down.finished = true;
    if (x->response.body == BODY_CHUNKED && !x->res_hooked && x->req.minor != 0)
        for (unsigned i = 0; (h = headers_each(&x->trailers, &i)) != NULL;)
            if (!trailer_ends_here(&x->response.headers, h->name))
                MHD_add_response_footer(x->down.response, arena_dupz(&x->arena, h->name),
                                        h->value.n == 0 ? " " : arena_dupz(&x->arena, h->value));
    upstream_finish(x);
    return MHD_CONTENT_READER_END_OF_STREAM;
}

static bool into_queue(void *arg, struct sc_str data, bool last)
{
    struct sc_exchange *x = arg;

    if (body_push(x->res_queue, data.p, data.n) < data.n)
        return false;
    if (last)
        body_end(x->res_queue);
    return true;
}

void answer_open_hooks(struct sc_exchange *x)
{
    chain_body_open(&x->chain, CHAIN_RESPONSE_BODY, into_queue, x, &x->arena);
}

/* Feeds the hooks until something comes out of them. */
static ssize_t read_hooked(struct sc_exchange *x, char *to, size_t n)
{
    for (;;) {
        ssize_t got = (ssize_t)body_read(x->res_queue, to, n);

        if (got > 0)
            return got;
        if (body_is_done(x->res_queue))
            return UPSTREAM_END;
        got = upstream_read(x, x->worker->scratch, 16384);
        if (got == UPSTREAM_WAIT || got == UPSTREAM_BROKEN)
            return got;
        if (!chain_body_write(&x->chain, CHAIN_RESPONSE_BODY,
                              (struct sc_str){ x->worker->scratch, got > 0 ? (size_t)got : 0 }, got == UPSTREAM_END))
            return UPSTREAM_BROKEN;
    }
}

ssize_t answer_read(struct sc_exchange *x, char *to, size_t n)
{
    ssize_t got = x->res_hooked ? read_hooked(x, to, n) : upstream_read(x, to, n);

    if (got > 0) {
        x->down.sent += (uint64_t)got;
        x->stamp = loop_now(x->worker->loop);
    }
    return got;
}

/* The library wants bytes of the answer. */
static ssize_t on_wanted(void *arg, uint64_t at, char *to, size_t n)
{
    struct sc_exchange *x = arg;
    ssize_t got;

    (void)at;
    if ((x->facts & FACT_GONE) != 0 || x->down.broken)
        return broken(x);
    got = answer_read(x, to, n);
    if (got > 0) {
        if (x->up.body_done && !x->res_hooked) {
            if (x->response.body == BODY_LENGTH)
                x->down.finished = true;
            upstream_finish(x);
        }
        return got;
    }
    if (got == UPSTREAM_END)
        return ended(x);
    if (got == UPSTREAM_BROKEN)
        return broken(x);
    x->down.starved = true;
    client_park(x->client);
    return 0;
}

/* ---- the whole ---- */

/* HEAD and 304 say how long the body would be, if that is known (RFC 9110 8.6); 204 says nothing, and 205 that there is
 * none, whatever the target put behind it (RFC 9110 15.3.6). */
static void shape_bodiless(const struct sc_exchange *x, struct answer_shape *s)
{
    if (x->res.status == MHD_HTTP_RESET_CONTENT)
        return;
    s->length = x->res.own ? x->res.body.n : x->response.content_length;
    s->frame = x->res.status != MHD_HTTP_NO_CONTENT && (x->res.own || x->response.has_length) ? FRAME_LENGTH : FRAME_NONE;
}

void answer_shape(struct sc_exchange *x, struct answer_shape *s)
{
    bool counted = x->response.body == BODY_LENGTH && !x->res_hooked;

    *s = (struct answer_shape){ .frame = FRAME_LENGTH };
    if (x->res.head_only) {
        shape_bodiless(x, s);
        return;
    }
    if (x->res.own)
        s->body = x->res.body;
    else
        s->streams = x->res_hooked || !upstream_body_whole(x, &s->body);
    if (!s->streams) {
        x->down.sent = s->length = s->body.n;
        return;
    }
    s->length = x->response.content_length;
    s->frame = counted ? FRAME_LENGTH : x->req.minor != 0 ? FRAME_CHUNKED : FRAME_CLOSE;
}

static struct MHD_Response *make_buffer(struct sc_str body)
{
    return MHD_create_response_from_buffer(body.n, (void *)(body.n > 0 ? body.p : ""), MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *make_bodiless(struct sc_exchange *x, const struct answer_shape *s)
{
    struct MHD_Response *m;

    if (pump_has_seam() || x->res.status == MHD_HTTP_NO_CONTENT || x->res.status == MHD_HTTP_RESET_CONTENT)
        return make_buffer(STR_NONE);
    if (s->frame == FRAME_LENGTH)
        return MHD_create_response_from_callback(s->length, 1024, on_wanted, x, NULL);
    m = make_buffer(STR_NONE);
#if HAVE_DECL_MHD_RF_HEAD_ONLY_RESPONSE
    MHD_set_response_options(m, MHD_RF_HEAD_ONLY_RESPONSE, MHD_RO_END);
#else
    /* 0.9.75 puts the end of a chunked body behind the head of an unknown length: better to say a wrong one and be done
     * with the connection. */
    x->down.close = true;
#endif
    return m;
}

static struct MHD_Response *make_response(struct sc_exchange *x, const struct answer_shape *s)
{
    if (x->res.head_only)
        return make_bodiless(x, s);
    if (!s->streams)
        return make_buffer(s->body);
    return MHD_create_response_from_callback(s->frame == FRAME_LENGTH ? s->length : MHD_SIZE_UNKNOWN, BLOCK, on_wanted, x,
                                             NULL);
}

bool answer_queue(struct sc_exchange *x)
{
    struct answer_shape s;
    struct MHD_Response *r;
    enum MHD_Result done;

    assert(!x->down.queued);
    answer_shape(x, &s);
    r = make_response(x, &s);
    x->down.queued = true;
    x->down.finished = !s.streams;
    x->down.response = r;
    x->client->answering = true;
    if (s.frame == FRAME_CLOSE)
        client_by_close(x->client);
    give_head(x, r, s.frame, s.length);
    if (x->down.finished)
        upstream_finish(x);
    else
        flow_streaming(x);
    done = MHD_queue_response(x->client->mhd, x->res.status, r);
    MHD_destroy_response(r);
    if (done != MHD_YES)
        log_limited(LOG_ERROR_, "libmicrohttpd refused an answer with status %u", x->res.status);
    return done == MHD_YES;
}

bool answer_queue_nothing(struct sc_exchange *x)
{
    struct MHD_Response *r = make_buffer(STR_NONE);
    enum MHD_Result done;

    if (answer_closes(x, FRAME_NONE))
        add_header(r, "Connection", "close");
    done = MHD_queue_response(x->client->mhd, MHD_HTTP_OK, r);
    MHD_destroy_response(r);
    return done == MHD_YES;
}
