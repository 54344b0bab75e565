/* sidecar/base/error.c - the sentence that a user will read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

bool sc_error_set(struct sc_error *e, const char *fmt, ...)
{
    va_list ap;

    if (e == NULL)
        return false;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return false;
}

bool sc_error_wrap(struct sc_error *e, const char *fmt, ...)
{
    char was[sizeof e->text];
    va_list ap;
    int n;

    if (e == NULL)
        return false;
    memcpy(was, e->text, sizeof was);
    va_start(ap, fmt);
    n = vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof e->text - 3)
        snprintf(e->text + n, sizeof e->text - (size_t)n, ": %.*s", (int)(sizeof e->text - (size_t)n - 3), was);
    return false;
}
