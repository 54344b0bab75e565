/* sidecar/loop/loop.h - one thread's event loop: descriptors, timers, tasks, mail from other threads.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything here belongs to the loop's thread, except loop_new and mailbox_post. Callbacks may start, stop and free
 * anything, themselves included: what was removed is never called again, not even for an event already fetched. */
#pragma once

#include "base/clock.h"
#include "base/list.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

/* A descriptor. Embedded in its owner; the memory must stay valid until the end of the turn in which io_del was
 * called: free it by loop_free_later(). */
struct io {
    void (*fn)(struct io *io, uint32_t events);     /* EPOLLIN ... */
    int fd;
};

/* A one-shot timer. Embedded in its owner, zero-initialised. Granularity 1 ms; may be late, never early. */
struct timer {
    struct link link;
    sc_msec at;
    void (*fn)(struct timer *t);
    struct wheel *in;                               /* not NULL while it runs */
    bool pending;
};

/* Something to do once, before the loop sleeps again. Embedded, zero-initialised. */
struct task {
    struct task *next;
    void (*fn)(struct task *t);
    bool queued;
};

/* A message to another thread's loop. `fn` runs there; the message is the receiver's from the post on. */
struct mail {
    struct mail *next;
    void (*fn)(struct mail *m);
};

/* Aborts only when the system has no descriptors or memory left at start. */
struct loop *loop_new(void);
void loop_free(struct loop **l);

/* Turns until loop_stop() was called. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* The loop that runs on this thread, or NULL. */
struct loop *loop_here(void);

/* The number of this turn: events that the kernel had when it began have been dealt with in the next one. */
uint32_t loop_turn(const struct loop *l);
/* The monotonic time when this turn woke up. Cheap. */
sc_msec loop_now(const struct loop *l);
/* The same, read anew from the clock (nanoseconds). */
int64_t loop_now_ns(struct loop *l);

/* False with errno (EMFILE, ENOSPC ...). `events` as for epoll_ctl, EPOLLET and EPOLLEXCLUSIVE included. */
bool io_add(struct loop *l, struct io *io, uint32_t events);
bool io_mod(struct loop *l, struct io *io, uint32_t events);
/* Does not close the descriptor. */
void io_del(struct loop *l, struct io *io);
/* The same for a descriptor that is closed anyway, which saves the system call: it must have no duplicate. */
void io_forget(struct loop *l, struct io *io);

/* (Re)starts; delay in ms, 0 = in the next turn. */
void timer_start(struct loop *l, struct timer *t, sc_msec delay);
void timer_stop(struct timer *t);

void loop_task(struct loop *l, struct task *t);
void loop_task_cancel(struct loop *l, struct task *t);
/* free(p) after this turn. */
void loop_free_later(struct loop *l, void *p);

/* Reads the letters that came in after the last turn: before the loop is freed. */
void loop_read_mail(struct loop *l);
/* From any thread. Order is kept per sender. */
void loop_post(struct loop *l, struct mail *m);
