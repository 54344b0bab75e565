/* policy/policy.h - what a policy is, and what it may call (public: the plugin interface).
 * SPDX-License-Identifier: Apache-2.0
 *
 * A policy is a value of struct sc_policy: a table of its configuration and a few hooks. It sees this header and
 * nothing else of the proxy, whether it is linked in or built as an object of its own.
 *
 * Threads: check, open, rank_of, close run on the control thread and may be slow. All other hooks run on the worker
 * that owns the exchange and never block. The configuration of an instance is shared by all exchanges; the state of
 * one exchange is self->local.
 *
 * Rules of the chain:
 *  - on_request and on_attempt run in order of rank (the lowest first), ties in file order; on_response and on_done
 *    run in reverse.
 *  - A policy that the request has passed (its on_request ran, or it has none and its turn came) gets exactly one
 *    on_done, and no other does.
 *  - on_attempt runs once for every try at a target: it changes the outgoing head only.
 *  - After SC_SUSPEND either sc_resume() is called, or on_cancel comes: the request is over, nothing may be resumed.
 *  - A reply made by a policy passes the response hooks of the policies before it. SC_RESPOND from on_response replaces
 *    the answer and drops its body.
 *  - A body hook passes data on with sc_body_write(next, ...), and says `last` exactly once. */
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "conf/field.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Something was changed or removed: major. Appended: minor.
 * 1.0  2026-11-20  first */
#define SC_ABI_MAJOR 1
#define SC_ABI_MINOR 0

struct sc_exchange;                     /* one request and its answer              */
struct sc_worker;                       /* the thread that carries it              */
struct sc_body;                         /* where a body hook passes data on to     */
struct sc_timer;

enum sc_verdict {
    SC_CONTINUE,                        /* next policy, please                     */
    SC_RESPOND,                         /* a reply was set: skip the target        */
    SC_SUSPEND,                         /* sc_resume() will be called              */
    SC_ABORT,                           /* drop the connection, no reply           */
};

/* What one instance can reach during one call. All of it stays where it is until close, worker_close, or the end of the
 * exchange; the struct itself lives for the call only. */
struct sc_self {
    const void *conf;                   /* as loaded by .fields; read-only, all threads      */
    void *shared;                       /* from open(); all threads, the policy locks it     */
    void *worker;                       /* from worker_open(); this worker, no locks         */
    void *local;                        /* local_size zeroed bytes; this exchange. NULL outside of one */
    uint64_t *counters;                 /* for sc_count()                                    */
};

struct sc_counter {
    const char *name, *doc;             /* "denied_total"; name NULL ends the list           */
};

/* How an exchange ended. */
enum sc_end {
    SC_END_COMPLETE,                    /* the client got the whole answer                   */
    SC_END_CLIENT_GONE,                 /* the client left before that                       */
    SC_END_BROKEN,                      /* the answer was cut off                            */
    SC_END_ABORTED,                     /* no answer by intent (SC_ABORT)                    */
};

struct sc_outcome {
    enum sc_end end;
    unsigned status;                    /* sent to the client; 0: none                       */
    const char *error;                  /* code of an answer of our own ("no-target") or NULL */
    bool from_target;                   /* the answer came from a target                     */
    unsigned tries;
    uint64_t received, sent;            /* body bytes from and to the client                 */
    int64_t duration_us;                /* from the head received to the last byte queued    */
};

struct sc_policy {
    uint16_t abi_major, abi_minor;
    uint32_t size;                      /* sizeof(struct sc_policy): members past it are NULL */
    const char *name, *summary;         /* "rate-limiting"; one sentence                     */
    uint16_t rank;                      /* where in the chain; rank_of may refine it         */

    const struct sc_field *fields;      /* NULL: no keys of its own                          */
    size_t conf_size, local_size;
    const struct sc_counter *counters;  /* may be NULL                                       */

    /* Control thread. Any may be NULL.
     * check: relations between keys that the table cannot say. open: `previous` is the shared state of the same
     * instance under its former, different configuration (still in use until the requests that began with it are
     * over), or NULL; equal configuration keeps conf, shared and worker states as they are and opens nothing. */
    bool (*check)(const void *conf, struct sc_error *e);
    bool (*open)(const void *conf, void *previous, void **shared, struct sc_error *e);
    uint16_t (*rank_of)(const void *conf);
    void (*close)(void *shared);

    /* Worker thread. Any may be NULL. worker_open sets self->worker; false: this worker answers 500 on routes with
     * it. */
    bool (*worker_open)(struct sc_self *self, struct sc_worker *w);
    void (*worker_close)(struct sc_self *self, struct sc_worker *w);
    enum sc_verdict (*on_request)(struct sc_self *self, struct sc_exchange *x);
    enum sc_verdict (*on_attempt)(struct sc_self *self, struct sc_exchange *x);
    enum sc_verdict (*on_response)(struct sc_self *self, struct sc_exchange *x);
    /* `data` may be empty. False: the body is broken and goes no further. */
    bool (*on_request_body)(struct sc_self *self, struct sc_exchange *x, struct sc_str data, bool last,
                            struct sc_body *next);
    bool (*on_response_body)(struct sc_self *self, struct sc_exchange *x, struct sc_str data, bool last,
                             struct sc_body *next);
    void (*on_cancel)(struct sc_self *self, struct sc_exchange *x);
    void (*on_done)(struct sc_self *self, struct sc_exchange *x, const struct sc_outcome *o);
};

#ifdef SC_BUILTIN                       /* linked in: one symbol per policy        */
#define SC_POLICY_SYMBOL(ident) sc_policy_##ident
#else                                   /* ident.so: one symbol per object         */
#define SC_POLICY_SYMBOL(ident) sc_policy
#endif
#define SC_POLICY(ident, label, ...)                                                     \
    extern const struct sc_policy SC_POLICY_SYMBOL(ident);                               \
    __attribute__((visibility("default"))) const struct sc_policy SC_POLICY_SYMBOL(ident) = { \
        .abi_major = SC_ABI_MAJOR, .abi_minor = SC_ABI_MINOR, .size = sizeof(struct sc_policy), .name = label, \
        __VA_ARGS__ }

/* ---- Calls. Worker thread, from a hook or a timer of this exchange. Strings handed out live as long as the exchange,
 * unless said otherwise; strings handed in are copied. Header names are compared ignoring case. ---- */

/* The request as the client sent it. */
struct sc_str sc_method(const struct sc_exchange *x);
struct sc_str sc_scheme(const struct sc_exchange *x);           /* "http", "https"                        */
struct sc_str sc_host(const struct sc_exchange *x);             /* with the port, if one was sent         */
struct sc_str sc_path(const struct sc_exchange *x);             /* normalised: what was matched           */
struct sc_str sc_query(const struct sc_exchange *x);            /* without "?", as sent                   */
struct sc_str sc_client_ip(const struct sc_exchange *x);        /* "192.0.2.7"; "unix" for a unix socket  */
/* The peer may be believed: its listener is `peers: trusted`, or it is one of the trusted_proxies. */
bool sc_peer_is_trusted(const struct sc_exchange *x);
struct sc_str sc_route(const struct sc_exchange *x);            /* name of the route                      */
struct sc_str sc_service(const struct sc_exchange *x);          /* name of the service                    */

/* The nth (from 0) field of that name; false when there are not that many. The plain form: the first. */
bool sc_request_header_nth(const struct sc_exchange *x, const char *name, unsigned nth, struct sc_str *value);
static inline bool sc_request_header(const struct sc_exchange *x, const char *name, struct sc_str *value)
{
    return sc_request_header_nth(x, name, 0, value);
}

/* The head that goes to the target. Set replaces all fields of that name. False for a name or value that may not
 * stand in a header, and for names that are the proxy's own (Host, Connection, Content-Length, Transfer-Encoding
 * ...). */
bool sc_set_request_header(struct sc_exchange *x, const char *name, struct sc_str value);
bool sc_add_request_header(struct sc_exchange *x, const char *name, struct sc_str value);
void sc_remove_request_header(struct sc_exchange *x, const char *name);

/* The answer, from on_response on: the target's, or a reply of the sidecar's. Set and add work until on_response is
 * over. */
unsigned sc_status(const struct sc_exchange *x);
bool sc_response_header_nth(const struct sc_exchange *x, const char *name, unsigned nth, struct sc_str *value);
static inline bool sc_response_header(const struct sc_exchange *x, const char *name, struct sc_str *value)
{
    return sc_response_header_nth(x, name, 0, value);
}
bool sc_set_response_header(struct sc_exchange *x, const char *name, struct sc_str value);
bool sc_add_response_header(struct sc_exchange *x, const char *name, struct sc_str value);
void sc_remove_response_header(struct sc_exchange *x, const char *name);

/* The reply that SC_RESPOND stands for. sc_reply: problem+json with one of the codes of the error table and a sentence;
 * sc_reply_with: any type and body (copied). Headers may be added in on_response of policies before this one, or here
 * with sc_set_response_header() after the reply was set. The last reply set counts. */
void sc_reply(struct sc_exchange *x, unsigned status, const char *code, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));
void sc_reply_with(struct sc_exchange *x, unsigned status, const char *content_type, struct sc_str body);

/* Goes on after SC_SUSPEND with what the hook would have returned: SC_CONTINUE, SC_RESPOND or SC_ABORT. Never from
 * within the hook that suspends, and once for each SC_SUSPEND. */
void sc_resume(struct sc_exchange *x, enum sc_verdict verdict);

/* The id of this request, for logs, traces and problem documents; empty until a policy has set one. Copied. */
struct sc_str sc_request_id(const struct sc_exchange *x);
void sc_set_request_id(struct sc_exchange *x, struct sc_str id);

/* Fast and well spread, seeded for each thread; not for secrets. */
uint64_t sc_random(void);

/* n bytes that live as long as the exchange; aligned to 16, not zeroed, never NULL. */
void *sc_alloc(struct sc_exchange *x, size_t n);

/* Adds to counter `index` of .counters of this instance. */
void sc_count(const struct sc_self *self, unsigned index, uint64_t n);

enum sc_level { SC_LOG_ERROR, SC_LOG_WARN, SC_LOG_INFO, SC_LOG_DEBUG };
/* One line with the route and the request id; limited to one a second for each level and worker. */
void sc_log(struct sc_exchange *x, enum sc_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

sc_msec sc_now(const struct sc_exchange *x);                    /* monotonic, of this turn of the loop; cheap */
sc_msec sc_wall(const struct sc_exchange *x);                   /* since 1970; cheap                          */

/* Calls fn(x, arg) once, `delay` ms from now, unless cancelled or the exchange ends first. Belongs to the exchange. */
struct sc_timer *sc_timer_start(struct sc_exchange *x, sc_msec delay, void (*fn)(struct sc_exchange *x, void *arg),
                                void *arg);
void sc_timer_cancel(struct sc_timer **t);                      /* NULL stays NULL; not after fn was called   */

/* Passes body data on to the next policy, and behind the last one to the target or client. `data` is taken or copied
 * before this returns. False: the body is broken; return false. `next` lives as long as the exchange. */
bool sc_body_write(struct sc_body *next, struct sc_str data, bool last);

/* 0 .. the number of workers - 1. */
unsigned sc_worker_index(const struct sc_worker *w);
