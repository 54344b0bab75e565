/* sidecar/http/problem.h - the errors that the sidecar makes itself.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One row per error: its code in logs, metrics and bodies, the status sent, a title, and the error type of RFC 9209
 * (Proxy-Status). Bodies are RFC 9457 problem details. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

/* X(ID, code, status, title, Proxy-Status error) */
#define PROBLEMS(X)                                                                                                   \
    X(NO_ROUTE, "no-route", 404, "No route matches the request", "destination_not_found")                             \
    X(METHOD_NOT_ALLOWED, "method-not-allowed", 405, "The method is not allowed here", "http_request_denied")         \
    X(BAD_REQUEST, "bad-request", 400, "The request is malformed", "http_request_error")                              \
    X(UNAUTHENTICATED, "unauthenticated", 401, "Authentication is required", "http_request_denied")                   \
    X(FORBIDDEN, "forbidden", 403, "Access is denied", "http_request_denied")                                         \
    X(IP_DENIED, "ip-denied", 403, "The address is not allowed", "http_request_denied")                               \
    X(BODY_TOO_LARGE, "body-too-large", 413, "The request body is too large", "http_request_denied")                  \
    X(HEADER_TOO_LARGE, "header-too-large", 431, "The request head is too large", "http_request_denied")              \
    X(URI_TOO_LONG, "uri-too-long", 414, "The request target is too long", "http_request_denied")                     \
    X(RATE_LIMITED, "rate-limited", 429, "Too many requests", "http_request_denied")                                  \
    X(REQUEST_TIMEOUT, "request-timeout", 408, "The request did not arrive in time", "http_request_error")            \
    X(MISDIRECTED_REQUEST, "misdirected-request", 421, "The request is for another server", "http_request_denied")    \
    X(EXPECTATION_FAILED, "expectation-failed", 417, "The request expects what cannot be met", "http_request_error") \
    X(NOT_IMPLEMENTED, "not-implemented", 501, "The request asks for what is not implemented", "http_request_error")  \
    X(VERSION_NOT_SUPPORTED, "version-not-supported", 505, "The HTTP version is not supported", "http_request_error") \
    X(NO_TARGET, "no-target", 503, "The service has no target to send to", "destination_unavailable")                 \
    X(BREAKER_OPEN, "breaker-open", 503, "The circuit breaker is open", "destination_unavailable")                    \
    X(OVERLOADED, "overloaded", 503, "The sidecar is overloaded", "connection_limit_reached")                         \
    X(QUEUE_TIMEOUT, "queue-timeout", 503, "The request waited too long for a connection",                            \
      "connection_limit_reached")                                                                                     \
    X(CONNECT_REFUSED, "connect-refused", 502, "The target refused the connection", "connection_refused")             \
    X(CONNECT_TIMEOUT, "connect-timeout", 504, "Connecting to the target took too long", "connection_timeout")        \
    X(UPSTREAM_RESET, "upstream-reset", 502, "The target closed the connection", "connection_terminated")             \
    X(UPSTREAM_PROTOCOL, "upstream-protocol", 502, "The target's answer is not valid HTTP", "http_protocol_error")    \
    X(UPSTREAM_TIMEOUT, "upstream-timeout", 504, "The target did not answer in time", "http_response_timeout")        \
    X(RESPONSE_HEADER_TOO_LARGE, "response-header-too-large", 502, "The head of the target's answer is too large",    \
      "http_response_header_section_size")                                                                            \
    X(RESPONSE_BODY_TOO_LARGE, "response-body-too-large", 502, "The body of the target's answer is too large",        \
      "http_response_body_size")                                                                                      \
    X(TLS_CERTIFICATE, "tls-failed", 502, "The target's certificate was not accepted", "tls_certificate_error")       \
    X(TLS_FAILED, "tls-failed", 502, "The TLS handshake with the target failed", "tls_protocol_error")                \
    X(LOOP_DETECTED, "loop-detected", 508, "The request came back to this proxy", "proxy_loop_detected")              \
    X(INTERNAL, "internal", 500, "The sidecar failed", "proxy_internal_error")

enum err {
    ERR_NONE,
#define PROBLEM_ENUM(id, code, status, title, error) ERR_##id,
    PROBLEMS(PROBLEM_ENUM)
#undef PROBLEM_ENUM
    ERR_COUNT
};

struct problem {
    struct sc_str code, title, proxy_error;
    uint16_t status;
};

/* Static; ERR_NONE has empty members and status 0. */
const struct problem *problem_of(enum err e);
/* The row with this code (the first, where two share it), or ERR_NONE. */
enum err problem_find(struct sc_str code);
/* The row for a status that the strict check of requests answers with (framing.h). */
enum err problem_of_verdict(unsigned status);

/* Appends the JSON body (RFC 9457): type, title, status, detail, instance, code. An empty detail is the title again; an
 * empty instance is left out. Any bytes are allowed in them. */
void problem_body(struct buf *to, const struct problem *p, struct sc_str detail, struct sc_str instance);
/* Appends a Proxy-Status value (RFC 9209): who; error=...; details="...". `who` names this proxy; details are left out
 * when empty; bytes that a structured string cannot hold become '?'. */
void problem_proxy_status(struct buf *to, const struct problem *p, struct sc_str who, struct sc_str details);
/* Appends a whole HTTP/1.1 answer that closes the connection, head and body, for use below any HTTP library. `date` is
 * the Date value; empty = without. */
void problem_response(struct buf *to, const struct problem *p, struct sc_str who, struct sc_str detail,
                      struct sc_str date);
