/* sidecar/loop/curlmux.h - one libcurl multi handle on a loop.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For everything that libcurl does on this thread: opening upstream connections, whole transfers of the control plane.
 * Loop's thread. The easy handles (CURL *, which is void * in libcurl's own header too) are the callers'. */
#pragma once

#include "loop/loop.h"

#include <stdbool.h>

struct curlmux;

/* One transfer. Embedded in its owner; CURLOPT_PRIVATE of the handle must point to it. */
struct curlmux_job {
    void (*done)(struct curlmux_job *job, void *easy, int result);
    struct link sockets;            /* curlmux.c's */
};

/* Once in the process, before any thread. False: said in the log. */
bool curlmux_init(void);
const char *curlmux_version(void);
/* The library behind its TLS: "OpenSSL/3.0.19". */
const char *curlmux_tls_version(void);
/* What this version cannot do as well as others, or NULL. */
const char *curlmux_degraded(void);

struct curlmux *curlmux_new(struct loop *loop);
void curlmux_free(struct curlmux **m);
struct loop *curlmux_loop(const struct curlmux *m);
/* Begins at once. `done` comes later, never from inside. False: libcurl refused. */
bool curlmux_add(struct curlmux *m, void *easy, struct curlmux_job *job);
/* Without a `done`; also after it. The handle stays the caller's. */
void curlmux_remove(struct curlmux *m, void *easy);
/* A handle with the options that every use here wants: no signals, no proxy from the environment, http and https only,
 * no redirects, HTTP/1.1. Never NULL. */
void *curlmux_easy(struct curlmux_job *job);
/* libcurl is about to close this socket, and tells so only afterwards, when the number may be somebody else's already: for
 * CURLOPT_CLOSESOCKETFUNCTION. */
void curlmux_closing(struct curlmux *m, int fd);
/* The caller registers this socket itself from now on, so libcurl's interest in it is forgotten. */
void curlmux_release(struct curlmux *m, int fd);
