/* sidecar/loop/listen.c - listening sockets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "loop/listen.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/refs.h"
#include "base/str.h"
#include "loop/handed.h"
#include "loop/sys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

enum { BACKLOG = 4096 };

/* ---- systemd ---- */

static struct {
    int n;                              /* -1: not asked yet */
    char **names;
    atomic_bool *taken;
} handed = { .n = -1 };

static void ask_systemd(void)
{
    if (handed.n >= 0)
        return;
    handed.n = handed_sockets(&handed.names);
    handed.taken = xcalloc((size_t)handed.n, sizeof *handed.taken);
}

static int take_handed(const char *name)
{
    ask_systemd();
    for (int i = 0; i < handed.n; i++)
        if (strcmp(handed.names[i], name) == 0 && !atomic_exchange(&handed.taken[i], true))
            return HANDED_FIRST + i;
    return -1;
}

void listener_close_unused(void)
{
    ask_systemd();
    for (int i = 0; i < handed.n; i++)
        if (!handed.taken[i]) {
            log_warn("no listener takes the socket \"%s\" that systemd handed over: closed", handed.names[i]);
            sys_close(HANDED_FIRST + i);
            handed.taken[i] = true;
        }
}

/* That it does not block is said of the open socket, which other processes share: systemd takes it back whenever it starts
 * one of them without NonBlocking=yes, and a worker that then looks whether anybody waits would stand still until somebody
 * comes. A time limit is the socket's own, and nobody takes it back. (Accepted ones have it too, which do not block.) */
static void never_block(int fd)
{
    const struct timeval moment = { .tv_usec = 1000 };

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
}

/* ---- addresses ---- */

struct place {
    socklen_t n;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } at;
};

static bool resolve(const char *host, const char *port, struct place *p, struct sc_error *e)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found;
    int r = getaddrinfo(host[0] == '\0' || strcmp(host, "*") == 0 ? NULL : host, port, &hints, &found);

    if (r != 0)
        return sc_error_set(e, "\"%s\": %s", host, gai_strerror(r));
    memcpy(&p->at, found->ai_addr, found->ai_addrlen);
    p->n = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

static bool port_ok(struct sc_str port)
{
    unsigned long long n;

    return str_u64(port, &n) && n <= 65535 && port.n <= 5;
}

/* "host:port" or "[v6]:port" cut in two (host, port: 256 and 8 bytes). */
static bool cut(const char *address, char *host, char *port, struct sc_error *e)
{
    struct sc_str s = str_of(address), h, p;
    const char *colon = strrchr(address, ':');

    if (colon == NULL)
        return sc_error_set(e, "no port: write host:port, [v6]:port, unix:/path or systemd:NAME");
    h = str_range(s.p, colon);
    p = str_range(colon + 1, s.p + s.n);
    if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
        h = str_range(h.p + 1, h.p + h.n - 1);
    else if (str_chr(h, ':') != NULL)
        return sc_error_set(e, "an IPv6 address stands in brackets: [::1]:8080");
    if (!port_ok(p))
        return sc_error_set(e, "\"%s\" is not a port (0 to 65535)", p.p);
    if (h.n > 255)
        return sc_error_set(e, "the host is too long");
    snprintf(host, 256, "%.*s", STR_ARG(h));
    snprintf(port, 8, "%.*s", STR_ARG(p));
    return true;
}

static bool unix_place(const char *path, struct place *p, struct sc_error *e)
{
    size_t n = strlen(path);

    if (path[0] != '/')
        return sc_error_set(e, "unix: wants an absolute path");
    if (n >= sizeof p->at.local.sun_path)
        return sc_error_set(e, "the path of a unix socket has at most %zu bytes", sizeof p->at.local.sun_path - 1);
    p->at.local = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(p->at.local.sun_path, path, n + 1);
    p->n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return true;
}

bool listener_check(const char *address, struct sc_error *e)
{
    struct place p;
    char host[256], port[8];

    if (strncmp(address, "unix:", 5) == 0)
        return unix_place(address + 5, &p, e);
    if (strncmp(address, "systemd:", 8) == 0)
        return address[8] != '\0' ? true : sc_error_set(e, "systemd: wants the name of a socket");
    return cut(address, host, port, e);
}

bool listener_is_local(const char *address)
{
    char host[256], port[8];
    struct in_addr v4;
    struct in6_addr v6;

    if (strncmp(address, "unix:", 5) == 0)
        return true;
    if (strncmp(address, "systemd:", 8) == 0) {
        ask_systemd();
        for (int i = 0; i < handed.n; i++)
            if (strcmp(handed.names[i], address + 8) == 0) {
                struct sockaddr_storage ss;
                socklen_t n = sizeof ss;

                if (getsockname(HANDED_FIRST + i, (struct sockaddr *)&ss, &n) != 0)
                    return false;
                return ss.ss_family == AF_UNIX ||
                       (ss.ss_family == AF_INET &&
                        ntohl(((struct sockaddr_in *)&ss)->sin_addr.s_addr) >> 24 == 127) ||
                       (ss.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&ss)->sin6_addr));
            }
        return false;
    }
    if (!cut(address, host, port, NULL))
        return false;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcmp(host, "localhost") == 0;
}

static void describe(struct listener *l)
{
    struct place p = { .n = sizeof p.at };
    char host[64];

    if (getsockname(l->fd, &p.at.any, &p.n) != 0) {
        snprintf(l->text, sizeof l->text, "%s", l->address);
        return;
    }
    l->local = p.at.any.sa_family == AF_UNIX;
    if (l->local)
        snprintf(l->text, sizeof l->text, "unix:%.70s", p.at.local.sun_path);
    else if (p.at.any.sa_family == AF_INET)
        snprintf(l->text, sizeof l->text, "%s:%u", inet_ntop(AF_INET, &p.at.v4.sin_addr, host, sizeof host),
                 ntohs(p.at.v4.sin_port));
    else
        snprintf(l->text, sizeof l->text, "[%s]:%u", inet_ntop(AF_INET6, &p.at.v6.sin6_addr, host, sizeof host),
                 ntohs(p.at.v6.sin6_port));
}

/* ---- opening ---- */

/* A socket file that nobody listens on any more is in the way of its successor. */
static void remove_stale(const struct place *p)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat st;

    if (fd < 0)
        return;
    if (stat(p->at.local.sun_path, &st) == 0 && S_ISSOCK(st.st_mode) && connect(fd, &p->at.any, p->n) != 0 &&
        errno == ECONNREFUSED)
        unlink(p->at.local.sun_path);
    sys_close(fd);
}

static int bind_place(const struct place *p, unsigned mode, struct sc_error *e)
{
    static const int one = 1;
    int fd = socket(p->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        sc_error_set(e, "%s", strerror(errno));
        return -1;
    }
    if (p->at.any.sa_family == AF_UNIX)
        remove_stale(p);
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (p->at.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ !IN6_IS_ADDR_UNSPECIFIED(&p->at.v6.sin6_addr) }, sizeof one);
    if (bind(fd, &p->at.any, p->n) != 0 ||
        (p->at.any.sa_family == AF_UNIX && mode != 0 && chmod(p->at.local.sun_path, mode) != 0) ||
        listen(fd, BACKLOG) != 0) {
        sc_error_set(e, "%s", strerror(errno));
        sys_close(fd);
        return -1;
    }
    return fd;
}

static int open_socket(const char *address, unsigned mode, bool *owned, struct sc_error *e)
{
    struct place p = { .n = 0 };
    char host[256], port[8];

    *owned = false;
    if (strncmp(address, "systemd:", 8) == 0) {
        int fd = take_handed(address + 8);

        if (fd < 0)
            sc_error_set(e, "systemd handed over no socket of that name (FileDescriptorName= of the socket unit)");
        else if (!handed_is_listener(fd)) {
            sc_error_set(e, "what systemd handed over is not a listening stream socket");
            return -1;
        } else
            never_block(fd);
        return fd;
    }
    if (strncmp(address, "unix:", 5) == 0) {
        *owned = unix_place(address + 5, &p, e);
        return *owned ? bind_place(&p, mode, e) : -1;
    }
    if (!cut(address, host, port, e) || !resolve(host, port, &p, e))
        return -1;
    return bind_place(&p, mode, e);
}

/* Whoever finds another file at the path later knows that it is not ours. */
static void remember_path(struct listener *l)
{
    struct stat st;

    if (!l->owned || lstat(l->address + 5, &st) != 0)
        return;
    l->device = st.st_dev;
    l->inode = st.st_ino;
}

struct listener *listener_open(const char *address, unsigned workers, unsigned mode, struct sc_error *e)
{
    bool owned;
    int fd = open_socket(address, mode, &owned, e);
    struct listener *l;

    if (fd < 0) {
        sc_error_wrap(e, "cannot listen on %s", address);
        return NULL;
    }
    l = xnew(struct listener);
    refs_init(&l->refs);
    l->address = xstrdup(address);
    l->fd = fd;
    l->owned = owned;
    l->handed = strncmp(address, "systemd:", 8) == 0;
    l->n = workers;
    l->pumps = xcalloc(workers, sizeof *l->pumps);
    l->held = xcalloc(workers, sizeof *l->held);
    describe(l);
    remember_path(l);
    return l;
}

struct listener *listener_ref(struct listener *l)
{
    refs_get(&l->refs);
    return l;
}

/* ---- closing ---- */

static void remove_path(struct listener *l)
{
    struct stat st;

    if (l->owned && lstat(l->address + 5, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
        unlink(l->address + 5);
    l->owned = false;
}

void listener_refuse_new(struct listener *l)
{
    /* The filter sees the TCP header: byte 13 has the flags, and a SYN is dropped. */
    struct sock_filter drop_syn[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    };
    struct sock_fprog program = { sizeof drop_syn / sizeof *drop_syn, drop_syn };

    if (l->handed)
        return;
    remove_path(l);
    if (!l->local && setsockopt(l->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
        log_debug("listener on %s: no filter: %s", l->text, strerror(errno));
}

void listener_shut(struct listener *l)
{
    int fd = l->fd;

    if (fd < 0)
        return;
    remove_path(l);
    l->fd = -1;
    if (l->handed)
        atomic_store(&handed.taken[fd - HANDED_FIRST], false);
    else
        sys_close(fd);
    atomic_store_explicit(&l->shut, true, memory_order_release);
}

void listener_unref(struct listener **lp)
{
    struct listener *l = *lp;

    *lp = NULL;
    if (l == NULL || !refs_put(&l->refs))
        return;
    listener_shut(l);
    free(l->pumps);
    free(l->held);
    free(l->address);
    free(l);
}
