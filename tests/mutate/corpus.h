/* tests/mutate/corpus.h - well-formed requests and answers of every kind, and the seeds of the fuzzers.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rng.h"
#include "tag.h"
#include "text.h"

/* Reads the seeds of requests and answers, DIR/framing and DIR/response; without them there are fewer odd messages. */
void corpus_load(const char *dir);
void corpus_free(void);

/* One request with this tag in its query or in a field, or both. A good one takes the route whose target does nothing
 * wrong, is HTTP/1.1 and does not end the connection. */
void corpus_request(struct text *to, struct rng *r, const struct tag *t);
/* A seed of the request fuzzer, or an ordinary request. */
void corpus_odd_request(struct text *to, struct rng *r, const struct tag *t);

struct asked {
    bool head, upgrade;
    bool tagged;
    struct tag tag;
};

/* One final answer, perhaps behind interim ones, that says which request it is for. `good`: framed so that its end can
 * be told, and as a client may count on; else also until the end of the connection, or HTTP/1.0. */
void corpus_answer(struct text *to, struct rng *r, const struct asked *asked, bool good);
/* A seed of the answer fuzzer, or an ordinary answer. */
void corpus_odd_answer(struct text *to, struct rng *r, const struct asked *asked);
