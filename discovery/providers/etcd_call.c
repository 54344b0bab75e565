/* discovery/providers/etcd_call.c - single calls to etcd: leases, and keys that live as long as one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/providers/etcd_call.h"

#include "base/log.h"
#include "discovery/provider.h"
#include "discovery/providers/etcd.h"
#include "discovery/providers/etcd_answer.h"
#include "discovery/providers/etcd_ask.h"

#include <assert.h>
#include <stdio.h>

static struct etcd_registry *registry_of(const struct etcd_call *c)
{
    return c->registry->state;
}

/* --- the end --- */

static void finish(struct etcd_call *c, enum enrol_outcome outcome, const char *error)
{
    c->path = NULL;
    buf_fini(&c->body);
    c->done(c, outcome, error);
}

static void take_reply(struct etcd_call *c, const struct fetch *f)
{
    struct sc_error e = SC_ERROR_INIT;
    struct etcd_reply reply;

    if (!etcd_reply_read(&reply, fetch_body(f), &e)) {
        finish(c, ENROL_FAILED, log_safe(str_of(e.text)));
        return;
    }
    c->lease = c->looks ? reply.holder : reply.lease;
    c->ttl = reply.ttl;
    finish(c, (c->looks && !reply.found) || (c->keeps && reply.ttl == 0) ? ENROL_NOT_THERE : ENROL_DONE, NULL);
}

/* The request was not sent, or was understood and turned down; of everything else nobody knows. */
static enum enrol_outcome outcome_of(const struct fetch *f)
{
    if (fetch_error(f) != NULL)
        return fetch_result(f) == FETCH_UNREACHABLE || fetch_result(f) == FETCH_TLS ? ENROL_REFUSED : ENROL_FAILED;
    return fetch_status(f) / 100 == 4 ? ENROL_REFUSED : ENROL_FAILED;
}

static void take_refusal(struct etcd_call *c, const struct fetch *f, const char *text)
{
    char error[256];

    if (fetch_status(f) == 404 && text != NULL && strstr(text, "lease not found") != NULL) {
        finish(c, ENROL_NOT_THERE, NULL);
        return;
    }
    if (text != NULL)
        snprintf(error, sizeof error, "HTTP %u: %s", fetch_status(f), log_safe(str_of(text)));
    else
        rest_describe(f, error, sizeof error);
    finish(c, outcome_of(f), error);
}

static void begin(struct etcd_call *c);

/* Whether it is made once more, because the token was at fault. */
static bool is_made_again(struct etcd_call *c, const struct fetch *f, const char *text)
{
    if (c->again || fetch_error(f) != NULL ||
        !etcd_auth_refused(registry_of(c)->auth, fetch_status(f), text, c->began))
        return false;
    c->again = true;
    begin(c);
    return true;
}

static void on_done(struct rest_order *o, const struct fetch *f)
{
    struct etcd_call *c = list_entry(o, struct etcd_call, order);
    struct arena arena;
    const char *text;

    if (fetch_error(f) == NULL && fetch_status(f) == 200) {
        take_reply(c, f);
        return;
    }
    arena_init(&arena, 512);
    text = fetch_error(f) != NULL ? NULL : etcd_error_read(&arena, fetch_body(f));
    if (!is_made_again(c, f, text))
        take_refusal(c, f, text);
    arena_fini(&arena);
}

/* --- the beginning --- */

static void send_order(struct etcd_call *c)
{
    c->order.rest = registry_of(c)->rest;
    c->order.anywhere = true;
    c->order.done = on_done;
    c->began = loop_now(c->registry->loop);
    rest_order(&c->order, "POST", c->path, buf_view(&c->body), ETCD_ANSWER_TIME);
}

static void on_go(struct etcd_waiter *w)
{
    struct etcd_call *c = list_entry(w, struct etcd_call, waiter);

    c->waits = false;
    send_order(c);
}

static void on_no_token(struct etcd_waiter *w, const char *text)
{
    struct etcd_call *c = list_entry(w, struct etcd_call, waiter);
    char error[256];

    etcd_auth_leave(w);
    c->waits = false;
    snprintf(error, sizeof error, "authentication: %s", text);
    finish(c, ENROL_REFUSED, error);
}

static void begin(struct etcd_call *c)
{
    struct etcd_auth *auth = registry_of(c)->auth;

    if (!etcd_auth_is_missing(auth)) {
        send_order(c);
        return;
    }
    c->waiter = (struct etcd_waiter){ .go = on_go, .failed = on_no_token };
    c->waits = true;
    etcd_auth_wait(auth, &c->waiter);
}

/* --- calls --- */

static struct jsonw prepare(struct etcd_call *c, const char *path)
{
    struct jsonw j = JSONW_INIT(&c->body);

    assert(c->path == NULL);
    c->path = path;
    c->looks = c->keeps = c->again = false;
    c->lease = c->ttl = 0;
    jsonw_object(&j, NULL);
    return j;
}

static void call(struct etcd_call *c, struct jsonw *j)
{
    jsonw_close(j);
    begin(c);
}

void etcd_call_grant(struct etcd_call *c, unsigned seconds)
{
    struct jsonw j = prepare(c, "/v3/lease/grant");

    etcd_add_number(&j, "TTL", seconds);
    call(c, &j);
}

void etcd_call_keep_alive(struct etcd_call *c, uint64_t lease)
{
    struct jsonw j = prepare(c, "/v3/lease/keepalive");

    c->keeps = true;
    etcd_add_number(&j, "ID", lease);
    call(c, &j);
}

void etcd_call_revoke(struct etcd_call *c, uint64_t lease)
{
    struct jsonw j = prepare(c, "/v3/lease/revoke");

    etcd_add_number(&j, "ID", lease);
    call(c, &j);
}

static void open_compare(struct jsonw *j, struct sc_str key, const char *target)
{
    jsonw_object(j, NULL);
    etcd_add_bytes(j, "key", key);
    jsonw_text(j, "target", target);
    jsonw_text(j, "result", "EQUAL");
}

static void add_compares(struct jsonw *j, struct sc_str key, struct sc_str value, uint64_t lease)
{
    jsonw_array(j, "compare");
    open_compare(j, key, "VALUE");
    etcd_add_bytes(j, "value", value);
    jsonw_close(j);
    open_compare(j, key, "LEASE");
    etcd_add_number(j, "lease", lease);
    jsonw_close(j);
    jsonw_close(j);
}

void etcd_call_put(struct etcd_call *c, struct sc_str key, struct sc_str value, uint64_t lease)
{
    struct jsonw j = prepare(c, "/v3/kv/txn");

    add_compares(&j, key, value, lease);
    jsonw_array(&j, "failure");
    jsonw_object(&j, NULL);
    jsonw_object(&j, "request_put");
    etcd_add_bytes(&j, "key", key);
    etcd_add_bytes(&j, "value", value);
    etcd_add_number(&j, "lease", lease);
    for (unsigned i = 0; i < 3; i++)
        jsonw_close(&j);
    call(c, &j);
}

void etcd_call_delete(struct etcd_call *c, struct sc_str key)
{
    struct jsonw j = prepare(c, "/v3/kv/deleterange");

    etcd_add_bytes(&j, "key", key);
    call(c, &j);
}

void etcd_call_look(struct etcd_call *c, struct sc_str key)
{
    struct jsonw j = prepare(c, "/v3/kv/range");

    c->looks = true;
    etcd_add_bytes(&j, "key", key);
    jsonw_bool(&j, "keys_only", true);
    call(c, &j);
}

void etcd_call_stop(struct etcd_call *c)
{
    rest_order_stop(&c->order);
    if (c->waits)
        etcd_auth_leave(&c->waiter);
    c->waits = false;
    c->path = NULL;
    buf_fini(&c->body);
}
