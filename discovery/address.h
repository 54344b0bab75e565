/* discovery/address.h - socket addresses, from text and back.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
    socklen_t n;
    struct sockaddr_storage sa;
};

/* Numeric IPv4 or IPv6 (with %scope, without brackets); never asks a resolver. */
bool address_numeric(struct address *to, const char *host, uint16_t port);
/* False when the path does not fit. */
bool address_unix(struct address *to, const char *path);
bool address_of(struct address *to, const struct sockaddr *sa, socklen_t n);
void address_set_port(struct address *a, uint16_t port);
/* Family, address, port and scope. */
bool address_equal(const struct address *a, const struct address *b);

/* "ADDRESS:PORT", "[ADDRESS]:PORT", "unix:PATH", with a NUL. */
enum { ADDRESS_TEXT_MAX = 128 };
void address_print(char to[ADDRESS_TEXT_MAX], const struct sockaddr *sa);

/* A host name by RFC 1123 section 2.1 (and underscores, which people use): letters, digits, '-', '_', labels of at most
 * 63, 253 in all, the last label not a number, so that "10.0.0.256" or "0x7f.1" is no name. */
bool address_is_name(const char *host);
