/* discovery/snapshot/store.c - the files in which the last good answers survive the process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/snapshot/store.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/refs.h"
#include "discovery/snapshot/store_file.h"
#include "loop/offload.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What a helper may still use when the store has gone. */
struct shared {
    atomic_uint refs;
    pthread_mutex_t lock;           /* held while a file is written */
    atomic_bool over;               /* nobody begins to write any more */
};

/* One file that a helper writes, or one look at all of them. */
struct errand {
    struct offload_job job;
    struct store *store;
    struct store_slot *slot;        /* NULL: it has left */
    struct shared *shared;
    char *dir, *name;
    struct buf head, body;
    struct map keep;
    unsigned removed;
    bool ok;
    struct sc_error e;
};

struct store {
    const char *dir;
    struct loop *loop;
    struct offload *offload;
    struct shared *shared;
    struct map slots;               /* by file */
    struct link wanted;             /* of struct store_slot: their time has come */
    struct errand *writing, *sweeping;
    struct timer pause, sweep;
    struct task turn;               /* begins to write, once all that happens together has happened */
    bool failing;                   /* the last write did not succeed */
    bool dir_said;                  /* that the directory is not believed */
    struct store_tally *tally;
};

static void run_next(struct store *s);

static void count(_Atomic(uint64_t) *what, uint64_t n)
{
    atomic_fetch_add_explicit(what, n, memory_order_relaxed);
}

static void shared_unref(struct shared **sp)
{
    struct shared *s = *sp;

    *sp = NULL;
    if (!refs_put(&s->refs))
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* --- errands --- */

static void errand_free(struct offload_job *job)
{
    struct errand *e = list_entry(job, struct errand, job);

    shared_unref(&e->shared);
    buf_fini(&e->head);
    buf_fini(&e->body);
    map_fini(&e->keep);
    free(e->dir);
    free(e->name);
    free(e);
}

static struct errand *errand_new(struct store *s)
{
    struct errand *e = xnew(struct errand);

    e->store = s;
    e->shared = s->shared;
    refs_get(&e->shared->refs);
    e->dir = xstrdup(s->dir);
    e->keep = (struct map)MAP_INIT;
    e->job.drop = errand_free;
    return e;
}

/* The offload lets go of it and does not call back. */
static void recall(struct store *s, struct errand **ep)
{
    struct errand *e = *ep;

    *ep = NULL;
    if (e != NULL)
        offload_cancel(s->offload, &e->job);
}

/* --- writing --- */

static bool write_file(const char *dir, const char *name, struct buf *head, const struct buf *body, struct sc_error *e)
{
    int fd;
    bool ok;

    if (!saved_head(head, buf_view(body)))
        return sc_error_set(e, "SHA-256 is not available");
    fd = store_dir_open(dir, true, e);
    if (fd < 0)
        return false;
    ok = store_file_write(fd, name, buf_view(head), buf_view(body), e);
    close(fd);
    return ok;
}

/* A helper. */
static void write_work(struct offload_job *job)
{
    struct errand *e = list_entry(job, struct errand, job);

    pthread_mutex_lock(&e->shared->lock);
    if (!atomic_load(&e->shared->over))
        e->ok = write_file(e->dir, e->name, &e->head, &e->body, &e->e);
    pthread_mutex_unlock(&e->shared->lock);
}

static void note_written(struct store *s)
{
    count(&s->tally->written, 1);
    if (s->failing)
        log_info("discovery: snapshots are written again");
    s->failing = false;
}

static void note_failed(struct store *s, const char *why)
{
    count(&s->tally->failed, 1);
    if (!s->failing)
        log_warn("discovery: a snapshot cannot be written: %s; the one before it stays", why);
    s->failing = true;
}

static void write_done(struct offload_job *job)
{
    struct errand *e = list_entry(job, struct errand, job);
    struct store *s = e->store;

    s->writing = NULL;
    if (atomic_load(&s->shared->over)) {
        errand_free(job);
        return;
    }
    if (e->ok) {
        note_written(s);
    } else {
        note_failed(s, e->e.text);
        timer_start(s->loop, &s->pause, STORE_PAUSE);
        if (e->slot != NULL)
            store_want(e->slot);
    }
    errand_free(job);
    run_next(s);
}

/* False: there is nothing to be written. */
static bool begin(struct store *s, struct store_slot *slot)
{
    struct errand *e;
    struct buf body = BUF_INIT;

    slot->written = loop_now(s->loop);
    if (!slot->print(slot, &body)) {
        buf_fini(&body);
        return false;
    }
    e = errand_new(s);
    e->slot = slot;
    e->name = xstrdup(slot->name);
    e->body = body;
    e->job.work = write_work;
    e->job.done = write_done;
    if (!offload_submit(s->offload, s->loop, &e->job)) {
        errand_free(&e->job);
        store_want(slot);
        timer_start(s->loop, &s->pause, STORE_PACE);
        return false;
    }
    s->writing = e;
    return true;
}

static void run_next(struct store *s)
{
    struct link *l;

    while (s->writing == NULL && !s->pause.pending && (l = list_pop(&s->wanted)) != NULL) {
        struct store_slot *slot = list_entry(l, struct store_slot, link);

        slot->wanted = false;
        begin(s, slot);
    }
}

static void on_pause_over(struct timer *t)
{
    run_next(list_entry(t, struct store, pause));
}

static void on_turn(struct task *t)
{
    run_next(list_entry(t, struct store, turn));
}

static void enqueue(struct store_slot *slot)
{
    list_push(&slot->store->wanted, &slot->link);
    loop_task(slot->store->loop, &slot->store->turn);
}

static void on_due(struct timer *t)
{
    enqueue(list_entry(t, struct store_slot, due));
}

void store_want(struct store_slot *slot)
{
    sc_msec left;

    if (slot->store == NULL || slot->wanted)
        return;
    slot->wanted = true;
    left = slot->written == 0 ? 0 : slot->written + STORE_PACE - loop_now(slot->store->loop);
    if (left > 0)
        timer_start(slot->store->loop, &slot->due, left);
    else
        enqueue(slot);
}

/* --- the stop --- */

/* By the wall clock: the other way of waiting for a mutex is younger than some systems' C library. */
static bool lock_within(struct shared *s, sc_msec patience)
{
    int64_t until = clock_wall_ms() + patience;
    struct timespec at = { until / 1000, until % 1000 * 1000000 };

    return pthread_mutex_timedlock(&s->lock, &at) == 0;
}

static void flush_one(struct store *s, struct store_slot *slot)
{
    struct buf head = BUF_INIT, body = BUF_INIT;
    struct sc_error e = SC_ERROR_INIT;

    slot->wanted = false;
    if (slot->print(slot, &body)) {
        if (write_file(s->dir, slot->name, &head, &body, &e))
            note_written(s);
        else
            note_failed(s, e.text);
    }
    buf_fini(&head);
    buf_fini(&body);
}

static unsigned flush_until(struct store *s, int64_t until_ns)
{
    struct map_item *item;
    unsigned left = 0;

    for (unsigned i = 0; (item = map_next(&s->slots, &i)) != NULL;) {
        struct store_slot *slot = item->value;

        if (slot->wanted && !s->failing && clock_mono_ns() < until_ns)
            flush_one(s, slot);
        left += slot->wanted;
    }
    return left;
}

void store_flush(struct store *s)
{
    int64_t until = clock_mono_ns() + (int64_t)STORE_FLUSH * 1000000;
    unsigned left;

    if (s->writing != NULL && s->writing->slot != NULL)
        s->writing->slot->wanted = true;        /* with what is true now */
    atomic_store(&s->shared->over, true);
    if (!lock_within(s->shared, STORE_FLUSH)) {
        log_warn("discovery: a snapshot is still being written; the others stay as they are");
        return;
    }
    left = flush_until(s, until);
    pthread_mutex_unlock(&s->shared->lock);
    if (left > 0)
        log_warn("discovery: %u snapshots stay as they are: writing them takes too long, or fails", left);
}

/* --- reading --- */

static enum store_found refuse(struct store *s, const struct store_slot *slot, const struct sc_error *e)
{
    count(&s->tally->refused, 1);
    log_warn("discovery: snapshot %s is not used: %s", slot->name, e->text);
    return STORE_REFUSED;
}

static enum store_found read_from(struct store_slot *slot, int dir, const char *identity, struct arena *a, struct saved *to,
                                  struct sc_error *e)
{
    struct store *s = slot->store;
    struct buf file = BUF_INIT;
    int got = store_file_read(dir, slot->name, SAVED_BYTES_MAX, &file, e);
    bool ok = got > 0 && saved_parse(a, buf_view(&file), identity, to, e);

    buf_fini(&file);
    if (got == 0)
        return STORE_NONE;
    if (!ok)
        return refuse(s, slot, e);
    count(&s->tally->read, 1);
    return STORE_READ;
}

enum store_found store_read(struct store_slot *slot, const char *identity, struct arena *a, struct saved *to,
                            struct sc_error *e)
{
    struct store *s = slot->store;
    enum store_found found;
    int dir;

    if (s == NULL)
        return STORE_NONE;
    dir = store_dir_open(s->dir, false, e);
    if (dir == STORE_DIR_REFUSED && !s->dir_said) {
        log_warn("discovery: no snapshot is used: %s", e->text);
        s->dir_said = true;
    }
    if (dir < 0)
        return dir == STORE_DIR_NONE ? STORE_NONE : STORE_REFUSED;
    found = read_from(slot, dir, identity, a, to, e);
    close(dir);
    return found;
}

/* --- sweeping --- */

/* A helper. */
static void sweep_work(struct offload_job *job)
{
    struct errand *e = list_entry(job, struct errand, job);
    int dir = store_dir_open(e->dir, false, &e->e);

    if (dir < 0)
        return;
    e->removed = store_dir_sweep(dir, &e->keep, STORE_UNUSED);
    close(dir);
}

static void sweep_done(struct offload_job *job)
{
    struct errand *e = list_entry(job, struct errand, job);

    e->store->sweeping = NULL;
    count(&e->store->tally->removed, e->removed);
    if (e->removed > 0)
        log_info("discovery: %u snapshots removed that nobody has used for a week", e->removed);
    errand_free(job);
}

static void on_sweep(struct timer *t)
{
    struct store *s = list_entry(t, struct store, sweep);
    struct errand *e;
    struct map_item *item;

    timer_start(s->loop, t, STORE_SWEEP);
    if (s->sweeping != NULL)
        return;
    e = errand_new(s);
    for (unsigned i = 0; (item = map_next(&s->slots, &i)) != NULL;)
        map_put(&e->keep, item->key, s);
    e->job.work = sweep_work;
    e->job.done = sweep_done;
    if (offload_submit(s->offload, s->loop, &e->job)) {
        s->sweeping = e;
        return;
    }
    errand_free(&e->job);
    timer_start(s->loop, t, STORE_FIRST_SWEEP);
}

/* --- slots --- */

void store_join(struct store *s, struct store_slot *slot, const char *service, const char *identity)
{
    char name[STORE_NAME_MAX];

    list_init(&slot->link);
    if (s == NULL || !store_file_name(name, service, identity))
        return;
    slot->store = s;
    slot->name = xstrdup(name);
    slot->due.fn = on_due;
    map_put(&s->slots, str_of(name), slot);
}

void store_leave(struct store_slot *slot)
{
    struct store *s = slot->store;

    if (s == NULL)
        return;
    if (map_get(&s->slots, str_of(slot->name)) == slot)
        map_remove(&s->slots, str_of(slot->name));
    if (s->writing != NULL && s->writing->slot == slot)
        s->writing->slot = NULL;
    timer_stop(&slot->due);
    list_remove(&slot->link);
    free(slot->name);
    *slot = (struct store_slot){ .print = slot->print };
}

struct store *store_new(const char *dir, struct loop *loop, struct offload *offload, struct store_tally *tally)
{
    struct store *s = xnew(struct store);

    s->dir = dir;
    s->tally = tally;
    s->loop = loop;
    s->offload = offload;
    s->slots = (struct map)MAP_INIT;
    list_init(&s->wanted);
    s->shared = xnew(struct shared);
    refs_init(&s->shared->refs);
    pthread_mutex_init(&s->shared->lock, NULL);
    s->pause.fn = on_pause_over;
    s->turn.fn = on_turn;
    s->sweep.fn = on_sweep;
    timer_start(loop, &s->sweep, STORE_FIRST_SWEEP);
    return s;
}

void store_free(struct store **sp)
{
    struct store *s = *sp;

    *sp = NULL;
    if (s == NULL)
        return;
    recall(s, &s->writing);
    recall(s, &s->sweeping);
    loop_task_cancel(s->loop, &s->turn);
    timer_stop(&s->pause);
    timer_stop(&s->sweep);
    map_fini(&s->slots);
    shared_unref(&s->shared);
    free(s);
}

static uint64_t counted(const _Atomic(uint64_t) *what)
{
    return atomic_load_explicit(what, memory_order_relaxed);
}

void store_counts(const struct store_tally *t, struct store_counts *to)
{
    *to = (struct store_counts){ .read = counted(&t->read), .refused = counted(&t->refused),
                                 .written = counted(&t->written), .failed = counted(&t->failed),
                                 .removed = counted(&t->removed) };
}
