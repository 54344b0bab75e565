/* sidecar/http/method.h - request methods and their properties (RFC 9110 9).
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

#include <stdbool.h>

/* X(ID, safe, idempotent). Methods are case-sensitive. */
#define METHODS(X)                                                                           \
    X(GET, true, true)                                                                       \
    X(HEAD, true, true)                                                                      \
    X(POST, false, false)                                                                    \
    X(PUT, false, true)                                                                      \
    X(DELETE, false, true)                                                                   \
    X(OPTIONS, true, true)                                                                   \
    X(PATCH, false, false)                                                                   \
    X(TRACE, true, true)                                                                     \
    X(CONNECT, false, false)

enum method {
    METHOD_OTHER,               /* any other token: forwarded as it is, neither safe nor idempotent */
#define METHOD_ENUM(id, safe, idempotent) METHOD_##id,
    METHODS(METHOD_ENUM)
#undef METHOD_ENUM
    METHOD_COUNT
};

struct method_info {
    struct sc_str name;         /* empty for METHOD_OTHER */
    bool safe, idempotent;      /* RFC 9110 9.2.1, 9.2.2 */
};

extern const struct method_info method_info[METHOD_COUNT];

enum method method_id(struct sc_str name);
