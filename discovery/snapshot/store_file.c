/* discovery/snapshot/store_file.c - the file system's side of the store.
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/snapshot/store_file.h"

#include "base/rand.h"
#include "loop/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX  ".targets"
#define DRAFT   ".draft-"

enum {
    DIGITS = 32,                    /* of the digest, in a name */
    READABLE = 64,                  /* of a service's name, in a name */
    DRAFT_AGE = 3600,               /* s: nobody writes for so long */
    SWEEP_MAX = 100000,             /* entries looked at, at a time */
};

/* --- names --- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool store_file_name(char to[STORE_NAME_MAX], const char *service, const char *identity)
{
    char sum[DIGEST_SHA256 + 1], readable[READABLE + 1];
    unsigned n = 0;

    if (!digest_sha256(str_of(identity), sum))
        return false;
    for (; service[n] != '\0' && n < READABLE; n++)
        readable[n] = is_plain(service[n]) ? service[n] : '_';
    readable[n] = '\0';
    snprintf(to, STORE_NAME_MAX, "%s-%.*s" SUFFIX, readable, (int)DIGITS, sum);
    return true;
}

/* --- the directory --- */

/* Each part of the path that is not there. */
static bool make_path(const char *dir)
{
    char *path = str_dupz(str_of(dir));
    bool ok = true;
    int e;

    for (char *p = path + 1; ok && *path != '\0'; p++) {
        char was = *p;

        if (was != '/' && was != '\0')
            continue;
        *p = '\0';
        ok = mkdir(path, 0700) == 0 || errno == EEXIST;
        *p = was;
        if (was == '\0')
            break;
    }
    e = errno;
    free(path);
    errno = e;
    return ok;
}

/* Ours, and nobody else's. Whoever could write here could send our clients anywhere. */
static bool check_dir(int fd, struct sc_error *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return sc_error_set(e, "%s", strerror(errno));
    if (st.st_uid != geteuid())
        return sc_error_set(e, "belongs to user %u, not to us", (unsigned)st.st_uid);
    if ((st.st_mode & 0022) != 0)
        return sc_error_set(e, "others may write to it");
    if ((st.st_mode & 0077) != 0)
        fchmod(fd, 0700);
    return true;
}

static int refuse(struct sc_error *e, const char *dir, const char *below)
{
    sc_error_set(e, "%s%s: %s", dir, below, errno == ELOOP || errno == ENOTDIR ? "not a directory" : strerror(errno));
    return STORE_DIR_REFUSED;
}

static int open_targets(const char *dir, int state, bool make, struct sc_error *e)
{
    int fd;

    if (make && mkdirat(state, "targets", 0700) != 0 && errno != EEXIST)
        return refuse(e, dir, "/targets");
    fd = openat(state, "targets", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? STORE_DIR_NONE : refuse(e, dir, "/targets");
    if (check_dir(fd, e))
        return fd;
    sc_error_wrap(e, "%s/targets", dir);
    close(fd);
    return STORE_DIR_REFUSED;
}

int store_dir_open(const char *dir, bool make, struct sc_error *e)
{
    int state, fd;

    if (make && !make_path(dir))
        return refuse(e, dir, "");
    state = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state < 0)
        return errno == ENOENT ? STORE_DIR_NONE : refuse(e, dir, "");
    fd = open_targets(dir, state, make, e);
    close(state);
    return fd;
}

/* --- reading --- */

static bool check_file(int fd, size_t max, struct sc_error *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return sc_error_set(e, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return sc_error_set(e, "not a file");
    if (st.st_uid != geteuid())
        return sc_error_set(e, "belongs to user %u, not to us", (unsigned)st.st_uid);
    if ((st.st_mode & 0022) != 0)
        return sc_error_set(e, "others may write to it");
    if ((uint64_t)st.st_size > max)
        return sc_error_set(e, "longer than %zu bytes", max);
    return true;
}

static bool read_all(int fd, size_t max, struct buf *out, struct sc_error *e)
{
    for (;;) {
        ssize_t n;

        buf_reserve(out, 65536);
        n = read(fd, out->p + out->n, 65536);
        if (n == 0)
            return true;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sc_error_set(e, "%s", strerror(errno));
        out->n += (size_t)n;
        if (out->n > max)
            return sc_error_set(e, "longer than %zu bytes", max);
    }
}

int store_file_read(int dir, const char *name, size_t max, struct buf *out, struct sc_error *e)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool ok;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0) {
        sc_error_set(e, "%s", errno == ELOOP ? "a symbolic link" : strerror(errno));
        return -1;
    }
    ok = check_file(fd, max, e) && read_all(fd, max, out, e);
    close(fd);
    return ok ? 1 : -1;
}

/* --- writing --- */

static bool write_all(int fd, struct sc_str s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);

        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            s = str_skip(s, (size_t)n);
    }
    return true;
}

static bool write_draft(int dir, const char *draft, struct sc_str head, struct sc_str body)
{
    int fd = openat(dir, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), e;
    bool ok;

    if (fd < 0)
        return false;
    ok = write_all(fd, head) && write_all(fd, body) && fsync(fd) == 0;
    e = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        e = errno;
    }
    errno = e;
    return ok;
}

bool store_file_write(int dir, const char *name, struct sc_str head, struct sc_str body, struct sc_error *e)
{
    char draft[64];
    int why;

    snprintf(draft, sizeof draft, DRAFT "%d-%016llx", (int)getpid(), (unsigned long long)rand_u64());
    if (write_draft(dir, draft, head, body) && renameat(dir, draft, dir, name) == 0) {
        if (fsync(dir) == 0)
            return true;
        return sc_error_set(e, "%s: %s", name, strerror(errno));
    }
    why = errno;
    unlinkat(dir, draft, 0);
    return sc_error_set(e, "%s: %s", name, strerror(why));
}

/* --- sweeping --- */

static bool is_unused(int dir, const char *name, const struct map *keep, int64_t unused, int64_t now)
{
    bool draft = str_starts(str_of(name), STR(DRAFT));
    struct stat st;

    if (!draft && (!str_ends(str_of(name), STR(SUFFIX)) || map_get(keep, str_of(name)) != NULL))
        return false;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(st.st_mode))
        return false;
    return now - st.st_mtime > (draft ? DRAFT_AGE : unused);
}

unsigned store_dir_sweep(int dir, const struct map *keep, int64_t unused)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    int64_t now = (int64_t)time(NULL);
    unsigned removed = 0, seen = 0;
    struct dirent *entry;

    if (d == NULL) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while (seen++ < SWEEP_MAX && (entry = readdir(d)) != NULL)
        if (is_unused(dir, entry->d_name, keep, unused, now))
            removed += unlinkat(dir, entry->d_name, 0) == 0;
    closedir(d);
    return removed;
}
