/* sidecar/loop/fetch.h - one HTTP request of the control plane, and its answer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whole libcurl transfers, for what is not the data path: registries, health checks. HTTP/1.1, no redirects, no
 * proxy from the environment, nothing from the user's files. The answer is bounded; it is gathered, or handed on in
 * pieces while it is open. Loop's thread. */
#pragma once

#include "base/clock.h"
#include "base/str.h"

#include <stdbool.h>

struct curlmux;
struct fetch;

/* All may be NULL: the system's certificates, none of our own, the name in the URL. */
struct fetch_tls {
    const char *ca, *ca_path;           /* file, directory */
    const char *certificate, *key;      /* files */
    bool insecure;                      /* nobody checks who answers */
};

/* Everything is copied; only what is said here is sent. */
struct fetch_request {
    const char *method;                 /* "PUT"; NULL: GET, without a body */
    struct sc_str body;                 /* of another method; JSON, if there is any */
    const char *url;                    /* http:// or https://, without anything that needs escaping */
    const char *socket;                 /* path of a unix socket, in place of the URL's host; NULL */
    const char *connect_to;             /* "HOST:PORT", in place of the URL's; NULL */
    const char *const *headers;         /* "Name: value", checked by the caller for line ends; ends with NULL; NULL: none */
    const struct fetch_tls *tls;        /* NULL: the defaults */
    sc_msec connect_timeout, timeout;   /* > 0; for all of it, 0 with `piece` or `until`: as long as it takes */
    size_t max_body;                    /* a longer answer is an error; of one in pieces, what waits to be handed on */
    bool once;                          /* on a connection of its own, which is closed afterwards */
    /* NULL: the answer is gathered. Else the body of an answer with status 200 comes here as it arrives, cut anywhere, and
     * not into fetch_body(); the first piece comes as soon as the head is there, and may be empty. Other answers are
     * gathered as ever. From the loop, never from inside; may cancel. */
    void (*piece)(void *arg, struct fetch *f, struct sc_str piece);
    sc_msec first;                      /* so long until the first byte of an answer is FETCH_TIMEOUT; 0: as `idle` */
    sc_msec idle;                       /* so long without a byte, too; 0: whatever `timeout` says */
    sc_msec until;                      /* an answer that has begun by then is ended, and that is no error; 0: never */
};

enum fetch_result {
    FETCH_ANSWERED,                     /* with whatever status */
    FETCH_UNREACHABLE,                  /* name not resolved, connection refused */
    FETCH_TIMEOUT,
    FETCH_TLS,
    FETCH_TOO_LARGE,
    FETCH_BROKEN,                       /* cut, reset, not HTTP */
};

/* Begins at once. `done` comes later, never from inside; after it the fetch is gone. */
struct fetch *fetch_start(struct curlmux *curl, const struct fetch_request *r, void (*done)(void *arg, struct fetch *f),
                          void *arg);
/* Without a `done`. Not from inside `done`. */
void fetch_cancel(struct fetch **f);

/* From inside `done`; what they return lives until its end. */
enum fetch_result fetch_result(const struct fetch *f);
const char *fetch_error(const struct fetch *f);         /* why there is no answer; NULL: there is one */
unsigned fetch_status(const struct fetch *f);           /* from inside `piece`, too, like fetch_header() */
bool fetch_was_ended(const struct fetch *f);            /* by `until`, not by the other side */
struct sc_str fetch_body(const struct fetch *f);
/* The value of the first field of that name; p NULL when there is none. */
struct sc_str fetch_header(const struct fetch *f, struct sc_str name);
