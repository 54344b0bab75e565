/* sidecar/loop/handed.c - listening sockets that the service manager opened for us, and what it is told.
 * SPDX-License-Identifier: Apache-2.0 */
#include "loop/handed.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

static bool tell(const char *state);

bool handed_is_listener(int fd)
{
    int listens = 0, type = 0;
    socklen_t n = sizeof listens;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) != 0 || !listens)
        return false;
    n = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

bool handed_notify(const char *fmt, ...)
{
    char text[512];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return n >= 0 && (size_t)n < sizeof text && tell(text);
}

#ifdef HAVE_SYSTEMD

#include <systemd/sd-daemon.h>

_Static_assert(HANDED_FIRST == SD_LISTEN_FDS_START, "the first descriptor that is handed over");

int handed_sockets(char ***names)
{
    int n = sd_listen_fds_with_names(0, names);

    return n < 0 ? 0 : n;
}

static bool tell(const char *state)
{
    return sd_notify(0, state) >= 0;
}

sc_msec handed_watchdog(void)
{
    uint64_t us;

    return sd_watchdog_enabled(0, &us) > 0 ? (sc_msec)(us / 1000) : 0;
}

#else

#include "base/alloc.h"
#include "loop/sys.h"

#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* A plain decimal number from 0 to max, or -1. */
static long number_in(const char *name, long max)
{
    const char *text = getenv(name);
    char *end;
    long n;

    if (text == NULL || *text < '0' || *text > '9')
        return -1;
    n = strtol(text, &end, 10);
    return *end == '\0' && n <= max ? n : -1;
}

/* The i-th of names separated by colons; cuts it off the front of *rest. */
static char *next_name(const char **rest)
{
    size_t n;
    char *name;

    if (*rest == NULL || **rest == '\0')
        return xstrdup("unknown");
    n = strcspn(*rest, ":");
    name = xmalloc(n + 1);
    memcpy(name, *rest, n);
    name[n] = '\0';
    *rest += n + ((*rest)[n] == ':');
    return name;
}

sc_msec handed_watchdog(void)
{
    long us = number_in("WATCHDOG_USEC", LONG_MAX - 1);

    if (getenv("WATCHDOG_PID") != NULL && number_in("WATCHDOG_PID", INT_MAX) != getpid())
        return 0;
    return us > 0 ? us / 1000 : 0;
}

int handed_sockets(char ***names)
{
    const char *rest = getenv("LISTEN_FDNAMES");
    long n = number_in("LISTEN_FDS", INT_MAX - HANDED_FIRST);

    *names = NULL;
    if (n <= 0 || number_in("LISTEN_PID", INT_MAX) != getpid())
        return 0;
    for (int i = 0; i < n; i++)
        if (fcntl(HANDED_FIRST + i, F_SETFD, FD_CLOEXEC) != 0)
            return 0;
    *names = xcalloc((size_t)n + 1, sizeof **names);
    for (int i = 0; i < n; i++)
        (*names)[i] = next_name(&rest);
    return (int)n;
}

static bool tell(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t n = path != NULL ? strlen(path) : 0;
    ssize_t sent;
    int fd;

    if (n == 0)
        return true;
    if (n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return false;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    sys_close(fd);
    return sent == (ssize_t)strlen(state);
}

#endif
