/* sidecar/loop/offload.c - slow functions on helper threads.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One lock for everything: jobs are rare and long. A result is posted under it, so that after a cancel nothing is sent
 * to a loop that may be gone. */
#include "loop/offload.h"

#include "base/alloc.h"
#include "base/log.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct offload {
    pthread_mutex_t lock;
    pthread_cond_t wanted, ended;           /* a job or the end; a helper is done */
    struct offload_job *first, **last;      /* waiting */
    unsigned waiting, limit, nthreads, alive;
    bool closing, abandoned;
    pthread_t threads[];
};

static void offload_release(struct offload *o)
{
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->wanted);
    pthread_cond_destroy(&o->ended);
    free(o);
}

static struct offload_job *next_job(struct offload *o)
{
    struct offload_job *job;

    while (o->first == NULL && !o->closing)
        pthread_cond_wait(&o->wanted, &o->lock);
    if (o->closing)
        return NULL;
    job = o->first;
    o->first = job->next;
    if (o->first == NULL)
        o->last = &o->first;
    o->waiting--;
    return job;
}

/* The home loop's thread. */
static void come_home(struct mail *m)
{
    struct offload_job *job = list_entry(m, struct offload_job, mail);

    pthread_mutex_lock(&job->offload->lock);        /* the helper has let go of this loop, which may end now */
    pthread_mutex_unlock(&job->offload->lock);
    if (job->home == NULL)                  /* cancelled on the way */
        job->drop(job);
    else
        job->done(job);
}

/* With the lock; let go of while the work is done. */
static void run(struct offload *o, struct offload_job *job)
{
    pthread_mutex_unlock(&o->lock);
    job->work(job);
    pthread_mutex_lock(&o->lock);
    if (job->home != NULL && !o->closing) {
        job->mail.fn = come_home;
        loop_post(job->home, &job->mail);
        return;
    }
    pthread_mutex_unlock(&o->lock);
    job->drop(job);
    pthread_mutex_lock(&o->lock);
}

static void *helper(void *arg)
{
    struct offload *o = arg;
    struct offload_job *job;
    bool last;

    pthread_mutex_lock(&o->lock);
    while ((job = next_job(o)) != NULL)
        run(o, job);
    o->alive--;
    last = o->alive == 0 && o->abandoned;
    pthread_cond_signal(&o->ended);
    pthread_mutex_unlock(&o->lock);
    if (last)
        offload_release(o);
    return NULL;
}

static void start_helpers(struct offload *o)
{
    sigset_t all, was;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    for (unsigned i = 0; i < o->nthreads; i++) {
        if (pthread_create(&o->threads[i], NULL, helper, o) != 0) {
            log_error("no helper thread: %m");
            abort();
        }
        pthread_setname_np(o->threads[i], "helper");
    }
    pthread_sigmask(SIG_SETMASK, &was, NULL);
}

struct offload *offload_new(unsigned threads, unsigned limit)
{
    struct offload *o = xcalloc(1, sizeof *o + threads * sizeof o->threads[0]);
    pthread_condattr_t attr;

    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->wanted, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&o->ended, &attr);
    pthread_condattr_destroy(&attr);
    o->last = &o->first;
    o->limit = limit;
    o->nthreads = o->alive = threads;
    start_helpers(o);
    return o;
}

bool offload_submit(struct offload *o, struct loop *home, struct offload_job *job)
{
    bool taken;

    job->offload = o;
    job->home = home;
    job->next = NULL;
    pthread_mutex_lock(&o->lock);
    taken = o->waiting < o->limit && !o->closing;
    if (taken) {
        *o->last = job;
        o->last = &job->next;
        o->waiting++;
        pthread_cond_signal(&o->wanted);
    }
    pthread_mutex_unlock(&o->lock);
    return taken;
}

/* With the lock. */
static bool take_out(struct offload *o, struct offload_job *job)
{
    for (struct offload_job **at = &o->first; *at != NULL; at = &(*at)->next)
        if (*at == job) {
            *at = job->next;
            if (job->next == NULL)
                o->last = at;
            o->waiting--;
            return true;
        }
    return false;
}

void offload_cancel(struct offload *o, struct offload_job *job)
{
    bool waited;

    pthread_mutex_lock(&o->lock);
    job->home = NULL;
    waited = take_out(o, job);
    pthread_mutex_unlock(&o->lock);
    if (waited)
        job->drop(job);
}

/* With the lock. True when all helpers have ended in time. */
static bool wait_for_helpers(struct offload *o, sc_msec patience)
{
    int64_t until = clock_mono_ns() + patience * 1000000;
    struct timespec at = { until / 1000000000, until % 1000000000 };

    while (o->alive > 0)
        if (pthread_cond_timedwait(&o->ended, &o->lock, &at) != 0)
            return o->alive == 0;
    return true;
}

void offload_free(struct offload **op, sc_msec patience)
{
    struct offload *o = *op;
    struct offload_job *waiting;
    pthread_t threads[16];
    unsigned n;
    bool ended;

    *op = NULL;
    if (o == NULL)
        return;
    n = o->nthreads;
    assert(n <= 16);
    for (unsigned i = 0; i < n; i++)
        threads[i] = o->threads[i];
    pthread_mutex_lock(&o->lock);
    o->closing = true;
    waiting = o->first;
    o->first = NULL;
    pthread_cond_broadcast(&o->wanted);
    ended = wait_for_helpers(o, patience);
    o->abandoned = !ended;                  /* then the last helper frees it */
    pthread_mutex_unlock(&o->lock);
    for (struct offload_job *next; waiting != NULL; waiting = next) {
        next = waiting->next;
        waiting->drop(waiting);
    }
    for (unsigned i = 0; i < n; i++)
        if (ended)
            pthread_join(threads[i], NULL);
        else
            pthread_detach(threads[i]);
    if (ended)
        offload_release(o);
}
