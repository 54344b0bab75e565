/* tests/mutate/turn.c - the loop: descriptors and times of one thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include "turn.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int epfd;
static uint64_t now_us;
static struct heap times;

static void look_at_clock(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    now_us = (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

void turn_init(void)
{
    epfd = epoll_create1(EPOLL_CLOEXEC);
    look_at_clock();
    if (epfd < 0) {
        perror("mutate: epoll");
        exit(71);
    }
}

uint64_t turn_now(void)
{
    return now_us;
}

void turn_watch(struct watch *w, uint32_t events)
{
    struct epoll_event ev = { .events = events, .data.ptr = w };

    if (w->events == events)
        return;
    if (epoll_ctl(epfd, w->events == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, w->fd, &ev) != 0) {
        perror("mutate: epoll_ctl");
        exit(71);
    }
    w->events = events;
}

void turn_at(struct watch *w, uint64_t when)
{
    heap_del(&times, &w->due);
    w->due.at = when;
    if (when != 0)
        heap_add(&times, &w->due);
}

void turn_close(struct watch *w, bool reset)
{
    struct linger linger = { 1, 0 };

    turn_at(w, 0);
    if (w->fd < 0)
        return;
    if (reset)
        setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(w->fd);
    w->fd = -1;
    w->events = 0;
}

static void call_due(void)
{
    for (struct heap_node *n; (n = heap_first(&times)) != NULL && n->at <= now_us;) {
        struct watch *w = (struct watch *)((char *)n - offsetof(struct watch, due));

        heap_del(&times, n);
        w->on_due(w);
    }
}

void turn_once(int most_ms)
{
    struct epoll_event ev[128];
    const struct heap_node *first = heap_first(&times);
    uint64_t until;
    int n;

    look_at_clock();
    until = first == NULL ? UINT64_MAX : first->at > now_us ? (first->at - now_us + 999) / 1000 : 0;
    if (until < (uint64_t)most_ms)
        most_ms = (int)until;
    n = epoll_wait(epfd, ev, 128, most_ms);
    look_at_clock();
    for (int i = 0; i < n; i++) {
        struct watch *w = ev[i].data.ptr;

        if (w->fd >= 0)
            w->on_event(w);
    }
    call_due();
}
