/* sidecar/conf/file.c - a whole small file in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static bool read_all(int fd, size_t max, struct buf *out)
{
    for (;;) {
        ssize_t n;

        buf_reserve(out, 16384);
        n = read(fd, out->p + out->n, 16384);
        if (n == 0)
            return true;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        out->n += (size_t)n;
        if (out->n > max) {
            errno = EFBIG;
            return false;
        }
    }
}

bool file_read(const char *path, size_t max, struct buf *out, struct stat *st)
{
    bool is_stdin = strcmp(path, "-") == 0, ok;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), e;

    if (fd < 0)
        return false;
    ok = fstat(fd, st) == 0;
    if (ok && S_ISDIR(st->st_mode)) {
        errno = EISDIR;
        ok = false;
    }
    ok = ok && read_all(fd, max, out);
    buf_add(out, "", 0);
    e = errno;
    if (!is_stdin)
        close(fd);
    errno = e;
    return ok;
}
