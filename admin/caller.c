/* admin/caller.c - who is at the other end of a connection.
 * SPDX-License-Identifier: Apache-2.0 */
#include "admin/caller.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_loopback(const struct client *c)
{
    switch (c->address.any.sa_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return ntohl(c->address.v4.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&c->address.v6.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&c->address.v6.sin6_addr) && c->address.v6.sin6_addr.s6_addr[12] == 127);
    default:
        return false;
    }
}

/* Whether it is among the groups that the peer was in when it connected, besides its first one. */
static bool in_groups(int fd, gid_t group)
{
    socklen_t n = 0;
    gid_t *groups;
    bool found = false;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &n) != 0 && errno != ERANGE)
        return false;
    if (n == 0)
        return false;
    groups = xmalloc(n);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) == 0)
        for (size_t i = 0; i < n / sizeof *groups; i++)
            found |= groups[i] == group;
    free(groups);
    return found;
}

/* As the kernel knew them when they connected: nobody can claim to be somebody else. */
static void find_user(struct caller *to, int fd, const struct admin_state *state)
{
    struct ucred peer;
    socklen_t n = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0 || n != sizeof peer) {
        snprintf(to->who, sizeof to->who, "somebody unknown");
        return;
    }
    snprintf(to->who, sizeof to->who, "uid %u (pid %d)", (unsigned)peer.uid, (int)peer.pid);
    to->trusted = peer.uid == 0 || peer.uid == geteuid() ||
                  (state->has_group && (peer.gid == state->group || in_groups(fd, state->group)));
}

void caller_find(struct caller *to, const struct client *c, bool local, const struct admin_state *state)
{
    *to = (struct caller){ .loopback = is_loopback(c) };
    if (local)
        find_user(to, c->io.fd, state);
    else
        snprintf(to->who, sizeof to->who, "%.*s", STR_ARG(client_text(c)));
}
