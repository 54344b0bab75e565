/* sidecar/proxy/downstream.c - the client's side of an exchange, through libmicrohttpd.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the library's handler may do depends on the call (measured on every version):
 *   first call   head complete. An answer here closes the connection, so it is given only to refuse a body; parking here
 *                keeps the body from being read, and the call comes again after that.
 *   body calls   nothing can be answered. What is not taken is offered again, so whoever takes less must park.
 *   final call   answer, or park: returning with neither is a busy loop. While parked here the answer may be given from
 *                outside. */
#include "proxy/downstream.h"

#include "base/buf.h"
#include "http/chars.h"
#include "http/trailer.h"
#include "loop/sys.h"
#include "proxy/answer.h"
#include "proxy/early.h"
#include "proxy/flow.h"
#include "proxy/peer.h"
#include "proxy/record.h"
#include "proxy/tunnel.h"
#include "proxy/worker.h"

#include <microhttpd.h>

enum {
    DISCARD_MAX = 1024 * 1024,      /* of a body that nobody wants: read and dropped, so that the answer gets through */
    DISCARD_OWN = 64 * 1024,        /* the same before an answer of our own that is known at the head */
};

/* ---- the request ---- */

struct trailers {
    const struct headers *head;
    struct buf text;                /* as they go on */
};

/* The name of a Cookie gets its letter back: in the library's memory, where nobody looks for it any more. */
static void unveil(const char *name, size_t n)
{
    if (n >= 6 && __builtin_expect(name[5] == CLIENT_VEIL, 0) && http_same(name, "cooki", 5))
        ((char *)name)[5] = 'e';
}

static enum MHD_Result on_field(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n, const char *value,
                                size_t value_n)
{
    struct sc_exchange *x = arg;

    (void)kind;
    if (pump_has_seam())
        unveil(name, name_n);
    /* The blanks behind a value are not a part of it (RFC 9112 5.1); libmicrohttpd 0.9.75 leaves them there. */
    headers_add(&x->headers, (struct sc_str){ name, name_n },
                str_trim((struct sc_str){ value, value == NULL ? 0 : value_n }));
    return MHD_YES;
}

/* Zeros in front mean nothing (RFC 9110 8.6), except to servers that take such a number for an octal one. */
static struct sc_str without_zeros(struct sc_str number)
{
    while (number.n > 1 && *number.p == '0')
        number = str_skip(number, 1);
    return number;
}

static void read_head(struct sc_exchange *x, const char *method, const char *version)
{
    struct header *length, *coding;
    unsigned long long n = 0;

    x->req.method_name = str_of(method);
    x->req.method = method_id(x->req.method_name);
    x->req.minor = version[7] == '0' ? 0 : 1;
    x->client->minor = x->req.minor != 0;
    MHD_get_connection_values_n(x->client->mhd, MHD_HEADER_KIND, on_field, x);
    coding = headers_first(&x->headers, HDR_TRANSFER_ENCODING);
    length = headers_first(&x->headers, HDR_CONTENT_LENGTH);
    x->req.chunked = coding != NULL;
    if (length != NULL && str_u64(length->value, &n)) {
        x->req.length = n;
        length->value = without_zeros(length->value);
    }
    x->req.has_body = x->req.chunked || n > 0;
    x->req.expects = x->req.has_body && x->req.minor != 0 && headers_first(&x->headers, HDR_EXPECT) != NULL;
}

static void *begin(void *arg, struct client *c, const char *target)
{
    struct sc_exchange *x = exchange_new(arg);

    x->client = c;
    x->holds = HOLD_DOWN;
    x->req.target = arena_dup(&x->arena, str_of(target));
    return x;
}

/* ---- what flow.c says ---- */

void downstream_answer(struct sc_exchange *x)
{
    struct client *c = x->client;

    if (early_may(x)) {
        early_begin(x);
        if (!x->down.in_handler && c->parked)
            client_resume(c);                           /* what comes of the body is dropped */
        return;
    }
    if (x->down.in_handler || !c->parked || x->down.queued)
        return;                                         /* the handler's next call gives it */
    if (!x->down.held_first && !x->down.blocked)
        x->down.broken |= !answer_queue(x);
    client_resume(c);
}

void downstream_switch(struct sc_exchange *x)
{
    const char *head;
    size_t n;

    x->down.queued = x->down.apart = true;
    if (pump_has_seam()) {
        n = answer_switch_head(x, &head);
        tunnel_open(x, head, n);
    } else if (!x->down.in_handler) {
        x->down.broken |= !answer_queue_switch(x);
        client_resume(x->client);
    }
}

void downstream_go_on(struct sc_exchange *x)
{
    if (!x->down.in_handler && x->client->parked && x->down.held_first)
        client_resume(x->client);
}

void downstream_room(struct sc_exchange *x)
{
    if (x->down.blocked && x->client->parked)
        client_resume(x->client);
}

void downstream_more(struct sc_exchange *x)
{
    early_go(x);
    if (!x->down.starved)
        return;
    x->down.starved = false;
    client_resume(x->client);
}

/* RFC 8297. What ends at this hop goes no further, nor what frames a message that follows. */
void downstream_hint(struct sc_exchange *x)
{
    struct headers *h = &x->response.headers;
    struct buf text = BUF_INIT;
    struct header *f;
    struct hop hop;

    hop_strip(h, &hop);
    headers_remove(h, HDR_CONTENT_LENGTH);
    buf_puts(&text, "HTTP/1.1 103 Early Hints\r\n");
    for (unsigned i = 0; (f = headers_each(h, &i)) != NULL;)
        buf_printf(&text, "%.*s: %.*s\r\n", STR_ARG(f->name), STR_ARG(f->value));
    buf_puts(&text, "\r\n");
    client_interim(x->client, text.p, text.n);
    buf_fini(&text);
}

void downstream_abort(struct sc_exchange *x)
{
    struct client *c = x->client;

    x->facts |= FACT_GONE;
    if (c->mute) {
        client_end(c, true);
        return;
    }
    client_cut(c);
    x->down.starved = false;
    if (c->parked)
        client_resume(c);
    else
        client_poke(c);
}

void downstream_break(struct sc_exchange *x)
{
    x->down.broken = true;
    downstream_abort(x);
}

/* ---- the handler ---- */

/* A refusal of a body that the client has not sent yet, or that is too long to be read for nothing, is given at once, at
 * the price of the connection. */
static bool worth_reading(const struct sc_exchange *x)
{
    return !x->req.expects && (x->req.chunked || x->req.length <= DISCARD_OWN);
}

static int after_head(struct sc_exchange *x)
{
    if (x->aborted || (x->facts & FACT_GONE) != 0)
        return MHD_NO;
    if (!x->req.has_body)
        return MHD_YES;                                 /* the final call follows at once */
    if (x->early != NULL)
        return MHD_YES;
    if (x->res.ready) {
        if (worth_reading(x)) {
            x->down.discard = true;
            return MHD_YES;
        }
        x->down.close = true;
        client_request_whole(x->client);                /* as far as it will be read */
        return answer_queue(x) ? MHD_YES : MHD_NO;
    }
    if (x->step <= FLOW_NAME || x->down.asking) {
        x->down.held_first = true;
        client_park(x->client);
    }
    return MHD_YES;
}

static int first_call(struct sc_exchange *x, const char *method, const char *version)
{
    x->down.first = true;
    read_head(x, method, version);
    x->down.asking = x->req.expects && client_listen(x->client);
    x->down.in_handler = true;
    flow_begin(x);
    x->down.in_handler = false;
    return after_head(x);
}

static int body_call(struct sc_exchange *x, const char *data, size_t *n)
{
    size_t taken;

    x->down.blocked = false;
    if ((!x->res.ready && !x->down.discard) || early_passes(x)) {
        x->down.in_handler = true;
        taken = flow_body(x, data, *n);
        x->down.in_handler = false;
        *n -= taken;
        if (*n == 0)
            return MHD_YES;
        if ((!x->res.ready || early_passes(x)) && !x->aborted) {
            x->down.blocked = true;
            client_park(x->client);
            return MHD_YES;
        }
    }
    x->down.discarded += *n;
    *n = 0;
    if (x->early != NULL) {
        early_dropped(x);
        return MHD_YES;
    }
    return x->down.discarded <= DISCARD_MAX ? MHD_YES : MHD_NO;
}

/* Parked, this call is made again once the tunnel is over. Without the seam it is the 101 that opens it. */
static int began_tunnel(struct sc_exchange *x)
{
    if (!pump_has_seam())
        return answer_queue_switch(x) ? MHD_YES : MHD_NO;
    client_park(x->client);
    return MHD_YES;
}

static enum MHD_Result on_trailer(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n, const char *value,
                                  size_t value_n)
{
    struct trailers *t = arg;
    struct sc_str n = { name, name_n }, v = str_trim((struct sc_str){ value, value == NULL ? 0 : value_n });

    (void)kind;
    if (http_is_token(n) && http_is_value(v) && trailer_may(hdr_id(n.p, n.n), n) && !trailer_ends_here(t->head, n))
        buf_printf(&t->text, "%.*s: %.*s\r\n", STR_ARG(n), STR_ARG(v));
    return MHD_YES;
}

/* What stands behind the body (RFC 9110 6.5) goes on behind it. Hooks of policies may have made another body of it, of
 * which nobody knows whether it still holds. */
static void read_trailers(struct sc_exchange *x)
{
    struct trailers t = { &x->headers, BUF_INIT };

    if (MHD_get_connection_values_n(x->client->mhd, MHD_FOOTER_KIND, on_trailer, &t) <= 0)
        return;
    if (t.text.n > 0)
        x->req.last = str_of(arena_printf(&x->arena, "0\r\n%.*s\r\n", STR_ARG(buf_view(&t.text))));
    buf_fini(&t.text);
}

static int answered_early(struct sc_exchange *x)
{
    enum early_end end = early_whole(x);

    if (end == EARLY_WAITS)
        client_park(x->client);
    return end != EARLY_TORN ? MHD_YES : MHD_NO;
}

static int final_call(struct sc_exchange *x)
{
    if (!x->down.whole) {
        x->down.whole = true;
        if (x->req.chunked && !x->req_hooked)
            read_trailers(x);
        client_request_whole(x->client);
        x->down.in_handler = true;
        flow_body_end(x);
        x->down.in_handler = false;
    }
    if (x->aborted || (x->facts & FACT_GONE) != 0)
        return MHD_NO;
    if (x->step == FLOW_TUNNEL)
        return began_tunnel(x);
    if (x->tunnel != NULL)                              /* that was short */
        return MHD_NO;
    if (x->early != NULL)
        return answered_early(x);
    if (x->down.queued)
        return MHD_YES;
    if (x->res.ready)
        return answer_queue(x) ? MHD_YES : MHD_NO;
    client_park(x->client);
    return MHD_YES;
}

static int handle(void *arg, struct client *c, void *request, const char *method, const char *version, const char *data,
                  size_t *n)
{
    struct sc_exchange *x = request;

    (void)arg;
    if ((x->facts & FACT_GONE) != 0 || x->aborted || c->taken)
        return MHD_NO;
    if (!x->down.first)
        return first_call(x, method, version);
    if (x->down.held_first) {
        x->down.held_first = false;
        return after_head(x);
    }
    return *n > 0 ? body_call(x, data, n) : final_call(x);
}

static void completed(void *arg, struct client *c, void *request, bool clean)
{
    struct sc_exchange *x = request;

    (void)arg;
    if (clean && x->down.finished && !x->down.broken)
        client_whole(c);
    flow_over(x, clean);
}

static void gone(void *arg, struct client *c, void *request)
{
    struct sc_exchange *x = request;

    (void)arg;
    (void)c;
    if ((x->facts & FACT_GONE) == 0) {
        x->facts |= FACT_GONE;
        flow_run(x);
    }
}

static void cut(void *arg, struct client *c, void *request)
{
    struct sc_exchange *x = request;

    (void)arg;
    (void)c;
    if (x->early != NULL)
        early_cut(x);
    else
        tunnel_cut(x);
}

static void ahead(void *arg, struct client *c, void *request)
{
    (void)arg;
    (void)c;
    flow_invite(request);
}

static void room(void *arg, struct client *c, void *request)
{
    (void)arg;
    (void)c;
    early_room(request);
}

/* Without the seam there is no early answer but this one. */
static void late_at_once(struct sc_worker *w, struct client *c, struct sc_exchange *x)
{
    struct buf text = BUF_INIT;

    x->res.error = c->full ? ERR_BAD_REQUEST : ERR_REQUEST_TIMEOUT;
    x->res.status = problem_of(x->res.error)->status;
    x->res.own = true;
    problem_response(&text, problem_of(x->res.error), str_of("outrider"),
                     c->full ? STR("an extension of a chunk is too long") : STR("the body stopped coming"), worker_date(w));
    if (sys_send(c->io.fd, text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        x->down.queued = true;
    buf_fini(&text);
    client_kill(c);
}

static void body_late(void *arg, struct client *c, void *request)
{
    if (pump_has_seam())
        flow_body_late(request);
    else
        late_at_once(arg, c, request);
}

static size_t refuse(void *arg, struct client *c, int status, char *to, size_t room)
{
    struct sc_worker *w = arg;
    struct buf text = BUF_INIT;
    enum err e = problem_of_verdict((unsigned)status);
    size_t n;

    if (status == 408)
        e = ERR_REQUEST_TIMEOUT;
    problem_response(&text, problem_of(e), str_of("outrider"), STR_NONE, worker_date(w));
    n = text.n <= room ? text.n : 0;
    memcpy(to, text.p, n);
    buf_fini(&text);
    record_refused(w, c, e);
    return n;
}

static void closed(void *arg, struct client *c)
{
    (void)arg;
    peer_forget(c);
}

const struct pump_ops downstream_ops = { begin, handle, completed, gone, room, cut, ahead, body_late, refuse, closed,
                                         NULL };
