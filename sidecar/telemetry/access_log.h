/* sidecar/telemetry/access_log.h - one line of JSON for every request.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The proxy fills an entry when an exchange ends; strings are borrowed for the call. Strict JSON (RFC 8259) on one
 * line, whatever bytes clients sent; long strings are cut. */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "telemetry/telemetry.h"
#include "telemetry/writer.h"

#include <stdbool.h>
#include <stdint.h>

/* Strings with p NULL are left out of the line, and so are numbers below 0 where the comment says so. */
struct access_entry {
    int64_t wall_ms;                    /* when the request's first byte came: "time" */
    struct sc_str id;                   /* request id */
    struct sc_str listener, route, service;
    struct sc_str target;               /* address of the last try: "10.0.0.1:8080", "unix:/path" */
    struct sc_str client;               /* the client's address, without port */
    struct sc_str method, scheme, host, path;
    struct sc_str query;                /* only when it is to be logged */
    struct sc_str protocol;             /* "HTTP/1.1" */
    unsigned status;                    /* sent to the client; 0 = none was sent (left out) */
    struct sc_str error;                /* our error code ("no-target"), none when the answer is the target's */
    uint64_t bytes_in, bytes_out;       /* bodies: from and to the client */
    int64_t duration_us;                /* first byte of the request to last byte of the answer */
    int64_t first_byte_us;              /* last try: sent to head received; < 0 = no head */
    int64_t connect_us;                 /* last try: opening its connection; < 0 = an open one was used */
    unsigned tries;                     /* upstream tries; 0 = answered here */
    unsigned upstream_status;           /* of the last try; 0 = none (left out) */
    bool reused;                        /* the last try went over a kept connection */
    struct sc_str user_agent, referer;
    struct sc_str end;                  /* how it ended: "complete", "client-gone", "upstream-reset", ... */
};

/* Where the lines go. Immutable, shared by all workers; belongs to a configuration. */
struct access_log;

/* *log is NULL for output "none". False with *e when the output cannot be opened. Control thread. */
bool access_log_open(struct writer *w, const struct access_log_conf *conf, struct access_log **log,
                     struct sc_error *e);
/* When no worker holds the configuration any more. Takes NULL. */
void access_log_close(struct access_log **log);

/* One worker's end: its port to the writer, a line to work in, the date. */
struct access_port;

struct access_port *access_port_new(struct writer *w);      /* control thread */
void access_port_free(struct access_port **p);              /* when the worker has ended, before writer_stop */

/* Formats the entry and hands it over; never waits. log NULL: nothing. The port's thread. */
void access_log_write(const struct access_log *log, struct access_port *p, const struct access_entry *e);

/* The line itself, with its '\n'; `to` has room for ACCESS_LINE_MAX bytes. For tests and other formats. */
#define ACCESS_LINE_MAX (60 * 1024)
struct access_date {
    int64_t second;                     /* zero-initialised */
    char text[20];                      /* "2026-11-20T09:16:05" */
};
size_t access_log_format(char *to, struct access_date *date, const struct access_entry *e);
