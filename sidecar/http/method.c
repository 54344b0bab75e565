/* sidecar/http/method.c - request methods and their properties (RFC 9110 9).
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/method.h"

const struct method_info method_info[METHOD_COUNT] = {
    { STR_INIT(""), false, false },
#define METHOD_ROW(id, safe, idempotent) { STR_INIT(#id), safe, idempotent },
    METHODS(METHOD_ROW)
#undef METHOD_ROW
};

static enum method if_is(enum method m, struct sc_str name)
{
    return str_eq(method_info[m].name, name) ? m : METHOD_OTHER;
}

enum method method_id(struct sc_str name)
{
    if (name.n < 3)
        return METHOD_OTHER;
    switch (name.p[0]) {
    case 'G':
        return if_is(METHOD_GET, name);
    case 'H':
        return if_is(METHOD_HEAD, name);
    case 'P':
        return if_is(name.p[1] == 'O' ? METHOD_POST : name.p[1] == 'U' ? METHOD_PUT : METHOD_PATCH, name);
    case 'D':
        return if_is(METHOD_DELETE, name);
    case 'O':
        return if_is(METHOD_OPTIONS, name);
    case 'T':
        return if_is(METHOD_TRACE, name);
    case 'C':
        return if_is(METHOD_CONNECT, name);
    default:
        return METHOD_OTHER;
    }
}
