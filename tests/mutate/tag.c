/* tests/mutate/tag.c - marks that say whose a message is, wherever its bytes turn up.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tag.h"

#include "rng.h"

#include <stdio.h>
#include <string.h>

static uint64_t key;

void tag_init(uint64_t seed)
{
    key = seed;
}

static uint32_t check_of(const struct tag *t)
{
    struct rng r = rng_for(key, t->conn, (uint64_t)t->kind << 8 | t->message);

    return (uint32_t)rng_next(&r);
}

void tag_write(char *to, const struct tag *t)
{
    char text[TAG_SIZE + 1];

    snprintf(text, sizeof text, "~%c%08x%02x%08x", (char)t->kind, t->conn, t->message, check_of(t));
    memcpy(to, text, TAG_SIZE);
}

static bool hex(const char *p, unsigned digits, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < digits; i++) {
        char c = p[i];

        if (c >= '0' && c <= '9')
            *value = *value << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (uint32_t)(c - 'a' + 10);
        else
            return false;
    }
    return true;
}

static bool read_tag(const char *p, struct tag *t)
{
    uint32_t message, check;

    if (p[1] != TAG_GOOD && p[1] != TAG_MUTATED && p[1] != TAG_SURPLUS)
        return false;
    if (!hex(p + 2, 8, &t->conn) || !hex(p + 10, 2, &message) || message >= TAG_MESSAGES || !hex(p + 12, 8, &check))
        return false;
    t->kind = (enum tag_kind)p[1];
    t->message = (uint8_t)message;
    return check_of(t) == check;
}

const char *tag_find(const char *p, size_t n, struct tag *found)
{
    const char *end = p + n, *at = p;

    while (end - at >= TAG_SIZE && (at = memchr(at, '~', (size_t)(end - at) - TAG_SIZE + 1)) != NULL) {
        if (read_tag(at, found))
            return at;
        at++;
    }
    return NULL;
}

static char letter(uint64_t at, const struct tag *t)
{
    return (char)('a' + (at + t->conn * 7u + t->message * 3u) % 26);
}

void tag_body(char *to, uint64_t at, size_t n, const struct tag *t)
{
    char text[TAG_SIZE];

    tag_write(text, t);
    for (size_t i = 0; i < n; i++, at++)
        to[i] = at < TAG_SIZE ? text[at] : letter(at, t);
}

bool tag_body_is(const char *p, uint64_t at, size_t n, const struct tag *t)
{
    char text[TAG_SIZE];

    tag_write(text, t);
    for (size_t i = 0; i < n; i++, at++)
        if (p[i] != (at < TAG_SIZE ? text[at] : letter(at, t)))
            return false;
    return true;
}
