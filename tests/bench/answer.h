/* tests/bench/answer.h - reads one HTTP/1.1 answer and finds everything that is wrong with it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counted and chunked bodies; an answer without either is wrong here, because the origin never sends one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_HEAD_LIMIT 16384u

struct answer_expect {
    int status;
    uint64_t length;
    bool counted;    /* the body starts with a number */
    uint64_t number; /* this one */
};

enum answer_result {
    ANSWER_MORE,
    ANSWER_DONE,
    ANSWER_BAD_HEAD,
    ANSWER_BAD_STATUS,
    ANSWER_BAD_LENGTH,
    ANSWER_BAD_BODY,
    ANSWER_TRAILING, /* bytes behind the end */
};

struct answer {
    int phase;
    int status; /* 0: no head yet */
    bool chunked, closing, has_length, had_digit, line_has;
    uint64_t left;  /* of the body or of the chunk */
    uint64_t seen;  /* bytes of body */
    char *head;     /* an unfinished head; NULL mostly */
    size_t head_len;
};

/* Empties a zeroed or used answer for the next one. */
void answer_reset(struct answer *a);
/* Everything that was read from the connection, in order. */
enum answer_result answer_feed(struct answer *a, const struct answer_expect *e, const char *p, size_t n);
