/* sidecar/loop/sys.h - the system's own socket calls.
 * SPDX-License-Identifier: Apache-2.0
 *
 * With the transport seam the plain names of these calls lead to the seam, which looks whether the descriptor is a
 * client's. Code of ours that knows better uses these. */
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef HAVE_SEAM
ssize_t __real_recv(int fd, void *p, size_t n, int flags);
ssize_t __real_send(int fd, const void *p, size_t n, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __real_sendfile64(int out, int in, off_t *offset, size_t n);
int __real_shutdown(int fd, int how);
int __real_close(int fd);
int __real_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags);
int __real_epoll_create1(int flags);
int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *e);
int __real_epoll_wait(int epoll, struct epoll_event *e, int max, int timeout);
#define sys_recv         __real_recv
#define sys_send         __real_send
#define sys_sendmsg      __real_sendmsg
#define sys_shutdown     __real_shutdown
#define sys_close        __real_close
#define sys_accept4      __real_accept4
#define sys_epoll_create __real_epoll_create1
#define sys_epoll_ctl    __real_epoll_ctl
#define sys_epoll_wait   __real_epoll_wait
#else
#define sys_recv         recv
#define sys_send         send
#define sys_sendmsg      sendmsg
#define sys_shutdown     shutdown
#define sys_close        close
#define sys_accept4      accept4
#define sys_epoll_create epoll_create1
#define sys_epoll_ctl    epoll_ctl
#define sys_epoll_wait   epoll_wait
#endif
