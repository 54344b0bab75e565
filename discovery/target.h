/* discovery/target.h - one address that requests can be sent to.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The identity of a target: it survives sets, updates and reloads for as long as its service keeps naming the same host,
 * address and TLS. What may change from answer to answer (weight, zone, tags, ...) stands in the set's entry.
 * Everything but the counters is immutable for all but the discovery thread; any thread may read, take and drop
 * references. */
#pragma once

#include "discovery/address.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct health;

struct target {
    atomic_uint refs;
    uint32_t slot;              /* small; reused once the last reference is gone */
    uint64_t id;                /* never reused; never 0 */
    const char *address;        /* "127.0.0.1:8083", "[::1]:80", "unix:/path" */
    const char *host;           /* as stated, without port: for `host: target` and TLS; "localhost" for a unix socket */
    uint16_t port;              /* 0 for a unix socket */
    bool tls;
    socklen_t sa_len;
    struct sockaddr_storage sa;
    /* The discovery thread's own: the set it was last put into; who named it when that was made; its health check, and
     * what that thinks of it. */
    uint64_t built, named;
    struct health *health;
    bool unfit;
    _Atomic(uint64_t) last_check;   /* check_pack() of discovery/check.h; relaxed */
    /* Tries under way, of all workers; relaxed. attempt does ++ when it has picked and -- when the try is over. */
    _Alignas(64) atomic_uint inflight;
    atomic_bool http10;         /* its last answer was HTTP/1.0; relaxed, set by whoever reads an answer */
};

/* One reference for the caller. Copies both. */
struct target *target_new(const char *host, const struct address *address, bool tls);
struct target *target_ref(struct target *t);
/* The last one frees it and gives its slot back. */
void target_unref(struct target **t);

/* All slots handed out so far are below this; never shrinks. */
uint32_t target_slots(void);
