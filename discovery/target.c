/* discovery/target.c - one address that requests can be sent to.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/target.h"

#include "base/alloc.h"
#include "base/refs.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Slots are small numbers so that a worker can keep what it knows of targets in an array. Taken and given back rarely,
 * by any thread. */
static struct {
    pthread_mutex_t lock;
    uint32_t *given_back;
    uint32_t ngiven, cap, next;
} slots = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint32_t slot_take(void)
{
    uint32_t slot;

    pthread_mutex_lock(&slots.lock);
    slot = slots.ngiven > 0 ? slots.given_back[--slots.ngiven] : slots.next++;
    pthread_mutex_unlock(&slots.lock);
    return slot;
}

static void slot_give(uint32_t slot)
{
    pthread_mutex_lock(&slots.lock);
    if (slots.ngiven == slots.cap) {
        slots.cap = slots.cap == 0 ? 64 : slots.cap * 2;
        slots.given_back = xrealloc(slots.given_back, slots.cap * sizeof *slots.given_back);
    }
    slots.given_back[slots.ngiven++] = slot;
    pthread_mutex_unlock(&slots.lock);
}

uint32_t target_slots(void)
{
    uint32_t n;

    pthread_mutex_lock(&slots.lock);
    n = slots.next;
    pthread_mutex_unlock(&slots.lock);
    return n;
}

static uint16_t port_of(const struct sockaddr_storage *sa)
{
    switch (sa->ss_family) {
    case AF_INET:
        return ntohs(((const struct sockaddr_in *)sa)->sin_port);
    case AF_INET6:
        return ntohs(((const struct sockaddr_in6 *)sa)->sin6_port);
    default:
        return 0;
    }
}

struct target *target_new(const char *host, const struct address *address, bool tls)
{
    static _Atomic(uint64_t) ids;
    char text[ADDRESS_TEXT_MAX];
    size_t nhost = strlen(host) + 1, ntext, size;
    struct target *t;

    address_print(text, (const struct sockaddr *)&address->sa);
    ntext = strlen(text) + 1;
    size = (sizeof *t + nhost + ntext + 63) & ~(size_t)63;
    t = aligned_alloc(64, size);
    if (t == NULL)
        abort();
    memset(t, 0, sizeof *t);
    refs_init(&t->refs);
    t->slot = slot_take();
    t->id = atomic_fetch_add_explicit(&ids, 1, memory_order_relaxed) + 1;
    t->host = memcpy((char *)(t + 1), host, nhost);
    t->address = memcpy((char *)(t + 1) + nhost, text, ntext);
    t->port = port_of(&address->sa);
    t->tls = tls;
    t->sa_len = address->n;
    t->sa = address->sa;
    atomic_init(&t->last_check, 0);
    atomic_init(&t->inflight, 0);
    return t;
}

struct target *target_ref(struct target *t)
{
    refs_get(&t->refs);
    return t;
}

void target_unref(struct target **tp)
{
    struct target *t = *tp;

    *tp = NULL;
    if (t == NULL || !refs_put(&t->refs))
        return;
    slot_give(t->slot);
    free(t);
}
