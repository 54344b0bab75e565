/* discovery/providers/file.c - targets in files, re-read when they change.
 * SPDX-License-Identifier: Apache-2.0
 *
 * All watches of a registry share one state: the files that match, and what each said when it was last good. Inotify
 * only says that it is time to look; what counts is found by looking (names, then stat, then content), so that renames,
 * writes in place, symbolic links switched over and whole directories replaced are one case. Files are read on the
 * discovery thread itself: they are small and local, and helpers may be stuck in name look-ups. */
#include "discovery/provider.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "conf/file.h"
#include "conf/tree.h"
#include "discovery/providers/records.h"
#include "loop/loop.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SETTLE = 50,            /* ms from the first sign of a change to the look; writers need a moment */
    GAP_MAX = 1000,         /* ms between looks while a busy directory keeps us looking for nothing */
    CHECK = 30000,          /* ms between looks without any sign */
    CHECK_BLIND = 2000,     /* ms, when the system gives us no inotify */
    RACY = 2000,            /* ms: a file changed this shortly before it was read may change again unseen by stat */
    FILES_MAX = 4096,
};

struct file_conf { struct sc_strings path; };
struct file_source { const char *service; };

struct file {
    struct link link;               /* in order of the patterns, then of names */
    char *path;
    struct stat as_read;
    sc_msec read_wall;              /* 0: the last try failed */
    bool was_read;
    uint64_t hash;                  /* of the content last read */
    struct records *records;        /* the last good ones; NULL: never good */
    char *error;                    /* NULL: the last read was good */
    unsigned look;                  /* the last one that saw it */
};

/* The directories that inotify tells about. */
struct dirs {
    int *wd;
    unsigned n, cap;
};

struct files {
    struct registry_live *live;
    struct io inotify;              /* fd -1: none to be had */
    struct dirs dirs;
    struct timer look, check;
    sc_msec gap, looked;            /* between looks; when the last one was */
    unsigned looks;
    struct link files;
    struct map by_path;
    struct link watches;            /* of struct file_watch */
    char *error;                    /* of the registry itself: nothing matches */
    uint64_t index;                 /* how often the content changed */
};

struct file_watch {
    struct link link;
    struct watch *watch;
};

/* --- one file --- */

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = xstrdup(text);
}

static void file_free(struct file *f)
{
    list_remove(&f->link);
    records_free(&f->records);
    free(f->path);
    free(f->error);
    free(f);
}

static bool is_unchanged(const struct file *f, const struct stat *now)
{
    const struct stat *was = &f->as_read;

    return f->read_wall != 0 && was->st_dev == now->st_dev && was->st_ino == now->st_ino &&
           was->st_size == now->st_size && was->st_mtim.tv_sec == now->st_mtim.tv_sec &&
           was->st_mtim.tv_nsec == now->st_mtim.tv_nsec && was->st_ctim.tv_sec == now->st_ctim.tv_sec &&
           was->st_ctim.tv_nsec == now->st_ctim.tv_nsec &&
           f->read_wall - (was->st_ctim.tv_sec * 1000 + was->st_ctim.tv_nsec / 1000000) > RACY;
}

/* True when what we know of it changed. */
static bool take_content(struct file *f, struct sc_str text)
{
    struct sc_error e = SC_ERROR_INIT;
    uint64_t hash = hash_bytes(text.p, text.n);
    struct records *r;

    if (f->was_read && hash == f->hash)
        return false;
    f->was_read = true;
    f->hash = hash;
    r = records_parse(f->path, text, &e);
    if (r == NULL) {
        set_text(&f->error, e.text);
        return false;
    }
    free(f->error);
    f->error = NULL;
    records_free(&f->records);
    f->records = r;
    return true;
}

/* For whatever reason: the next look tries again. */
static void cannot_read(struct file *f, int no)
{
    char *text = xasprintf("%s: %s", f->path, no == EISDIR ? "not a file" : strerror(no));

    set_text(&f->error, text);
    free(text);
    f->was_read = false;
    f->read_wall = 0;
}

static bool file_load(struct file *f)
{
    struct buf text = BUF_INIT;
    bool changed = false;

    f->read_wall = clock_wall_ms();
    if (file_read(f->path, TREE_MAX_BYTES, &text, &f->as_read)) {
        changed = take_content(f, buf_view(&text));
    } else {
        cannot_read(f, errno);
    }
    buf_fini(&text);
    return changed;
}

static bool file_look(struct file *f)
{
    struct stat now;
    int no = stat(f->path, &now) != 0 ? errno : S_ISREG(now.st_mode) ? 0 : EISDIR;

    if (no == 0)
        return !is_unchanged(f, &now) && file_load(f);
    cannot_read(f, no);
    return false;
}

/* --- which files --- */

static struct file *file_for(struct files *all, const char *path)
{
    struct file *f = map_get(&all->by_path, str_of(path));

    if (f == NULL) {
        f = xnew(struct file);
        list_init(&f->link);
        f->path = xstrdup(path);
        map_put(&all->by_path, str_of(path), f);
    }
    return f;
}

/* To the end of the list, which so takes the order of this look. */
static void note_match(struct files *all, const char *path)
{
    struct file *f = file_for(all, path);

    if (f->look == all->looks)
        return;                                 /* two patterns */
    f->look = all->looks;
    list_remove(&f->link);
    list_push(&all->files, &f->link);
}

static unsigned find_files(struct files *all, const struct sc_strings *patterns)
{
    unsigned n = 0;

    for (unsigned i = 0; i < patterns->n; i++) {
        glob_t found = { .gl_pathc = 0 };

        if (glob(patterns->at[i], 0, NULL, &found) == 0)
            for (size_t k = 0; k < found.gl_pathc && n < FILES_MAX; k++, n++)
                note_match(all, found.gl_pathv[k]);
        globfree(&found);
    }
    if (n == FILES_MAX)
        log_limited(LOG_WARN_, "discovery: %s: more than %d files; the rest is not read", all->live->name, FILES_MAX - 1);
    return n;
}

/* Files that were not seen this time are gone, and their records with them. */
static bool forget_gone(struct files *all)
{
    bool changed = false;

    list_each(it, &all->files) {
        struct file *f = list_entry(it, struct file, link);

        if (f->look == all->looks)
            continue;
        changed |= f->records != NULL;
        map_remove(&all->by_path, str_of(f->path));
        file_free(f);
    }
    return changed;
}

/* --- signs of change --- */

static void want_look(struct files *all)
{
    sc_msec now = loop_now(all->live->loop), at = all->looked + all->gap;

    if (!all->look.pending)
        timer_start(all->live->loop, &all->look, at > now + SETTLE ? at - now : SETTLE);
}

static void on_inotify(struct io *io, uint32_t events)
{
    struct files *all = list_entry(io, struct files, inotify);
    char buf[4096] __attribute__((aligned(8)));

    (void)events;
    while (read(io->fd, buf, sizeof buf) > 0)
        ;
    want_look(all);
}

static char *dir_of(struct sc_str path)
{
    size_t n = path.n;

    while (n > 0 && path.p[n - 1] != '/')
        n--;
    if (n == 0)
        return xstrdup(".");
    return str_dupz((struct sc_str){ path.p, n == 1 ? 1 : n - 1 });
}

static void add_dir(struct files *all, struct dirs *dirs, const char *dir)
{
    static const uint32_t signs = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO |
                                  IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    int wd = inotify_add_watch(all->inotify.fd, dir, signs);

    for (unsigned i = 0; i < dirs->n; i++)
        if (dirs->wd[i] == wd)
            return;
    if (wd < 0)
        return;                                 /* the regular check finds what happens there */
    if (dirs->n == dirs->cap) {
        dirs->cap = dirs->cap == 0 ? 8 : dirs->cap * 2;
        dirs->wd = xrealloc(dirs->wd, dirs->cap * sizeof *dirs->wd);
    }
    dirs->wd[dirs->n++] = wd;
}

/* The deepest directory above the first wildcard that is there. */
static void add_base_dir(struct files *all, struct dirs *dirs, const char *pattern)
{
    char *dir = dir_of((struct sc_str){ pattern, strcspn(pattern, "*?[\\") });
    struct stat st;

    while (stat(dir, &st) != 0 && strcmp(dir, "/") != 0 && strcmp(dir, ".") != 0) {
        char *above = dir_of(str_of(dir));

        free(dir);
        dir = above;
    }
    add_dir(all, dirs, dir);
    free(dir);
}

static void add_file_dirs(struct files *all, struct dirs *dirs)
{
    char *last = NULL;

    list_each(it, &all->files) {
        char *dir = dir_of(str_of(list_entry(it, struct file, link)->path));

        if (last == NULL || strcmp(dir, last) != 0)
            add_dir(all, dirs, dir);
        free(last);
        last = dir;
    }
    free(last);
}

static bool holds(const struct dirs *dirs, int wd)
{
    for (unsigned i = 0; i < dirs->n; i++)
        if (dirs->wd[i] == wd)
            return true;
    return false;
}

static void replace_dirs(struct files *all, struct dirs *dirs)
{
    for (unsigned i = 0; i < all->dirs.n; i++)
        if (!holds(dirs, all->dirs.wd[i]))
            inotify_rm_watch(all->inotify.fd, all->dirs.wd[i]);
    free(all->dirs.wd);
    all->dirs = *dirs;
}

/* --- answers --- */

static const struct file_conf *conf_of(const struct files *all)
{
    return all->live->conf;
}

static const char *service_of(const struct watch *w)
{
    const struct file_source *source = w->conf;

    return source->service == NULL ? w->service : source->service;
}

static unsigned count(const struct files *all, const char *service)
{
    unsigned n = 0;

    list_each(it, &all->files) {
        const struct file *f = list_entry(it, struct file, link);

        n += f->records == NULL ? 0 : records_of(f->records, service).n;
    }
    return n;
}

/* What all files together say, in their order. */
static void report(struct files *all, struct watch *w)
{
    const char *service = service_of(w);
    unsigned n = 0;
    struct endpoint *list = xcalloc(count(all, service) + 1, sizeof *list);

    list_each(it, &all->files) {
        const struct file *f = list_entry(it, struct file, link);
        struct record_list some = { NULL, 0 };

        if (f->records != NULL)
            some = records_of(f->records, service);
        for (unsigned i = 0; i < some.n; i++)
            list[n++] = some.at[i];
    }
    w->index = all->index;
    watch_report(w, list, n, "file changed");
    free(list);
}

/* The first thing that is wrong, or NULL. */
static const char *problem(const struct files *all)
{
    if (all->error != NULL)
        return all->error;
    list_each(it, &all->files) {
        const struct file *f = list_entry(it, struct file, link);

        if (f->error != NULL)
            return f->error;
    }
    return NULL;
}

static bool has_content(const struct files *all)
{
    list_each(it, &all->files)
        if (list_entry(it, struct file, link)->records != NULL)
            return true;
    return false;
}

static void tell(struct files *all, struct watch *w, bool changed)
{
    const char *wrong = problem(all);

    if (changed && has_content(all))
        report(all, w);
    if (wrong != NULL)
        watch_failed(w, "%s", wrong);
    else if (!changed)
        watch_contact(w);
}

/* --- the look --- */

static void note_no_match(struct files *all)
{
    const struct sc_strings *patterns = &conf_of(all)->path;
    struct buf text = BUF_INIT;

    for (unsigned i = 0; i < patterns->n; i++)
        buf_printf(&text, "%s%s", i == 0 ? "" : ", ", patterns->at[i]);
    buf_puts(&text, ": no such file");
    set_text(&all->error, text.p);
    buf_fini(&text);
}

/* Which files there are. No file at all is more likely an accident than a message: what was known stays. */
static bool look_for_files(struct files *all)
{
    const struct sc_strings *patterns = &conf_of(all)->path;
    struct dirs dirs = { NULL, 0, 0 };
    bool changed = false;

    all->looks++;
    for (unsigned i = 0; i < patterns->n; i++)
        add_base_dir(all, &dirs, patterns->at[i]);
    if (find_files(all, patterns) > 0) {
        free(all->error);
        all->error = NULL;
        changed = forget_gone(all);
    } else {
        note_no_match(all);
    }
    add_file_dirs(all, &dirs);                  /* before they are read: nothing falls in between */
    replace_dirs(all, &dirs);
    return changed;
}

static bool look(struct files *all)
{
    bool changed = look_for_files(all);

    if (all->error == NULL)
        list_each(it, &all->files)
            changed |= file_look(list_entry(it, struct file, link));
    all->looked = loop_now(all->live->loop);
    all->gap = changed ? 0 : all->gap == 0 ? SETTLE : all->gap * 2 > GAP_MAX ? GAP_MAX : all->gap * 2;
    all->index += changed;
    timer_start(all->live->loop, &all->check, all->inotify.fd < 0 ? CHECK_BLIND : CHECK);
    return changed;
}

static void look_and_tell(struct files *all)
{
    bool changed = look(all);

    list_each(it, &all->watches)
        tell(all, list_entry(it, struct file_watch, link)->watch, changed);
}

static void on_look(struct timer *t)
{
    look_and_tell(list_entry(t, struct files, look));
}

static void on_check(struct timer *t)
{
    look_and_tell(list_entry(t, struct files, check));
}

/* --- the provider --- */

static void start_inotify(struct files *all)
{
    all->inotify = (struct io){ on_inotify, inotify_init1(IN_NONBLOCK | IN_CLOEXEC) };
    if (all->inotify.fd >= 0 && io_add(all->live->loop, &all->inotify, EPOLLIN))
        return;
    log_warn("discovery: %s: no inotify (%m): files are checked every %d seconds", all->live->name,
             CHECK_BLIND / 1000);
    if (all->inotify.fd >= 0)
        close(all->inotify.fd);
    all->inotify.fd = -1;
}

static void file_open(struct registry_live *r)
{
    struct files *all = xnew(struct files);

    r->state = all;
    all->live = r;
    all->look.fn = on_look;
    all->check.fn = on_check;
    list_init(&all->files);
    list_init(&all->watches);
    all->by_path = (struct map)MAP_INIT;
    start_inotify(all);
    look(all);
}

static void file_close(struct registry_live *r)
{
    struct files *all = r->state;

    r->state = NULL;
    timer_stop(&all->look);
    timer_stop(&all->check);
    if (all->inotify.fd >= 0) {
        io_del(r->loop, &all->inotify);
        close(all->inotify.fd);
    }
    list_each(it, &all->files)
        file_free(list_entry(it, struct file, link));
    map_fini(&all->by_path);
    free(all->dirs.wd);
    free(all->error);
    loop_free_later(r->loop, all);
}

static void file_watch(struct watch *w)
{
    struct files *all = w->registry->state;
    struct file_watch *fw = xnew(struct file_watch);

    fw->watch = w;
    w->state = fw;
    list_push(&all->watches, &fw->link);
    tell(all, w, true);
}

static void file_unwatch(struct watch *w)
{
    struct file_watch *fw = w->state;

    w->state = NULL;
    list_remove(&fw->link);
    free(fw);
}

#define S struct file_conf
static const struct sc_field fields[] = {
    SC_STRINGS(S, path, .flags = SC_REQUIRED, .min = 1, .max = 100,
               .doc = "The files, YAML or JSON (`*.json`): paths, or patterns with `*`, `?` and `[...]`. Each holds one "
                      "map of services, `users: [ {host, port, weight, zone, tags, meta, tls} ]`; what several files "
                      "say about one service is put together in order. They are re-read when they change; a file with "
                      "a mistake keeps its last good content."),
    SC_END
};
#undef S

#define S struct file_source
static const struct sc_field source_fields[] = {
    SC_STRING(S, service, .doc = "The name in the files; default: the service's own."),
    SC_END
};
#undef S

const struct provider provider_file = {
    .name = "file",
    .summary = "Targets in files, re-read when they change.",
    .fields = fields, .conf_size = sizeof(struct file_conf),
    .source_fields = source_fields, .source_size = sizeof(struct file_source),
    .interval = CHECK,
    .open = file_open, .close = file_close, .watch = file_watch, .unwatch = file_unwatch,
};
