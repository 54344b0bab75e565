/* sidecar/loop/dns.h - questions to name servers, without blocking.
 * SPDX-License-Identifier: Apache-2.0
 *
 * By c-ares: it asks servers in turn, again after a time, by TCP when an answer does not fit, and believes nobody but those
 * asked. What an answer means is the caller's; hosts files and nsswitch.conf play no part (see offload.h for those).
 * Belongs to the loop's thread. */
#pragma once

#include "conf/field.h"
#include "loop/loop.h"

#include <stddef.h>
#include <stdint.h>

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_SOA = 6, DNS_AAAA = 28, DNS_SRV = 33 };

struct dns_options {
    const struct sc_strings *servers;   /* dns_server_is_valid(); NULL or none: resolv.conf's, read again when it changes */
    sc_msec timeout;                    /* of the first try */
    int tries;                          /* of each server; every round takes longer */
    bool search;                        /* the search domains of resolv.conf, too, for names that do not end with a dot */
};

enum dns_outcome {
    DNS_FOUND,
    DNS_NO_DATA,                        /* the name is there, and has no such record */
    DNS_NO_NAME,                        /* NXDOMAIN */
    DNS_REFUSED,                        /* a server answered, and does not know: SERVFAIL, REFUSED, NOTIMP, garbage */
    DNS_SILENT,                         /* nobody answered */
};

struct dns_reply {
    enum dns_outcome outcome;
    const char *error;                  /* in words, also for DNS_NO_DATA and DNS_NO_NAME; NULL when found */
    const uint8_t *message;             /* RFC 1035 4.1; NULL: there is none. Valid in done() only */
    size_t size;
};

/* Embedded in its owner, zero-initialised. */
struct dns_query {
    void (*done)(struct dns_query *q, const struct dns_reply *reply);
    struct dns_ask *ask;                /* under way; NULL: not asked, or answered */
};

struct dns;
/* The strings and the array of `servers` are copied. NULL with errno when the system gives no memory or descriptors. */
struct dns *dns_new(struct loop *loop, const struct dns_options *options);
/* Queries under way are cancelled. Not from inside done(). */
void dns_free(struct dns **d);

/* done() comes later, once, never from inside. name: dns_name_is_valid(). */
void dns_ask(struct dns *d, const char *name, enum dns_type type, struct dns_query *q);
/* done() does not come any more. Harmless when nothing is under way. */
void dns_cancel(struct dns_query *q);

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53". */
bool dns_server_is_valid(const char *text);
/* Labels of letters, digits, hyphens and underscores, 253 characters at most; a dot at the end is fine. */
bool dns_name_is_valid(const char *text);

const char *dns_library_version(void);
