/* sidecar/base/alloc.c - allocation that does not return on failure.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *or_die(void *p)
{
    static const char text[] = "outrider: out of memory\n";

    if (p == NULL) {
        if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
            abort();
        abort();
    }
    return p;
}

void *xmalloc(size_t n)
{
    return or_die(malloc(n != 0 ? n : 1));
}

void *xcalloc(size_t n, size_t size)
{
    return or_die(calloc(n != 0 ? n : 1, size != 0 ? size : 1));
}

void *xrealloc(void *p, size_t n)
{
    return or_die(realloc(p, n != 0 ? n : 1));
}

char *xstrdup(const char *z)
{
    return z == NULL ? NULL : or_die(strdup(z));
}

char *xasprintf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    return or_die(n < 0 ? NULL : text);
}
