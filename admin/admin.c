/* admin/admin.c - the admin thread and its listeners.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"

#include "admin/page.h"
#include "admin/server.h"
#include "base/alloc.h"
#include "base/log.h"
#include "proxy/config.h"
#include "proxy/reserved.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SOCKET_MODE = 0660,
    STOP_STEP_MS = 5, STOP_STEPS = 40,      /* answers on their way may finish */
};

#define SOCKET_GROUP "outrider"

struct admin {
    struct admin_state state;
    char *node, *zone;                      /* the configuration they came from may be gone after a reload */
    struct loop *loop;
    pthread_t thread;
    struct listener **listeners;
    struct server **servers;
    unsigned n;
    struct mail stop;
    struct timer step;
    unsigned steps;
};

/* ---- addresses ---- */

char *admin_default_socket(void)
{
    const char *dir = getenv("RUNTIME_DIRECTORY");

    if (dir != NULL && dir[0] == '/')       /* systemd.exec(5): several are separated by colons */
        return xasprintf("unix:%.*s/admin.sock", (int)strcspn(dir, ":"), dir);
    if (geteuid() == 0)
        return xstrdup("unix:/run/outrider/admin.sock");
    dir = getenv("XDG_RUNTIME_DIR");
    return dir != NULL && dir[0] == '/' ? xasprintf("unix:%s/outrider/admin.sock", dir) : NULL;
}

/* The last directory of the path of a default socket, when it is not there. */
static void make_directory(const char *address)
{
    char *path = xstrdup(address + strlen("unix:"));

    *strrchr(path, '/') = '\0';
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        log_debug("cannot make %s: %s", path, strerror(errno));
    free(path);
}

static void find_group(struct admin_state *state)
{
    const struct group *g = getgrnam(SOCKET_GROUP);

    state->has_group = g != NULL;
    state->group = g == NULL ? 0 : g->gr_gid;
}

/* Members of the group may ask, where there is one and we may say so. */
static void give_to_group(const struct admin *a, const struct listener *l)
{
    if (!l->local || !l->owned || geteuid() != 0 || !a->state.has_group)
        return;
    if (chown(l->address + strlen("unix:"), (uid_t)-1, a->state.group) != 0)
        log_warn("cannot give %s to group %s: %s", l->address, SOCKET_GROUP, strerror(errno));
}

static bool add_listener(struct admin *a, const char *address, struct sc_error *e)
{
    struct listener *l = listener_open(address, 1, SOCKET_MODE, e);

    if (l == NULL)
        return false;
    give_to_group(a, l);
    a->listeners = xrealloc(a->listeners, (a->n + 1) * sizeof(struct listener *));
    a->listeners[a->n++] = l;
    return true;
}

static void add_default(struct admin *a, const char *address)
{
    struct sc_error e = SC_ERROR_INIT;

    if (!add_listener(a, address, &e))
        log_warn("admin: %s (a default address: going on without it)", e.text);
}

static void open_defaults(struct admin *a)
{
    char *path = admin_default_socket();

    if (path == NULL) {
        log_info("admin: no run-time directory ($RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR): no admin socket");
    } else {
        make_directory(path);
        add_default(a, path);
        free(path);
    }
    add_default(a, ADMIN_DEFAULT_ADDRESS);
}

static bool open_stated(struct admin *a, const struct sc_strings *stated, struct sc_error *e)
{
    for (unsigned i = 0; i < stated->n; i++)
        if (!add_listener(a, stated->at[i], e))
            return sc_error_wrap(e, "admin.listeners[%u]", i);
    return true;
}

/* ---- the end ---- */

static void on_step(struct timer *t)
{
    struct admin *a = list_entry(t, struct admin, step);
    bool idle = true;

    for (unsigned i = 0; i < a->n; i++)
        idle &= a->servers[i] == NULL || server_idle(a->servers[i]);
    if (idle || ++a->steps >= STOP_STEPS)
        loop_stop(a->loop);
    else
        timer_start(a->loop, t, STOP_STEP_MS);
}

static void on_stop(struct mail *m)
{
    struct admin *a = list_entry(m, struct admin, stop);

    for (unsigned i = 0; i < a->n; i++)
        if (a->servers[i] != NULL)
            server_stop(a->servers[i]);
    timer_start(a->loop, &a->step, 0);
}

/* ---- questions of data listeners ---- */

static void make_answer(const struct admin *a, struct reserved_ask *q)
{
    struct admin_request r = { .method = q->method, .path = q->path, .query = q->query };
    struct admin_answer answer;
    struct arena arena;

    arena_init(&arena, 4096);
    r.arena = &arena;
    page_answer_anybody(&a->state, &r, &answer);
    if (answer.body.n > RESERVED_ANSWER_MAX)
        page_problem(&answer, ERR_OVERLOADED, STR("the page is too long to be served here: ask an admin listener"));
    q->status = answer.status;
    q->type = answer.type;
    q->body = answer.body;
    arena_fini(&arena);
}

static void on_asked(struct mail *m)
{
    struct reserved_ask *q = list_entry(m, struct reserved_ask, errand.mail);

    if (errand_is_wanted(&q->errand))
        make_answer(q->arg, q);
    reserved_answered(q);
}

void admin_ask(struct admin *a, struct reserved_ask *q)
{
    q->arg = a;
    q->errand.mail.fn = on_asked;
    loop_post(a->loop, &q->errand.mail);
}

/* ---- the thread ---- */

static void *run(void *arg)
{
    struct admin *a = arg;

    for (unsigned i = 0; i < a->n; i++)
        a->servers[i] = server_new(a->loop, a->listeners[i], &a->state);
    loop_run(a->loop);
    loop_read_mail(a->loop);            /* answers that nobody waits for any more */
    for (unsigned i = 0; i < a->n; i++)
        server_free(&a->servers[i]);
    return NULL;
}

static void start_thread(struct admin *a)
{
    sigset_t all, before;
    int failed;

    a->servers = xcalloc(a->n + 1, sizeof(struct server *));
    a->loop = loop_new();
    a->stop.fn = on_stop;
    a->step.fn = on_step;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&a->thread, NULL, run, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(failed == 0);
    pthread_setname_np(a->thread, "admin");
}

static void admin_free(struct admin *a)
{
    for (unsigned i = 0; i < a->n; i++)
        listener_unref(&a->listeners[i]);
    free(a->listeners);
    free(a->servers);
    free(a->node);
    free(a->zone);
    loop_free(&a->loop);
    free(a);
}

struct admin *admin_start(const struct admin_conf *conf, const struct admin_state *state, struct sc_error *e)
{
    struct admin *a = xnew(struct admin);

    a->state = *state;
    find_group(&a->state);
    a->state.node = a->node = xstrdup(state->node);
    a->state.zone = a->zone = xstrdup(state->zone);
    if (conf->defaults) {
        open_defaults(a);
    } else if (!open_stated(a, &conf->listeners, e)) {
        admin_free(a);
        return NULL;
    }
    for (unsigned i = 0; i < a->n; i++)
        log_info("admin pages on %s", a->listeners[i]->text);
    start_thread(a);
    return a;
}

void admin_stop(struct admin **ap)
{
    struct admin *a = *ap;

    *ap = NULL;
    if (a == NULL)
        return;
    loop_post(a->loop, &a->stop);
    pthread_join(a->thread, NULL);
    admin_free(a);
}
