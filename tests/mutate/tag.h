/* tests/mutate/tag.h - marks that say whose a message is, wherever its bytes turn up.
 * SPDX-License-Identifier: Apache-2.0
 *
 * "~" kind connection(8 hex) message(2 hex) check(8 hex). The check has the seed in it: a tag that was mutated is none
 * any more, and nobody makes one by chance. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAG_SIZE = 20, TAG_MESSAGES = 64 };
enum { NOBODY = 0 };       /* no connection: of answers to requests without a tag */

enum tag_kind {
    TAG_GOOD = 'g',    /* of a connection that does nothing wrong, to a target that does not either */
    TAG_MUTATED = 'm',
    TAG_SURPLUS = 'x', /* bytes behind a complete answer: nobody may ever see them */
};

struct tag {
    enum tag_kind kind;
    uint32_t conn;
    uint8_t message; /* below TAG_MESSAGES */
};

/* Before anything else. */
void tag_init(uint64_t seed);
/* Exactly TAG_SIZE bytes, without a NUL. */
void tag_write(char *to, const struct tag *t);
/* The first one in the bytes; where it stands, or NULL. */
const char *tag_find(const char *p, size_t n, struct tag *found);

/* The body that belongs to a tag: itself, then letters. The same on both sides. */
void tag_body(char *to, uint64_t at, size_t n, const struct tag *t);
/* Whether these n bytes stand at `at` in that body. */
bool tag_body_is(const char *p, uint64_t at, size_t n, const struct tag *t);
