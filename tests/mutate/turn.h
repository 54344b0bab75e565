/* tests/mutate/turn.h - the loop: descriptors and times of one thread.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../bench/heap.h"

#include <stdbool.h>
#include <stdint.h>

/* The first member of what is watched; fd -1: nothing is open. */
struct watch {
    int fd;
    uint32_t events;       /* that are asked for */
    struct heap_node due;  /* microseconds */
    void (*on_event)(struct watch *w);
    void (*on_due)(struct watch *w);
};

void turn_init(void);
/* Microseconds of the monotonic clock, as they were when the loop woke up. */
uint64_t turn_now(void);
/* Asks for these events of epoll from now on. */
void turn_watch(struct watch *w, uint32_t events);
/* At most one time is set; 0: none. */
void turn_at(struct watch *w, uint64_t when);
/* Closes it; with a reset where `reset`. */
void turn_close(struct watch *w, bool reset);
/* Waits at most so long, and calls whoever is concerned. */
void turn_once(int most_ms);
