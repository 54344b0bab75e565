/* discovery/providers/dns_message.h - what a name server's message says about the question that stands in it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pure; any thread. RFC 1035 4.1, RFC 2782 (SRV), RFC 2308 (how long "no" holds). */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "loop/dns.h"

#include <stdbool.h>
#include <stdint.h>

struct dns_record {
    const char *host;           /* A, AAAA: the address as text. SRV: a name in lower case, without the dot at its end;
                                 * "": the service is said not to be there */
    uint16_t priority, weight, port;    /* SRV */
    const char *wrong;          /* why the host cannot be used; NULL: it can */
};

struct dns_message {
    unsigned n;
    struct dns_record *at;      /* those of the name asked for, or of the name that this one is an alias of */
    bool has_ttl;
    uint32_t ttl;               /* seconds; the shortest of what was used; without records: how long that holds */
};

/* What *m points to lives in the arena. False with the reason in e: nothing of it is to be believed. */
bool dns_message_read(struct arena *a, const uint8_t *message, size_t size, enum dns_type type, struct dns_message *m,
                      struct sc_error *e);
