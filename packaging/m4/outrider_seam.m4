dnl packaging/m4/outrider_seam.m4 - may libmicrohttpd.a be linked behind our transport seam?
dnl SPDX-License-Identifier: Apache-2.0
dnl
dnl The archive's socket calls are served by sidecar/loop/seam.c through the linker's --wrap. That is sound only while
dnl we know every call by which the library touches a descriptor: one that we do not know could read or close a client's
dnl socket behind our back. So the undefined symbols of the archive are listed here, and an unknown one is refused.

dnl Served by the seam.
m4_define([OR_SEAM_CALLS], [recv send sendmsg sendfile64 shutdown close accept4 epoll_create1 epoll_ctl epoll_wait])

dnl Known and let through, because none of them moves or closes what a client sent or is sent:
dnl   socket socketpair bind listen  listen sockets (ours come ready made) and the pair of its own TLS upgrades (not used)
dnl   getsockname getsockopt setsockopt fcntl  questions and options (TCP_NODELAY, TCP_CORK, O_NONBLOCK)
dnl   eventfd read write             its wake-up descriptor
dnl   poll select                    its own threads, which are never started
dnl   pread64                        file bodies
m4_define([OR_SEAM_KNOWN], [socket socketpair bind listen getsockname getsockopt setsockopt fcntl fcntl64
  eventfd read write poll select pread64])

dnl Every name of the C library that reads, writes, makes, waits for or closes a descriptor. Checked names (__recv_chk)
dnl and large file names (sendfile64) are matched too.
m4_define([OR_SEAM_DESCRIPTOR_CALLS],
  [^(__)?(recv|recvfrom|recvmsg|recvmmsg|send|sendto|sendmsg|sendmmsg|sendfile|read|readv|pread|preadv|preadv2|write|writev|pwrite|pwritev|pwritev2|splice|tee|vmsplice|copy_file_range|close|closefrom|close_range|shutdown|accept|accept4|connect|socket|socketpair|bind|listen|getsockname|getpeername|getsockopt|setsockopt|fcntl|ioctl|dup|dup2|dup3|eventfd|eventfd_read|eventfd_write|pipe|pipe2|poll|ppoll|select|pselect|epoll_create|epoll_create1|epoll_ctl|epoll_wait|epoll_pwait|epoll_pwait2|fdopen|open|openat|io_uring_[a-z_]*|syscall)(64)?(_chk|_time64)?(@.*)?\$])

dnl The memory pool of a connection, behind the seam where the archive has these functions: an idle connection then
dnl owns no pool. Their names and parameters are the library's own business and may change: each has a HAVE_.
m4_define([OR_SEAM_POOL], [MHD_pool_create MHD_pool_destroy MHD_pool_allocate MHD_pool_try_alloc MHD_pool_reallocate
  MHD_pool_get_free MHD_pool_reset MHD_pool_is_resizable_inplace MHD_pool_deallocate])

dnl Sets seam=yes|no, seam_why (text for the summary), SEAM_LDFLAGS and MHD_LIBS.
AC_DEFUN([OR_SEAM], [
  OR_WITH([seam], [link libmicrohttpd.a behind the transport seam])
  AC_CHECK_TOOL([NM], [nm], [:])
  seam=no
  seam_why="--with-seam=no"
  SEAM_LDFLAGS=
  AS_IF([test "$with_seam" != no], [
    OR_SEAM_ARCHIVE
    AS_IF([test "$with_seam" = yes && test "$seam" = no], [AC_MSG_ERROR([--with-seam=yes, but $seam_why])])
  ])
  AM_CONDITIONAL([SEAM], [test "$seam" = yes])
  AS_IF([test "$seam" = yes], [AC_DEFINE([HAVE_SEAM], [1], [libmicrohttpd.a is linked behind the transport seam])])
  AC_SUBST([SEAM_LDFLAGS])
  AC_SUBST([MHD_LIBS])
])

AC_DEFUN([OR_SEAM_ARCHIVE], [
  AC_MSG_CHECKING([for libmicrohttpd.a and the calls it makes])
  seam_dir=`$PKG_CONFIG --variable=libdir libmicrohttpd`
  seam_archive=`$CC -print-file-name=libmicrohttpd.a`
  AS_IF([test ! -r "$seam_archive" && test -r "$seam_dir/libmicrohttpd.a"],
    [seam_archive=$seam_dir/libmicrohttpd.a])
  AS_IF([test -r "$seam_archive"], [seam_archive=`readlink -f "$seam_archive" || AS_ECHO(["$seam_archive"])`])
  AS_IF([test ! -r "$seam_archive"], [seam_why="there is no libmicrohttpd.a"],
    [test "x$NM" = x:], [seam_why="there is no nm to look into libmicrohttpd.a"],
    [OR_SEAM_SYMBOLS])
  AS_IF([test "$seam_why" = ok], [OR_SEAM_LINK])
  AC_MSG_RESULT([$seam_why])
])

dnl Undefined in one object and defined in none is what the archive wants from outside.
AC_DEFUN([OR_SEAM_SYMBOLS], [
  $NM "$seam_archive" 2>/dev/null >conftest.nm
  seam_undefined=`$AWK 'NF < 2 { next } $(NF-1) == "U" { u[[$NF]] = 1 } $(NF-1) ~ /^@<:@A-TV-Za-tv-z@:>@$/ { d[[$NF]] = 1 }
    END { for (s in u) if (!(s in d)) print s }' conftest.nm | sort`
  seam_defined=`$AWK 'NF > 1 && $(NF-1) == "T" { print $NF }' conftest.nm`
  rm -f conftest.nm
  seam_unknown=
  seam_known=" m4_normalize(OR_SEAM_CALLS OR_SEAM_KNOWN) "
  for or_symbol in `AS_ECHO(["$seam_undefined"]) | grep -E 'OR_SEAM_DESCRIPTOR_CALLS'`; do
    AS_CASE([$seam_known], [*" $or_symbol "*], [], [seam_unknown="$seam_unknown $or_symbol"])
  done
  AS_IF([test -z "$seam_undefined"], [seam_why="nm shows no symbols in $seam_archive"],
    [test -n "$seam_unknown"], [seam_why="$seam_archive makes calls the seam does not know:$seam_unknown"],
    [seam_why=ok])
])

dnl The library and what stands behind it; with GnuTLS where it was built with HTTPS.
AC_DEFUN([OR_SEAM_LINK], [
  or_save_LIBS=$LIBS
  or_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS $MHD_CFLAGS"
  seam_why="a program with $seam_archive does not link"
  for or_libs in "-lpthread" "-lgnutls -lpthread" "`$PKG_CONFIG --static --libs-only-l libmicrohttpd | sed 's/-lmicrohttpd//g'`"; do
    LIBS="$seam_archive $or_libs $or_save_LIBS"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <microhttpd.h>]],
      [[return MHD_start_daemon(0, 0, NULL, NULL, NULL, NULL, MHD_OPTION_END) != NULL;]])],
      [seam=yes; seam_why="yes, $seam_archive"; MHD_LIBS="$seam_archive $or_libs"; break])
  done
  LIBS=$or_save_LIBS
  CFLAGS=$or_save_CFLAGS
  AS_IF([test "$seam" = yes], [
    for or_symbol in m4_normalize(OR_SEAM_CALLS); do
      SEAM_LDFLAGS="$SEAM_LDFLAGS -Wl,--wrap=$or_symbol"
    done
    m4_foreach_w([or_name], OR_SEAM_POOL, [
      AS_IF([AS_ECHO(["$seam_defined"]) | grep -qx or_name], [
        SEAM_LDFLAGS="$SEAM_LDFLAGS -Wl,--wrap=or_name"
        AC_DEFINE(AS_TR_CPP([HAVE_]or_name), [1], [libmicrohttpd.a defines ]or_name)
      ])
    ])
  ])
])
