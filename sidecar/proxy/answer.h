/* sidecar/proxy/answer.h - the answer on its way to the client.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What it is stands in x->res and x->response. Worker's thread. */
#pragma once

#include "proxy/exchange.h"

#include <sys/types.h>

enum frame { FRAME_NONE, FRAME_LENGTH, FRAME_CHUNKED, FRAME_CLOSE };

/* How the body of an answer goes out. */
struct answer_shape {
    enum frame frame;
    uint64_t length;                    /* for FRAME_LENGTH; of HEAD and 304, what is said of a body that is not sent */
    struct sc_str body;                 /* all of it, or, if it streams, what answer_read gives */
    bool streams;
};

/* Gives the answer to the library. Only where the library takes one: in the handler's first call, in its final call, or
 * parked in the final one. False: refused, and the connection ends. */
bool answer_queue(struct sc_exchange *x);
/* Of a 101: its head, which lives as long as the exchange; how long it is. */
size_t answer_switch_head(struct sc_exchange *x, const char **head);
/* Without the seam: gives the 101 to the library, which opens the tunnel once it is sent. As answer_queue. */
bool answer_queue_switch(struct sc_exchange *x);
/* The same for an answer that went past the library (early.c): the library gets one that goes nowhere. */
bool answer_queue_nothing(struct sc_exchange *x);

/* The parts of an answer. Once: what it looks like. */
void answer_shape(struct sc_exchange *x, struct answer_shape *s);
/* Its connection ends with it. */
bool answer_closes(const struct sc_exchange *x, enum frame f);
/* Its head, with the framing of the body; lives as long as the exchange. */
struct sc_str answer_head(struct sc_exchange *x, enum frame f, uint64_t length, bool closes);
/* The next bytes of its body: as upstream_read, through the hooks of policies. */
ssize_t answer_read(struct sc_exchange *x, char *to, size_t n);
/* Its body goes through hooks, and from them into x->res_queue. */
void answer_open_hooks(struct sc_exchange *x);
