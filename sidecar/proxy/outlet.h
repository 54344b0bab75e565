/* sidecar/proxy/outlet.h - our own bytes on their way into a client's socket.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For where the library does not write: tunnels and early answers. What the socket does not take is held, in a buffer of
 * the worker or where it came from, and nothing more may be given until it has gone. Worker's thread. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct sc_worker;
struct read_buffer;

struct outlet {
    struct sc_worker *worker;
    int fd;
    bool writable;                      /* until a call says otherwise (edge-triggered) */
    struct sc_str held;
    struct read_buffer *buffer;         /* that it lies in, if it is the worker's */
};

enum outlet_result { OUTLET_GONE = -1, OUTLET_WAITS = 0, OUTLET_EMPTY = 1 };

void outlet_init(struct outlet *o, struct sc_worker *w, int fd);
void outlet_fini(struct outlet *o);

/* What is held goes as far as the socket takes it. */
enum outlet_result outlet_flush(struct outlet *o);
/* A piece that stays where it is until outlet_flush says that it has gone. Nothing may be held. */
enum outlet_result outlet_give(struct outlet *o, const char *p, size_t n);
/* The same for a piece in the worker's buffer for reading (worker->read), which is kept if need be. */
enum outlet_result outlet_give_read(struct outlet *o, const char *p, size_t n);
