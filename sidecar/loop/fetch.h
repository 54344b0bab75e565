/* sidecar/loop/fetch.h - one HTTP request of the control plane, and its whole answer in memory.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whole libcurl transfers, for what is not the data path: registries, health checks. HTTP/1.1, no redirects, no
 * proxy from the environment, nothing from the user's files. The answer is bounded. Loop's thread. */
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
    sc_msec connect_timeout, timeout;   /* the second is for all of it; both > 0 */
    size_t max_body;                    /* a longer answer is an error */
    bool once;                          /* on a connection of its own, which is closed afterwards */
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
unsigned fetch_status(const struct fetch *f);
struct sc_str fetch_body(const struct fetch *f);
/* The value of the first field of that name; p NULL when there is none. */
struct sc_str fetch_header(const struct fetch *f, struct sc_str name);
