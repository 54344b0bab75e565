/* discovery/board.c - what is known now, for those who ask.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/board.h"

#include "base/alloc.h"
#include "base/refs.h"
#include "discovery/registration/announce.h"

#include <pthread.h>
#include <stdlib.h>

struct board {
    pthread_mutex_t lock;               /* over all of it */
    unsigned n;
    struct service_status **services;
    struct registration_list *registrations;
    uint64_t version;
};

struct board *board_new(void)
{
    struct board *b = xnew(struct board);

    pthread_mutex_init(&b->lock, NULL);
    b->registrations = registration_list_new(0);
    return b;
}

static void drop(struct service_status **services, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        service_status_unref(&services[i]);
    free(services);
}

void board_free(struct board **bp)
{
    struct board *b = *bp;

    *bp = NULL;
    drop(b->services, b->n);
    registration_list_unref(&b->registrations);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

void board_renew(struct board *b, struct service_status **services, unsigned n)
{
    struct service_status **were;
    unsigned nwere;

    pthread_mutex_lock(&b->lock);
    were = b->services;
    nwere = b->n;
    b->services = services;
    b->n = n;
    pthread_mutex_unlock(&b->lock);
    drop(were, nwere);
}

void board_put(struct board *b, unsigned i, struct service_status *s)
{
    struct service_status *was;

    pthread_mutex_lock(&b->lock);
    was = b->services[i];
    b->services[i] = s;
    pthread_mutex_unlock(&b->lock);
    service_status_unref(&was);
}

void board_table(struct board *b, uint64_t version)
{
    pthread_mutex_lock(&b->lock);
    b->version = version;
    pthread_mutex_unlock(&b->lock);
}

void board_registrations(struct board *b, const struct announcer *announcer)
{
    struct registration_list *fresh = registration_list_new(announcer_count(announcer)), *was;

    announcer_status(announcer, &fresh->arena, fresh->at);
    pthread_mutex_lock(&b->lock);
    was = b->registrations;
    b->registrations = fresh;
    pthread_mutex_unlock(&b->lock);
    registration_list_unref(&was);
}

struct discovery_status *board_look(struct board *b)
{
    struct discovery_status *s;

    pthread_mutex_lock(&b->lock);
    s = discovery_status_new(b->n, b->registrations);
    s->version = b->version;
    for (unsigned i = 0; i < b->n; i++)
        s->services[i] = service_status_ref(b->services[i]);
    pthread_mutex_unlock(&b->lock);
    return s;
}
