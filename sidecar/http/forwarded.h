/* sidecar/http/forwarded.h - what proxies before us wrote down: X-Forwarded-For, Forwarded (RFC 7239), Via (RFC 9110 7.6.3).
 * SPDX-License-Identifier: Apache-2.0
 *
 * Only reading; nothing is allocated, results are views. Any thread. */
#pragma once

#include "base/str.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* The address of a node. */
struct forwarded_address {
    int family;                     /* AF_INET or AF_INET6; an IPv4 address within IPv6 is AF_INET */
    unsigned char bytes[16];        /* as on the wire; IPv4 in the first four */
};

enum { FORWARDED_TEXT = INET6_ADDRSTRLEN };

/* An address as proxies write it, quotes taken off: "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80". False
 * for anything else: names, "unknown", "_hidden" (RFC 7239 6). */
bool forwarded_parse(struct sc_str s, struct forwarded_address *a);
/* In its usual form, without a port, NUL-terminated; returns its length. */
size_t forwarded_print(const struct forwarded_address *a, char to[FORWARDED_TEXT]);
bool forwarded_same(const struct forwarded_address *a, const struct forwarded_address *b);

/* One element of Forwarded; what it does not say is empty. Quotes are off. */
struct forwarded_element {
    struct sc_str node, host, proto;        /* for=, host=, proto= */
};

/* Cuts the next element off a Forwarded value. 1: there was one; 0: the end; -1: not as RFC 7239 4 says, or with a
 * backslash in a value that matters: nobody can tell any more where an element begins, so none of it may be believed. */
int forwarded_next(struct sc_str *rest, struct forwarded_element *e);

/* Whether a Via value names `name` as one that received the message. Comments are no names; one that does not end is no
 * comment, so that nobody hides a name from us. */
bool via_names(struct sc_str value, struct sc_str name);
