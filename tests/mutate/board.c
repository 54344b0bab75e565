/* tests/mutate/board.c - what clients said they would ask, for the origin; what was counted; what was wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PROMISES = 16384, SHOWN = 10 };

struct counts counts;
uint64_t the_seed;
bool loose;
static struct promise promises[PROMISES];

struct promise *promise_new(uint32_t conn)
{
    struct promise *p = &promises[conn % PROMISES];

    memset(p, 0, sizeof *p);
    p->conn = conn;
    return p;
}

struct promise *promise_of(uint32_t conn)
{
    struct promise *p = &promises[conn % PROMISES];

    return p->conn == conn ? p : NULL;
}

bool request_tag(const struct reader *r, struct tag *t)
{
    const char *query = memchr(r->target, '?', r->target_len);
    const struct field *f = reader_field(r, "x-tag");

    if (query != NULL && tag_find(query, (size_t)(r->target + r->target_len - query), t) != NULL)
        return true;
    return f != NULL && tag_find(f->value, f->value_len, t) != NULL;
}

bool request_is_idempotent(const struct reader *r)
{
    static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "PUT", "DELETE" };

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strlen(methods[i]) == r->method_len && memcmp(methods[i], r->method, r->method_len) == 0)
            return true;
    return false;
}

bool failure_is_shown(void)
{
    return counts.failures <= SHOWN;
}

void failed(uint32_t conn, const char *format, ...)
{
    va_list args;

    counts.failures++;
    if (!failure_is_shown())
        return;
    va_start(args, format);
    fprintf(stderr, "FAILED (seed %" PRIu64 ", connection %u): ", the_seed, conn);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}
