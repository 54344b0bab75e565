/* tests/mutate/board.h - what clients said they would ask, for the origin; what was counted; what was wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "reader.h"
#include "tag.h"

/* What a strict reader makes of everything that a connection sends: the origin may see these requests and no others. */
struct promise {
    uint32_t conn;
    uint8_t allowed[TAG_MESSAGES];  /* how many requests have this tag */
    uint8_t seen[TAG_MESSAGES], seen_once[TAG_MESSAGES]; /* heads that reached the origin; those that may not come twice */
    uint32_t size[TAG_MESSAGES];    /* of the body, when the request is a good one */
};

/* Of this connection, from now on. */
struct promise *promise_new(uint32_t conn);
/* NULL when it is too long ago. */
struct promise *promise_of(uint32_t conn);

/* The tag that a request has: in its query, else in its field X-Tag. */
bool request_tag(const struct reader *r, struct tag *t);
/* GET, HEAD, OPTIONS, PUT, DELETE: may be sent again. */
bool request_is_idempotent(const struct reader *r);

struct counts {
    uint64_t connections, good_connections, requests, mutated, answers, own_errors, good_answers, switched;
    uint64_t reached, reached_untagged, origin_connections, mutated_answers, surplus, cut_answers;
    uint64_t excused;      /* good requests that this program itself sent too slowly, on a busy machine */
    uint64_t status[1000], bytes_in, failures;
};
extern struct counts counts;
extern uint64_t the_seed;
/* The sidecar's library parses what clients send, and its parser is not strict: only what concerns good clients is judged,
 * and whose bytes are whose. */
extern bool loose;

/* Says on standard error what was wrong, and counts it. `conn`: 0 when it is not known. */
void failed(uint32_t conn, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether there is still a point in showing bytes: the first few failures only. */
bool failure_is_shown(void);
